"""Behavior simulation: the count of views (SPEC 5.2; the paper dropped its table)."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl

from benchmark.splits import MIN_CLUSTERS, by_cluster, capped
from benchmark.tasks.base import NotEnough, Task, drawn
from corpus.verbalize.message_frames import videos, with_scenes
from corpus.verbalize.video import views_text


class Views(Task):
    """One count a video, at the age given in the prompt."""

    name = table = "views"
    condition = "test"
    metrics = ("rmse", "rmse_log10", "accuracy_rel10")
    unit = "views"
    legal = (0.0, 1e12)
    behavior = ("views", "like_view_pct")

    def columns(self) -> tuple[str, ...]:
        return ("scene_seen", "scene_speech")

    def instances(self, connection: duckdb.DuckDBPyConnection, seed: int, sizes: Mapping[str, int]) -> pl.DataFrame:
        frame = videos(connection).filter(pl.col("views") >= 1, pl.col("title").is_not_null())
        if frame["cluster"].n_unique() < MIN_CLUSTERS:
            raise NotEnough(f"fewer than {MIN_CLUSTERS} channels have videos with views")
        return self.retarget(with_scenes(capped(by_cluster(frame, seed), sizes, seed), connection))

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(target=pl.concat_list("views"), options=pl.lit(None, pl.List(pl.String)))

    def restore(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(views=pl.col("target").list.first(), like_view_pct=pl.lit(None, pl.Float64))

    def formatted(self, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        return frame.with_columns(views=drawn("views", 10 ** rng.uniform(2, 8, frame.height)))

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        return views_text(frame)
