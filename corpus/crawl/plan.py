"""Estimate what a crawl will cost before it starts: calls, units, days and bytes of each stage.

    cbc corpus crawl RECIPE --plan

The number of videos of a channel is unknown before it is fetched. Without `videos_per_channel` the plan counts
TYPICAL_VIDEOS a channel, and states that.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from corpus.crawl.journal import WATCH
from corpus.crawl.recipe import CrawlRecipe, Youtube, Ytdlp, read_videos
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
}  # of a raw item, before compression
INFO_BYTES, CAPTIONS_BYTES = 12_000, 60_000  # of a video: its info file, and ten minutes of captions in a language
WATCH_S = 3.0  # duration of a call of yt-dlp, without the pause after it


def count_videos(youtube: Youtube | None) -> int:
    """Upper bound of the number of videos that the API answers for."""
    if youtube is None:
        return 0
    listed = len(read_videos(youtube.videos)) if youtube.videos else 0
    channels = len(youtube.channels) + len(youtube.names)
    return channels * (youtube.videos_per_channel or TYPICAL_VIDEOS) + listed


def planned(recipe: CrawlRecipe) -> list[tuple[str, int, int, int]]:
    """Each stage with upper bounds of its calls, units and bytes of raw items."""
    stages = plan_api_stages(recipe.youtube) if recipe.youtube else []
    if recipe.ytdlp:
        videos = count_videos(recipe.youtube) + len(recipe.ytdlp.videos)
        each = INFO_BYTES + CAPTIONS_BYTES * len(recipe.ytdlp.subtitles)
        stages.append((WATCH, videos, 0, videos * each))
    return stages


def plan_api_stages(youtube: Youtube) -> list[tuple[str, int, int, int]]:
    """Each stage of the Data API with upper bounds of its calls, units and bytes."""
    searches, channels = len(youtube.names), len(youtube.channels) + len(youtube.names)
    ids = sum(bool(CHANNEL_ID.fullmatch(name)) for name in youtube.channels)
    each = youtube.videos_per_channel or TYPICAL_VIDEOS
    uploads, pages = channels * each, channels * ceil(each / PAGE)
    videos = count_videos(youtube)
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
        body.append(
            f"not counted: calls that fetch younger videos again at {ages} days of age, 50 videos a call at most"
        )
    if recipe.youtube:
        body.append(f"at {recipe.quota.units_per_day:,} units a day: {days:,} {'day' if days == 1 else 'days'} at most")
    if recipe.youtube and recipe.youtube.videos_per_channel is None:
        body.append(f"assumed: {TYPICAL_VIDEOS} videos a channel, since the recipe sets no videos_per_channel")
    return "\n".join([*body, *(ytdlp_lines(recipe.ytdlp, rows[-1][1]) if recipe.ytdlp else [])])


def ytdlp_lines(ytdlp: Ytdlp, calls: int) -> list[str]:
    """Duration of yt-dlp's stage, which runs beside the API's, and the limit on the size of media."""
    each_s = (WATCH_S + sum(ytdlp.sleep_s) / 2) / ytdlp.concurrency
    low, high = ytdlp.sleep_s
    lines = [
        f"yt-dlp, {low:g} to {high:g} s between calls: {calls:,} calls in about {calls * each_s / 3600:,.1f} hours"
    ]
    if ytdlp.media and ytdlp.max_bytes:
        lines.append(f"media: at most {calls * ytdlp.max_bytes / 1e9:,.1f} GB, {ytdlp.max_bytes / 1e6:,.1f} MB a file")
    elif ytdlp.media:
        lines.append("media: of unknown size before they are fetched; ytdlp.max_bytes sets a limit")
    return lines
