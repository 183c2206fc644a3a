"""Behavior simulation: the count of views (SPEC 5.2; the paper dropped its table)."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl

from benchmark.answers.values import Values
from benchmark.holdout import GROUPS_OF_CHANNELS, LEAST_GROUPS, Holdout
from benchmark.metrics import ACCURACY_REL10, CRPS_LOG10, RMSE_LOG10, RMSE_OF_COUNTS, SPEARMAN
from benchmark.references.chance import RANDOM
from benchmark.references.constants import CONSTANT
from benchmark.references.numbers import VIEWS_BY_NUMBERS, VIEWS_BY_TREES
from benchmark.references.whole_message import VIEWS_BY_AGE, VIEWS_BY_LENGTH, VIEWS_PER_FOLLOWER
from benchmark.sizes import capped
from benchmark.tasks.base import NotEnough, TableHeading, Task
from benchmark.tasks.expected import Expected, as_lists, law_of, log_normal_points, log_normal_quantiles
from benchmark.tasks.planted import EffectScale, Factor, age_factor, audience_factor, decades_above, title_factors
from corpus.verbalize.message_frames import videos, with_scenes
from corpus.verbalize.video import views_text


class Views(Task):
    """A count for each video, at the age given in the prompt."""

    name = "views"
    table = TableHeading(
        "views",
        "Behavior simulation: views (counts)",
        "The paper dropped this table; its errors were about 7 million views. Views have a heavy tail: a few videos "
        "make nearly all of the RMSE, so that the RMSE of logarithms is the headline.",
        "views",
    )
    condition = "test"
    answer = Values(0.0, 1e12)
    unit = "views"
    metrics = (RMSE_LOG10, RMSE_OF_COUNTS, ACCURACY_REL10, SPEARMAN, CRPS_LOG10)
    references = (RANDOM, CONSTANT, VIEWS_PER_FOLLOWER, VIEWS_BY_AGE, VIEWS_BY_LENGTH, VIEWS_BY_NUMBERS, VIEWS_BY_TREES)
    behavior = ("views", "like_view_pct")
    hidden_counts = ("views", "likes")
    spans_decades = True
    effect_scale = EffectScale(
        "decades of views", "The law adds up logarithms: an effect of 0.3 doubles the views.", decades_above(1)
    )

    def columns(self) -> tuple[str, ...]:
        return ("scene_seen", "scene_speech")

    def instances(
        self, connection: duckdb.DuckDBPyConnection, holdout: Holdout, seed: int, sizes: Mapping[str, int]
    ) -> pl.DataFrame:
        frame = holdout.split(videos(connection)).filter(pl.col("views") >= 1, pl.col("title").is_not_null())
        if frame["group"].n_unique() < LEAST_GROUPS:
            raise NotEnough(f"fewer than {GROUPS_OF_CHANNELS} have videos with views")
        return self.retarget(with_scenes(capped(frame, sizes, seed), connection))

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(target=pl.concat_list("views"), options=pl.lit(None, pl.List(pl.String)))

    def recover_behavior(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(views=pl.col("target").list.first(), like_view_pct=pl.lit(None, pl.Float64))

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        return views_text(frame)

    def expected(self, frame: pl.DataFrame, law: pl.DataFrame) -> Expected:
        """The law's logarithm and its spread; the channel's hidden effect is noise."""
        mean, spread = (law_of(name, frame, law).to_numpy() for name in ("views_ln", "views_sd"))
        points = log_normal_points(mean, spread)
        best = {metric.name: points[metric.name] for metric in self.metrics if metric.name in points}
        return Expected(best, means=as_lists(mean / np.log(10)), quantiles=log_normal_quantiles(mean, spread))

    def factors(self, questions: pl.DataFrame) -> list[Factor]:
        return [*title_factors(questions), audience_factor(questions), age_factor(questions)]
