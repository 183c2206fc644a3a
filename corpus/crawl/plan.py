"""`cbc corpus crawl RECIPE --plan`: the calls and units each stage will need, in how many days, and what it will weigh.

How many videos a channel has is known only when it is asked; until then a recipe without `videos_per_channel` counts
with TYPICAL_VIDEOS a channel, and the plan says so.
"""

from __future__ import annotations

from math import ceil

from corpus.crawl.recipe import CHANNEL_ID, CrawlRecipe
from corpus.crawl.youtube import PAGE, UNITS

TYPICAL_VIDEOS = 500
BYTES = {"channels": 700, "playlistItems": 60, "videos": 1_900, "commentThreads": 420}  # a raw item, before compression


def planned(recipe: CrawlRecipe) -> list[tuple[str, int, int, int]]:
    """Stage, calls, units and bytes of raw items, at most."""
    channels = recipe.youtube.channels
    ids = sum(bool(CHANNEL_ID.fullmatch(name)) for name in channels)
    each = recipe.youtube.videos_per_channel or TYPICAL_VIDEOS
    videos, pages = len(channels) * each, len(channels) * ceil(each / PAGE)
    comments = videos * recipe.youtube.comment_pages
    calls = {
        "channels": ceil(ids / PAGE) + len(channels) - ids,
        "playlistItems": pages,
        "videos": pages,
        "commentThreads": comments,
    }
    items = {"channels": len(channels), "playlistItems": videos, "videos": videos, "commentThreads": 100 * comments}
    return [(stage, count, count * UNITS, items[stage] * BYTES[stage]) for stage, count in calls.items()]


def plan_text(recipe: CrawlRecipe) -> str:
    """The plan as lines for a terminal."""
    rows = planned(recipe)
    calls, units, size = (sum(column) for column in list(zip(*rows, strict=True))[1:])
    days = ceil(units / recipe.quota.units_per_day)
    body = [f"{'stage':16} {'calls':>10} {'units':>10} {'raw MB':>10}"]
    body += [f"{stage:16} {c:10,} {u:10,} {b / 1e6:10,.1f}" for stage, c, u, b in rows]
    body += [f"{'in all':16} {calls:10,} {units:10,} {size / 1e6:10,.1f}"]
    body += [f"at {recipe.quota.units_per_day:,} units a day: {days:,} {'day' if days == 1 else 'days'} at most"]
    if recipe.youtube.videos_per_channel is None:
        body.append(f"counted with {TYPICAL_VIDEOS} videos a channel, since the recipe sets no videos_per_channel")
    return "\n".join(body)
