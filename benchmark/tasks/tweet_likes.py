"""Behavior simulation, tweets: high or low likes for its account (paper, behavior simulation on Twitter).

High and low are the upper and lower third of an account's own posts; the middle third is left out (`cut="thirds"`), or
all are cut at the median (`cut="median"`). Likes drift over the years, so a post is compared with its neighbours in
time alone: blocks of 100 consecutive posts of the account within its split.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl

from benchmark.splits import MIN_CLUSTERS, by_cluster, by_time, capped
from benchmark.tasks.base import NotEnough, Task
from corpus.verbalize.message_frames import posts
from corpus.verbalize.post import post_text

BLOCK = 100
MIN_POSTS = 20  # an account with fewer has no distribution to cut
CLASSES = ("low", "high")


def like_classes(frame: pl.DataFrame, cut: str = "thirds") -> pl.DataFrame:
    """Adds `like_class`, and the block's cuts `low_below` and `high_above` (likes); posts in between are left out."""
    group = ["cluster", "split"]
    ranked = frame.sort(*group, "published_at", "message_id").with_columns(
        block=(pl.int_range(pl.len()).over(group) * pl.max_horizontal(1, pl.len().over(group) // BLOCK))
        // pl.len().over(group)
    )
    share = (pl.col("likes").rank("average").over([*group, "block"]) - 0.5) / pl.len().over([*group, "block"])
    low, high = (1 / 3, 2 / 3) if cut == "thirds" else (0.5, 0.5)
    like_class = pl.when(share < low).then(pl.lit("low")).when(share > high).then(pl.lit("high"))
    classed = ranked.with_columns(like_class=like_class)
    block = [*group, "block"]
    cuts = classed.with_columns(
        low_below=pl.col("likes").filter(pl.col("like_class") == "low").max().over(block),
        high_above=pl.col("likes").filter(pl.col("like_class") == "high").min().over(block),
    )
    return cuts.filter(pl.col("like_class").is_not_null())


class TweetLikes(Task):
    """High or low likes on brand-separated or time-separated posts."""

    table = "twitter_likes"
    kind = "choice"
    metrics = ("accuracy",)
    legal = (0.0, 1.0)
    behavior = ("like_class",)

    def __init__(self, condition: str, cut: str = "thirds") -> None:
        self.condition = f"{condition}_separated"
        self.name = f"tweet_likes_{condition}"
        self.cut = cut

    def columns(self) -> tuple[str, ...]:
        return ("account",)

    def instances(self, connection: duckdb.DuckDBPyConnection, seed: int, sizes: Mapping[str, int]) -> pl.DataFrame:
        frame = posts(connection).filter(pl.len().over("cluster") >= MIN_POSTS)
        by_brand = self.condition == "brand_separated"
        if frame["cluster"].n_unique() < (MIN_CLUSTERS if by_brand else 1):
            raise NotEnough(f"fewer than {MIN_CLUSTERS if by_brand else 1} accounts have {MIN_POSTS} posts with likes")
        frame = frame.with_columns(brand=pl.coalesce("company", "cluster"))
        frame = by_cluster(frame, seed, "brand") if by_brand else by_time(frame)
        return self.retarget(capped(like_classes(frame, self.cut), sizes, seed))

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        index = pl.col("like_class").replace_strict({name: float(i) for i, name in enumerate(CLASSES)})
        return frame.with_columns(target=pl.concat_list(index), options=pl.lit(list(CLASSES)))

    def restore(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(like_class=pl.col("answer"))

    def formatted(self, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        return frame.with_columns(pl.Series("like_class", rng.choice(CLASSES, frame.height)))

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        return post_text(frame)
