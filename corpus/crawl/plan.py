"""`cbc corpus crawl RECIPE --plan`: the calls and units each stage will need, in how many days, and what it will weigh.

How many videos a channel has is known only when it is asked; until then a recipe without `videos_per_channel` counts
with TYPICAL_VIDEOS a channel, and the plan says so.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from corpus.crawl.journal import WATCH
from corpus.crawl.recipe import CrawlRecipe, Youtube, Ytdlp, listed_videos
from corpus.crawl.youtube_api import PAGE, SEARCH, UNITS
from corpus.printing import table_text
from corpus.sources.wikidata import CHANNEL_ID

TYPICAL_VIDEOS = 500
BYTES = {
    "search": 200,
    "channels": 700,
    "playlistItems": 60,
    "videos": 1_900,
    "commentThreads": 420,
}  # a raw item, before compression
INFO_BYTES, CAPTIONS_BYTES = 12_000, 60_000  # of a video: its info file, and captions of ten minutes in one language
WATCH_S = 3.0  # a call of yt-dlp, beside the pause after it


def videos_of(youtube: Youtube | None) -> int:
    """How many videos the API will tell, at most."""
    if youtube is None:
        return 0
    listed = len(listed_videos(youtube.videos)) if youtube.videos else 0
    channels = len(youtube.channels) + len(youtube.names)
    return channels * (youtube.videos_per_channel or TYPICAL_VIDEOS) + listed


def planned(recipe: CrawlRecipe) -> list[tuple[str, int, int, int]]:
    """Stage, calls, units and bytes of raw items, at most."""
    found = planned_api(recipe.youtube) if recipe.youtube else []
    if recipe.ytdlp:
        videos = videos_of(recipe.youtube) + len(recipe.ytdlp.videos)
        each = INFO_BYTES + CAPTIONS_BYTES * len(recipe.ytdlp.subtitles)
        found.append((WATCH, videos, 0, videos * each))
    return found


def planned_api(youtube: Youtube) -> list[tuple[str, int, int, int]]:
    """The stages of the Data API."""
    searches, channels = len(youtube.names), len(youtube.channels) + len(youtube.names)
    ids = sum(bool(CHANNEL_ID.fullmatch(name)) for name in youtube.channels)
    each = youtube.videos_per_channel or TYPICAL_VIDEOS
    uploads, pages = channels * each, channels * ceil(each / PAGE)
    videos = videos_of(youtube)
    comments = videos * youtube.comment_pages
    calls = {
        SEARCH: searches,
        "channels": ceil(ids / PAGE) + channels - ids,
        "playlistItems": pages,
        "videos": (pages + ceil((videos - uploads) / PAGE)),
        "commentThreads": comments,
    }
    items = {SEARCH: searches, "channels": channels, "playlistItems": uploads, "videos": videos}
    items["commentThreads"] = 100 * comments
    return [
        (stage, count, 0 if stage == SEARCH else count * UNITS, items[stage] * BYTES[stage])
        for stage, count in calls.items()
        if count or stage != SEARCH
    ]


def plan_rows(recipe: CrawlRecipe) -> dict[str, Any]:
    """The plan for programs: stages with calls, units and bytes, their sums, and the days of quota."""
    names, rows = ("stage", "calls", "units", "raw_bytes"), planned(recipe)
    stages = [dict(zip(names, row, strict=True)) for row in rows]
    sums = {names[n]: sum(int(row[n]) for row in rows) for n in (1, 2, 3)}
    searches = len(recipe.youtube.names) if recipe.youtube else 0
    days = ceil(sums["units"] / recipe.quota.units_per_day), ceil(searches / recipe.quota.searches_per_day)
    return {"stages": stages, **sums, "searches": searches, "days": max(days)}


def plan_text(recipe: CrawlRecipe) -> str:
    """The plan as lines for a terminal."""
    rows = planned(recipe)
    calls, units, size = (sum(column) for column in list(zip(*rows, strict=True))[1:])
    days = ceil(units / recipe.quota.units_per_day)
    table = [
        (stage, calls, units, f"{size / 1e6:,.1f}")
        for stage, calls, units, size in [*rows, ("in all", calls, units, size)]
    ]
    body = [table_text(["stage", "calls", "units", "raw MB"], table)]
    if recipe.youtube and recipe.youtube.names:
        searches, each = len(recipe.youtube.names), recipe.quota.searches_per_day
        body.append(f"searches: {searches:,}, at {each:,} a day: {ceil(searches / each):,} days")
    if recipe.youtube and recipe.youtube.ages_days:
        ages = ", ".join(map(str, recipe.youtube.ages_days))
        body.append(f"and for each video that is younger, a share of a call at {ages} days of age, on those days")
    if recipe.youtube:
        body.append(f"at {recipe.quota.units_per_day:,} units a day: {days:,} {'day' if days == 1 else 'days'} at most")
    if recipe.youtube and recipe.youtube.videos_per_channel is None:
        body.append(f"counted with {TYPICAL_VIDEOS} videos a channel, since the recipe sets no videos_per_channel")
    return "\n".join([*body, *(watch_lines(recipe.ytdlp, rows[-1][1]) if recipe.ytdlp else [])])


def watch_lines(ytdlp: Ytdlp, calls: int) -> list[str]:
    """How long yt-dlp's stage takes, beside the API's, and what is known of the size of media."""
    each_s = (WATCH_S + sum(ytdlp.sleep_s) / 2) / ytdlp.concurrency
    low, high = ytdlp.sleep_s
    found = [
        f"yt-dlp, {low:g} to {high:g} s between calls: {calls:,} calls in about {calls * each_s / 3600:,.1f} hours"
    ]
    if ytdlp.media and ytdlp.max_bytes:
        found.append(f"media: at most {calls * ytdlp.max_bytes / 1e9:,.1f} GB, {ytdlp.max_bytes / 1e6:,.1f} MB a file")
    elif ytdlp.media:
        found.append("media: the size of a file is known only when it is asked for; ytdlp.max_bytes sets a limit")
    return found
