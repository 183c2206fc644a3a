"""Behavior simulation: likes in percent of views (SPEC 5.2)."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl

from benchmark.splits import MIN_CLUSTERS, by_cluster, capped
from benchmark.tasks.base import NotEnough, Task, drawn
from corpus.verbalize.message_frames import videos, with_scenes
from corpus.verbalize.video import like_view_text


class LikeViewRatio(Task):
    """One value a video, in percent; videos under 100 views are left out as noise."""

    name = table = "like_view_ratio"
    condition = "test"
    metrics = ("rmse", "r2", "accuracy_rel10")
    unit = "% of views"
    legal = (0.0, 100.0)
    behavior = ("like_view_pct", "views")

    def columns(self) -> tuple[str, ...]:
        return ("scene_seen", "scene_speech", "views")

    def instances(self, connection: duckdb.DuckDBPyConnection, seed: int, sizes: Mapping[str, int]) -> pl.DataFrame:
        frame = videos(connection).filter(pl.col("like_view_pct").is_not_null(), pl.col("title").is_not_null())
        if frame["cluster"].n_unique() < MIN_CLUSTERS:
            raise NotEnough(f"fewer than {MIN_CLUSTERS} channels have videos with likes and at least 100 views")
        return self.retarget(with_scenes(capped(by_cluster(frame, seed), sizes, seed), connection))

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(target=pl.concat_list("like_view_pct"), options=pl.lit(None, pl.List(pl.String)))

    def restore(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(like_view_pct=pl.col("target").list.first())

    def formatted(self, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        return frame.with_columns(
            like_view_pct=drawn("like_view_pct", rng.uniform(0.1, 15, frame.height)),
            views=drawn("views", 10 ** rng.uniform(2, 8, frame.height)),
        )

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        return like_view_text(frame)
