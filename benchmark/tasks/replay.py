"""Behavior simulation, replay: how much is each masked scene of a video replayed? (paper, behavior simulation)

Past masks the first 5 to 20 % of the scenes, future the last, random_5 and random_7 runs of so many consecutive scenes
(5 to 20 % of the scenes, at least one whole run: short videos have more masked), all_masked all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl

from benchmark.splits import MIN_CLUSTERS, by_cluster, capped
from benchmark.tasks.base import NotEnough, Task, drawn
from corpus.verbalize.message_frames import videos, with_scenes
from corpus.verbalize.video import REPLAY, replay_text

SHARES = (0.05, 0.20)


def past(scenes: int, rng: np.random.Generator) -> list[int]:
    """The first 5 to 20 % of the scenes, at least one."""
    return list(range(max(1, round(rng.uniform(*SHARES) * scenes))))


def future(scenes: int, rng: np.random.Generator) -> list[int]:
    """The last 5 to 20 % of the scenes, at least one."""
    return list(range(scenes - max(1, round(rng.uniform(*SHARES) * scenes)), scenes))


def runs(length: int, scenes: int, rng: np.random.Generator) -> list[int]:
    """Runs of `length` consecutive scenes, apart from each other, 5 to 20 % of the scenes but at least one run."""
    count = max(1, int(rng.uniform(*SHARES) * scenes / length))
    free = scenes - count * (length + 1) + 1
    starts = np.sort(rng.choice(free + count - 1, count, replace=False)) - np.arange(count) if free > 0 else [0]
    begins = [int(start) + i * (length + 1) for i, start in enumerate(starts)]
    return [scene for begin in begins for scene in range(begin, begin + length)]


class Replay(Task):
    """Replay values under one way of masking."""

    table = "replay_values"
    metrics = ("rmse", "accuracy_abs5")
    unit = "of 100"
    legal = (0.0, 100.0)
    behavior = ("curve", "views", "like_view_pct")
    shuffle_within = "scene_count"

    def __init__(self, condition: str, run_length: int = 0) -> None:
        self.condition = condition
        self.name = f"replay_{condition}"
        self.run_length = run_length

    def columns(self) -> tuple[str, ...]:
        return ("scene_seen", "scene_speech", "scene_text", "replay", "asked", "views", "like_view_pct")

    def ask(self, scenes: int, rng: np.random.Generator) -> list[int]:
        """Which scenes are masked."""
        if self.condition == "all_masked":
            return list(range(scenes))
        if self.run_length:
            return runs(self.run_length, scenes, rng)
        return past(scenes, rng) if self.condition == "past" else future(scenes, rng)

    def instances(self, connection: duckdb.DuckDBPyConnection, seed: int, sizes: Mapping[str, int]) -> pl.DataFrame:
        least = max(5, self.run_length + 2)
        frame = videos(connection).filter(pl.col("curve").list.len() >= least)
        if frame["cluster"].n_unique() < MIN_CLUSTERS:
            raise NotEnough(f"fewer than {MIN_CLUSTERS} channels have videos of {least} scenes with replay values")
        frame = with_scenes(capped(by_cluster(frame, seed), sizes, seed), connection)
        frame = frame.filter(pl.col("scene_seen").list.len() == pl.col("curve").list.len())
        rng = self.rng(seed)
        asked = [self.ask(scenes, rng) for scenes in frame["curve"].list.len()]
        frame = frame.with_columns(pl.Series("asked", asked, pl.List(pl.Int64)), scene_count=pl.col("curve").list.len())
        return self.retarget(frame)

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`target` and what stays visible (`replay`) from the whole curve."""
        rows = (
            frame.select("curve", "asked", row=pl.int_range(pl.len()))
            .with_columns(scene=pl.int_ranges(0, pl.col("curve").list.len()))
            .explode("curve", "scene")
            .with_columns(shown=~pl.col("scene").is_in(pl.col("asked")))
            .group_by("row", maintain_order=True)
            .agg(replay=pl.when("shown").then("curve"), target=pl.col("curve").filter(~pl.col("shown")))
        )
        return frame.with_columns(rows["replay"], rows["target"], options=pl.lit(None, pl.List(pl.String)))

    def restore(self, frame: pl.DataFrame) -> pl.DataFrame:
        asked, target, shown = frame["asked"].to_list(), frame["target"].to_list(), frame["replay"].to_list()
        for curve, scenes, values in zip(shown, asked, target, strict=True):
            for scene, value in zip(scenes, values, strict=True):
                curve[scene] = value
        return frame.with_columns(
            pl.Series("curve", shown, pl.List(pl.Float64)), scene_count=pl.col("replay").list.len()
        )

    def formatted(self, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        curves = [rng.integers(0, 101, scenes).astype(float).tolist() for scenes in frame["scene_count"]]
        return frame.with_columns(
            pl.Series("curve", curves, pl.List(pl.Float64)),
            views=drawn("views", 10 ** rng.uniform(2, 8, frame.height)),
            like_view_pct=drawn("like_view_pct", rng.uniform(0.1, 15, frame.height)),
        )

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        return replay_text(frame, REPLAY)
