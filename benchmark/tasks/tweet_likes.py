"""Behavior simulation, tweets: high or low likes for its account (paper, behavior simulation on Twitter).

High and low are the upper and lower third of an account's own posts; the middle third is left out (`cut = "thirds"`),
or all posts are cut at the median (`cut = "median"`). Likes drift over the years, so a post is compared only with posts
of about the same time: blocks of 100 consecutive posts of the account within its split.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl
from scipy.special import ndtr

from benchmark.answers.choice import Choice
from benchmark.metrics import ACCURACY
from benchmark.references.chance import RANDOM
from benchmark.references.constants import MAJORITY
from benchmark.splits import MIN_CLUSTERS, by_cluster, by_time, capped
from benchmark.tasks.base import NotEnough, TableHeading, Task
from benchmark.tasks.expected import Expected, law_of
from corpus.simulate import law as rules
from corpus.verbalize.message_frames import posts
from corpus.verbalize.post import post_text

BLOCK = 100
MIN_POSTS = 20  # an account with fewer has no distribution to cut
CLASSES = ("low", "high")


def like_classes(frame: pl.DataFrame, cut: str = "thirds") -> pl.DataFrame:
    """Add `like_class` and the block's cuts `low_below` and `high_above` (likes); posts in between are left out."""
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
    """High or low likes of posts, split in one way."""

    table = TableHeading(
        "twitter_likes",
        "Behavior simulation: high or low likes of posts",
        "The majority row is the training part's most frequent class; the paper does not say how it cut its classes.",
    )
    answer = Choice(len(CLASSES))
    metrics = (ACCURACY,)
    references = (RANDOM, MAJORITY)
    behavior = ("like_class",)
    hidden_counts = ("likes",)
    cut = "thirds"
    least_accounts: int

    def columns(self) -> tuple[str, ...]:
        return ("account",)

    @abstractmethod
    def with_split(self, frame: pl.DataFrame, seed: int) -> pl.DataFrame:
        """Add the column `split`."""

    def instances(self, connection: duckdb.DuckDBPyConnection, seed: int, sizes: Mapping[str, int]) -> pl.DataFrame:
        frame = posts(connection).filter(pl.len().over("cluster") >= MIN_POSTS)
        if frame["cluster"].n_unique() < self.least_accounts:
            raise NotEnough(f"fewer than {self.least_accounts} accounts have {MIN_POSTS} posts with likes")
        frame = self.with_split(frame.with_columns(brand=pl.coalesce("company", "cluster")), seed)
        return self.retarget(capped(like_classes(frame, self.cut), sizes, seed))

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        index = pl.col("like_class").replace_strict({name: float(i) for i, name in enumerate(CLASSES)})
        return frame.with_columns(target=pl.concat_list(index), options=pl.lit(list(CLASSES)))

    def recover_behavior(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(like_class=pl.col("answer"))

    def with_random_behavior(self, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        return frame.with_columns(pl.Series("like_class", rng.choice(CLASSES, frame.height)))

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        return post_text(frame)

    def expected(self, frame: pl.DataFrame, law: pl.DataFrame) -> Expected:
        """The more likely class and both probabilities, given the cuts of the post's block (likes)."""
        cuts = {name: np.log(np.maximum(frame[name].to_numpy(), 0.5)) for name in ("low_below", "high_above")}
        mean = law_of("post_ln", frame, law).to_numpy()
        low = ndtr((cuts["low_below"] - mean) / rules.POST_NOISE_SD)
        high = ndtr(-(cuts["high_above"] - mean) / rules.POST_NOISE_SD)
        share = high / np.maximum(low + high, 1e-12)
        return Expected([[float(p > 0.5)] for p in share], [[float(1 - p), float(p)] for p in share])


class TweetLikesBrand(TweetLikes):
    """Posts of companies that are not in training."""

    name = "tweet_likes_brand"
    condition = "brand_separated"
    least_accounts = MIN_CLUSTERS

    def with_split(self, frame: pl.DataFrame, seed: int) -> pl.DataFrame:
        return by_cluster(frame, seed, "brand")


class TweetLikesTime(TweetLikes):
    """Posts that were published after those of training."""

    name = "tweet_likes_time"
    condition = "time_separated"
    split_by_time = True
    least_accounts = 1

    def with_split(self, frame: pl.DataFrame, seed: int) -> pl.DataFrame:
        return by_time(frame)
