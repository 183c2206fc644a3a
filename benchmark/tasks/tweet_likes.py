"""Behavior simulation, tweets: high or low likes for its account (paper, behavior simulation on Twitter).

High and low are the upper and lower third of an account's own posts; the middle third is left out (`cut = "thirds"`),
or all posts are cut at the median (`cut = "median"`). Likes drift over the years, so a post is compared only with posts
of about the same time: blocks of 100 consecutive posts of the account within its split.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl
from scipy.special import ndtr

from benchmark.answers.choice import Choice
from benchmark.holdout import LEAST_GROUPS, Holdout
from benchmark.metrics import ACCURACY
from benchmark.references.chance import RANDOM
from benchmark.references.constants import MAJORITY
from benchmark.references.numbers import CLASS_BY_NUMBERS, CLASS_BY_TREES
from benchmark.references.whole_message import CLASS_BY_LENGTH
from benchmark.sizes import capped
from benchmark.tasks.base import NotEnough, TableHeading, Task
from benchmark.tasks.expected import Expected, as_lists, law_of
from benchmark.tasks.planted import EffectScale, Factor
from corpus.printing import number_of
from corpus.simulate.named_levels import post_style, post_topic
from corpus.verbalize.message_frames import posts
from corpus.verbalize.post import post_text

BLOCK = 100
TIME_BLOCKS, TIME_BLOCK = 15, 25
"""Blocks of an account that are drawn where an interval is over the times of few accounts, and their fewest posts: the
longer a block, the longer may luck last that its posts share."""
MIN_POSTS = 20  # an account with fewer has no distribution to cut
CLASSES = ("low", "high")


def like_classes(frame: pl.DataFrame, cut: str = "thirds") -> pl.DataFrame:
    """Add `like_class` and the block's cuts `low_below` and `high_above` (likes); posts in between are left out."""
    account = ["communicator_id", "split"]
    ranked = frame.sort(*account, "published_at", "message_id").with_columns(
        block=blocks_of(BLOCK, account), time_block=blocks_of(TIME_BLOCK, account, TIME_BLOCKS)
    )
    share = (pl.col("likes").rank("average").over([*account, "block"]) - 0.5) / pl.len().over([*account, "block"])
    low, high = (1 / 3, 2 / 3) if cut == "thirds" else (0.5, 0.5)
    like_class = pl.when(share < low).then(pl.lit("low")).when(share > high).then(pl.lit("high"))
    classed = ranked.with_columns(like_class=like_class)
    block = [*account, "block"]
    cuts = classed.with_columns(
        low_below=pl.col("likes").filter(pl.col("like_class") == "low").max().over(block),
        high_above=pl.col("likes").filter(pl.col("like_class") == "high").min().over(block),
    )
    return cuts.filter(pl.col("like_class").is_not_null())


def blocks_of(size: int, account: list[str], most: int | None = None) -> pl.Expr:
    """Number each account's posts, which are in order, in equal blocks of at least `size` posts, at most so many."""
    posts = pl.len().over(account)
    return pl.int_range(pl.len()).over(account) * (posts // size).clip(1, most) // posts


class TweetLikes(Task):
    """High or low likes of posts, split in one way."""

    table = TableHeading(
        "twitter_likes",
        "Behavior simulation: high or low likes of posts",
        "The majority row is the training part's most frequent class; the paper does not say how it cut its classes. "
        "Where later posts come from fewer than 10 effective groups of accounts, their groups are 15 blocks of "
        "consecutive posts of each account (of 25 posts at least): intervals are then about these accounts at other "
        "times, say nothing of other accounts, and hold where the luck of a model lasts no longer than some ten posts.",
        "likes of posts",
    )
    answer = Choice(len(CLASSES))
    metrics = (ACCURACY,)
    references = (RANDOM, MAJORITY, CLASS_BY_LENGTH, CLASS_BY_NUMBERS, CLASS_BY_TREES)
    behavior = ("like_class",)
    hidden_counts = ("likes",)
    effect_scale = EffectScale(
        "points of 100 in how often likes are high",
        "The law adds up logarithms of likes, of which only high or low for its account is asked: an effect is a "
        "difference in how often likes are high, and followers have none. An answer is a choice, which exaggerates "
        "some effects and hides others: compare with the oracle.",
        lambda classes: 100 * classes,
    )
    cut = "thirds"
    least_groups: int

    def columns(self) -> tuple[str, ...]:
        return ("account",)

    def instances(
        self, connection: duckdb.DuckDBPyConnection, holdout: Holdout, seed: int, sizes: Mapping[str, int]
    ) -> pl.DataFrame:
        frame = holdout.split(posts(connection), by_time=self.split_by_time is not None)
        frame = frame.filter(pl.len().over("communicator_id") >= MIN_POSTS)
        if frame["group"].n_unique() < self.least_groups:
            accounts = f"{MIN_POSTS} posts with likes that this split may use"
            raise NotEnough(f"fewer than {number_of(self.least_groups, 'group')} of accounts have {accounts}")
        return self.retarget(capped(like_classes(frame, self.cut), sizes, seed))

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        index = pl.col("like_class").replace_strict({name: float(i) for i, name in enumerate(CLASSES)})
        return frame.with_columns(target=pl.concat_list(index), options=pl.lit(list(CLASSES)))

    def recover_behavior(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(like_class=pl.col("answer"))

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        return post_text(frame)

    def expected(self, frame: pl.DataFrame, law: pl.DataFrame) -> Expected:
        """Both probabilities, given the cuts of the post's block (likes), and as many high as low in each block."""
        cuts = {name: np.log(np.maximum(frame[name].to_numpy(), 0.5)) for name in ("low_below", "high_above")}
        mean, spread = (law_of(name, frame, law).to_numpy() for name in ("post_ln", "post_sd"))
        low = ndtr((cuts["low_below"] - mean) / spread)
        high = ndtr(-(cuts["high_above"] - mean) / spread)
        share = high / np.maximum(low + high, 1e-12)
        block = frame.select("communicator_id", "split", "block").with_columns(share=share)
        place = (pl.col("share").rank("ordinal") - 0.5) / pl.len()
        high_half = block.select(place.over("communicator_id", "split", "block") > 0.5).to_series()
        chosen = [[float(high)] for high in high_half]
        return Expected({ACCURACY.name: chosen}, [[float(1 - p), float(p)] for p in share], as_lists(100 * share))

    def factors(self, questions: pl.DataFrame) -> list[Factor]:
        bodies = questions["body"]
        return [Factor("topic", post_topic(bodies)), Factor("style", post_style(bodies))]


class TweetLikesBrand(TweetLikes):
    """Posts of companies that are not in training."""

    name = "tweet_likes_brand"
    condition = "brand_separated"
    least_groups = LEAST_GROUPS


class TweetLikesTime(TweetLikes):
    """Posts that were published after those of training."""

    name = "tweet_likes_time"
    condition = "time_separated"
    split_by_time = ("twitter", "post")
    least_groups = 1

    def columns(self) -> tuple[str, ...]:
        return (*super().columns(), "time_block")
