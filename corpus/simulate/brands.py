"""Who speaks in a simulated world: brands with their channels, how many messages each has, and its hidden effects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from corpus.ids import global_id
from corpus.simulate import law as rules
from corpus.simulate.law import World
from corpus.simulate.phrases import company_names, pick

FIRST_DAY = datetime(2019, 1, 1)
CHANNEL_TAIL, SINGLES_BELOW, LARGEST = 0.8, 2.0, 60.0
"""Weights of channels: (share of larger ones)^(-1 / tail) less what only singles have, at most LARGEST. So, as in the
real files, half of the channels have a single video and a tenth more than ten."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Brand:
    """A company with a YouTube channel, a Twitter account and an email sender, and its hidden effects."""

    company: str
    slug: str
    audience: int
    product: str
    like_effect: float
    views_effect: float
    videos: int
    posts: int


def draw_brands(rng: np.random.Generator, world: World) -> list[Brand]:
    """Draw the brands of a world."""
    brands = []
    names, videos = company_names(world.sizes.brands), draw_videos(rng, world)
    for number, company in enumerate(names):
        brands.append(
            Brand(
                company=company,
                slug=slug_of(company),
                audience=max(1, int(np.exp(rng.normal(rules.AUDIENCE_LN, rules.AUDIENCE_LN_SD)))),
                product=pick(rng, tuple(rules.NICHES)),
                like_effect=float(rng.normal(0, world.like_channel_sd)),
                views_effect=float(rng.normal(0, world.views_channel_sd)),
                videos=videos[number],
                posts=posts_of(number, world),
            )
        )
    return brands


def draw_videos(rng: np.random.Generator, world: World) -> list[int]:
    """Draw the number of videos of each brand; together brands times videos."""
    brands, videos = world.sizes.brands, world.sizes.videos
    if world.alike_channels or videos < 2:
        return [videos] * brands
    larger = rng.permutation((np.arange(brands) + 0.5) / brands)
    weights = np.clip(larger ** (-1 / CHANNEL_TAIL) - SINGLES_BELOW, 0, LARGEST)
    exact = (videos - 1) * brands * weights / weights.sum()
    counts = np.floor(exact).astype(int)
    missing = (videos - 1) * brands - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    return [1 + int(count) for count in counts]


def posts_of(brand: int, world: World) -> int:
    """Number of posts of a brand: all alike, or a quarter of the brands hold all posts; together brands times posts."""
    brands, posts = world.sizes.brands, world.sizes.posts
    if world.alike_channels:
        return posts
    accounts = max(3, brands // 4)
    return (brands * posts + accounts - 1 - brand) // accounts if brand < accounts else 0


def slug_of(company: str) -> str:
    """A company's name as it stands in ids."""
    return company.lower().replace(" ", "-")


def speaker_id(channel: str, brand: Brand) -> str:
    """Id of a brand in a medium."""
    return global_id(channel, f"sim-{brand.slug}")


def communicators(brand: Brand) -> list[Row]:
    """Communicator rows of a brand, a row for each medium."""
    return [
        {
            "communicator_id": speaker_id(channel, brand),
            "channel": channel,
            "name": brand.company,
            "company": brand.company,
            "audience": brand.audience,
            "as_of": FIRST_DAY,
        }
        for channel in ("youtube", "twitter", "email")
    ]
