"""How many likes does a video get? A count that spreads over decades, with a metric and a reference of its own."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl

from benchmark.answers.values import Values
from benchmark.holdout import LEAST_GROUPS, Holdout
from benchmark.metrics import RMSE_LOG10, Array, Judged, Metric, ratio, stack_columns
from benchmark.references.base import Reference, ValueLists, targets
from benchmark.references.chance import RANDOM
from benchmark.references.constants import CONSTANT
from benchmark.sizes import capped
from benchmark.tasks.base import NotEnough, TableHeading, Task
from benchmark.tasks.expected import Expected, law_of
from corpus.verbalize.message_frames import videos, with_scenes
from corpus.verbalize.template import Template

PROMPT = Template("video-likes", 1, "[title: {title}\n][by: {company}\n]how many people like this video?\nanswer:")
ANSWER = Template("video-likes-answer", 1, "= {likes}")


def decades_off(judged: Judged) -> Array:
    """Absolute error in decades, and number of values."""
    gap = np.abs(np.log10(np.maximum(judged.predicted, 1)) - np.log10(np.maximum(judged.truth, 1)))
    return stack_columns(judged.per_instance(gap), judged.count)


def geometric_mean(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """The geometric mean of the training values."""
    value = float(np.exp(np.log(np.maximum(targets(train), 1)).mean()))
    return [[value]] * len(test)


DECADES = Metric("decades_off", decades_off, ratio, True, "share", "mean absolute error in decades")
GEOMETRIC_MEAN = Reference("geometric_mean", "the geometric mean of training", "likes of videos", geometric_mean)


class VideoLikes(Task):
    """A count for each video."""

    name = "video_likes"
    table = TableHeading("video_likes", "Likes of videos (counts)", "Not in the paper.")
    condition = "held_out"
    answer = Values(0.0, 1e12)
    metrics = (DECADES, RMSE_LOG10)
    references = (RANDOM, CONSTANT, GEOMETRIC_MEAN)
    behavior = ("likes",)
    hidden_counts = ("likes",)
    spans_decades = True

    def instances(
        self, connection: duckdb.DuckDBPyConnection, holdout: Holdout, seed: int, sizes: Mapping[str, int]
    ) -> pl.DataFrame:
        frame = holdout.split(videos(connection)).filter(pl.col("likes") >= 1, pl.col("title").is_not_null())
        if frame["group"].n_unique() < LEAST_GROUPS:
            raise NotEnough(f"fewer than {LEAST_GROUPS} groups of channels have videos with likes")
        return self.retarget(with_scenes(capped(frame, sizes, seed), connection))

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(target=pl.concat_list("likes"), options=pl.lit(None, pl.List(pl.String)))

    def recover_behavior(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(likes=pl.col("target").list.first())

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        count = pl.col("likes").cast(pl.Int64).cast(pl.String)
        return frame.with_columns(prompt=PROMPT.fill(), answer=ANSWER.fill(likes=count))

    def expected(self, frame: pl.DataFrame, law: pl.DataFrame) -> Expected:
        """The median of likes, which is that of views times the ratio."""
        likes_ln = law_of("views_ln", frame, law) + law_of("like_view_ln", frame, law) - float(np.log(100))
        median = [[float(value)] for value in np.exp(likes_ln.to_numpy())]
        return Expected({metric.name: median for metric in self.metrics})
