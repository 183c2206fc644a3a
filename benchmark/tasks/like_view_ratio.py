"""Behavior simulation: likes in percent of views (SPEC 5.2)."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl

from benchmark.answers.values import Values
from benchmark.holdout import GROUPS_OF_CHANNELS, LEAST_GROUPS, Holdout
from benchmark.metrics import ACCURACY_REL10, CRPS, R2, RMSE, SPEARMAN
from benchmark.references.chance import RANDOM
from benchmark.references.constants import CONSTANT
from benchmark.references.numbers import RATIO_BY_NUMBERS, RATIO_BY_TREES
from benchmark.references.whole_message import RATIO_BY_AGE, RATIO_BY_FOLLOWERS, RATIO_BY_LENGTH, RATIO_BY_VIEWS
from benchmark.sizes import capped
from benchmark.tasks.base import NotEnough, TableHeading, Task
from benchmark.tasks.expected import (
    Expected,
    as_lists,
    clipped_normal_mean,
    law_of,
    log_normal_points,
    log_normal_quantiles,
)
from benchmark.tasks.planted import EffectScale, Factor, audience_factor, decades_above, title_factors
from corpus.verbalize.message_frames import videos, with_scenes
from corpus.verbalize.video import like_view_text

LEAST_PERCENT = 0.1
"""Effects are measured on logarithms, where lower ratios, which a few likes decide, are taken as this one."""


class LikeViewRatio(Task):
    """A value for each video, in percent; videos with fewer than 100 views are left out as noise."""

    name = "like_view_ratio"
    table = TableHeading(
        "like_view_ratio",
        "Behavior simulation: likes per view (percent)",
        "No constant has an R² above zero: the mean of the test videos has exactly zero, the training mean less.",
        "likes per view",
    )
    condition = "test"
    answer = Values(0.0, 100.0)
    unit = "percentage points"
    metrics = (RMSE, R2, ACCURACY_REL10, SPEARMAN, CRPS)
    references = (
        RANDOM,
        CONSTANT,
        RATIO_BY_AGE,
        RATIO_BY_VIEWS,
        RATIO_BY_FOLLOWERS,
        RATIO_BY_LENGTH,
        RATIO_BY_NUMBERS,
        RATIO_BY_TREES,
    )
    behavior = ("like_view_pct", "views")
    hidden_counts = ("likes",)
    effect_scale = EffectScale(
        "decades of likes per view",
        "The law adds up logarithms: an effect of 0.3 doubles the ratio. "
        f"Ratios below {LEAST_PERCENT} % are taken as {LEAST_PERCENT} %.",
        decades_above(LEAST_PERCENT),
    )

    def columns(self) -> tuple[str, ...]:
        return ("scene_seen", "scene_speech", "views")

    def instances(
        self, connection: duckdb.DuckDBPyConnection, holdout: Holdout, seed: int, sizes: Mapping[str, int]
    ) -> pl.DataFrame:
        frame = holdout.split(videos(connection)).filter(
            pl.col("like_view_pct").is_not_null(), pl.col("title").is_not_null()
        )
        if frame["group"].n_unique() < LEAST_GROUPS:
            raise NotEnough(f"fewer than {GROUPS_OF_CHANNELS} have videos with likes and at least 100 views")
        return self.retarget(with_scenes(capped(frame, sizes, seed), connection))

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(target=pl.concat_list("like_view_pct"), options=pl.lit(None, pl.List(pl.String)))

    def recover_behavior(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(like_view_pct=pl.col("target").list.first())

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        return like_view_text(frame)

    def expected(self, frame: pl.DataFrame, law: pl.DataFrame) -> Expected:
        """The law's logarithm and its spread; the channel's hidden effect is noise."""
        mean, spread = (law_of(name, frame, law).to_numpy() for name in ("like_view_ln", "like_view_sd"))
        points = log_normal_points(mean, spread, 100.0)
        best = {metric.name: points[metric.name] for metric in self.metrics if metric.name in points}
        means = clipped_normal_mean(mean, spread, np.log(LEAST_PERCENT), np.log(100.0)) / np.log(10)
        return Expected(best, means=as_lists(means), quantiles=log_normal_quantiles(mean, spread, 100.0))

    def factors(self, questions: pl.DataFrame) -> list[Factor]:
        return [*title_factors(questions), audience_factor(questions)]
