"""Behavior simulation, replay: how much is each masked scene of a video replayed? (paper, behavior simulation)

The condition past masks the first 5 to 20 % of the scenes, future the last; random_5 and random_7 mask runs of 5 or 7
consecutive scenes (5 to 20 % of the scenes, but at least one run, so that short videos have more masked); all_masked
masks all of them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl

from benchmark.answers.values import Values
from benchmark.curve_metrics import CORRELATIONS, CURVE_METRICS
from benchmark.holdout import GROUPS_OF_CHANNELS, LEAST_GROUPS, Holdout
from benchmark.metrics import ABSOLUTE_TOLERANCE, ACCURACY_ABS5, RMSE_PER_VIDEO, Metric
from benchmark.references.base import Reference
from benchmark.references.chance import RANDOM
from benchmark.references.constants import CONSTANT
from benchmark.references.curve_trees import CURVE_BY_TREES
from benchmark.references.curves import (
    INTERPOLATE,
    INTERPOLATE_RESIDUAL,
    MEAN_BY_SCENE,
    MEAN_CURVE,
    MEAN_CURVE_OF_LENGTH,
    MODE_BY_SCENE,
)
from benchmark.references.gaussian_process import GAUSSIAN_PROCESS
from benchmark.sizes import capped
from benchmark.tasks.base import NotEnough, TableHeading, Task
from benchmark.tasks.expected import Expected, law_of
from benchmark.tasks.planted import EffectScale, Factor
from benchmark.tasks.replay_factors import scene_factors
from benchmark.tasks.replay_law import draw_answers, least_rmse, most_near
from corpus.simulate.curves import covariance
from corpus.verbalize.message_frames import videos, with_scenes
from corpus.verbalize.video import REPLAY, replay_text

SHARES = (0.05, 0.20)
WITHOUT_VISIBLE = (RANDOM, CONSTANT, MEAN_CURVE, MEAN_CURVE_OF_LENGTH, MEAN_BY_SCENE, MODE_BY_SCENE, CURVE_BY_TREES)


def first_scenes(scenes: int, rng: np.random.Generator) -> list[int]:
    """The first 5 to 20 % of the scenes, at least one."""
    return list(range(max(1, round(rng.uniform(*SHARES) * scenes))))


def last_scenes(scenes: int, rng: np.random.Generator) -> list[int]:
    """The last 5 to 20 % of the scenes, at least one."""
    return list(range(scenes - max(1, round(rng.uniform(*SHARES) * scenes)), scenes))


def scene_runs(length: int, scenes: int, rng: np.random.Generator) -> list[int]:
    """Separate runs of `length` consecutive scenes: 5 to 20 % of the scenes, at least one run."""
    count = max(1, int(rng.uniform(*SHARES) * scenes / length))
    shown = scenes - count * length - (count - 1)  # beside the scene that separates each run from the next
    starts = np.sort(rng.choice(shown + count, count, replace=False))
    run_starts = [int(start) + i * length for i, start in enumerate(starts)]
    return [scene for run_start in run_starts for scene in range(run_start, run_start + length)]


class Replay(Task):
    """Replay values of scenes, masked in one way."""

    table = TableHeading(
        "replay_values",
        "Behavior simulation: replay values of scenes (0 to 100)",
        "Where only some scenes are masked, a Gaussian process or trees on the visible values are the predictors to "
        "beat; where all are, the mean curve of other videos of that length, or trees on all numbers of a video. The "
        "paper shows none of them, and does not say how its random row was drawn. Kendall and Spearman are over the "
        "asked scenes; peaks are looked for where all scenes are masked.",
        "replay values",
    )
    answer = Values(0.0, 100.0)
    unit = "points of 100"
    metrics: tuple[Metric, ...] = (RMSE_PER_VIDEO, ACCURACY_ABS5, *CORRELATIONS)
    references: tuple[Reference, ...] = (*WITHOUT_VISIBLE, INTERPOLATE, INTERPOLATE_RESIDUAL, GAUSSIAN_PROCESS)
    behavior = ("curve", "views", "like_view_pct")
    shuffle_within = "scene_count"
    asks_curve = True
    draws_masks = True
    least_scenes = 5

    def columns(self) -> tuple[str, ...]:
        names = ("scene_seen", "scene_speech", "scene_text", "replay", "asked", "views", "like_view_pct")
        return (*names, "draw") if self.draws_masks else names

    @abstractmethod
    def ask(self, scenes: int, rng: np.random.Generator) -> list[int]:
        """Choose the scenes to mask."""

    def instances(
        self, connection: duckdb.DuckDBPyConnection, holdout: Holdout, seed: int, sizes: Mapping[str, int]
    ) -> pl.DataFrame:
        frame = holdout.split(videos(connection, with_curve=True)).filter(
            pl.col("curve").list.len() >= self.least_scenes
        )
        if frame["group"].n_unique() < LEAST_GROUPS:
            scenes = f"{self.least_scenes} scenes with replay values"
            raise NotEnough(f"fewer than {GROUPS_OF_CHANNELS} have videos of {scenes}")
        frame = with_scenes(capped(frame, sizes, seed), connection)
        frame = frame.filter(pl.col("scene_seen").list.len() == pl.col("curve").list.len())
        return self.mask_again(frame.with_columns(scene_count=pl.col("curve").list.len()), seed, 0)

    def mask_again(self, frame: pl.DataFrame, seed: int, draw: int) -> pl.DataFrame:
        counted = frame.select("message_id", "scene_count").iter_rows()
        asked = [self.ask(scenes, self.rng(seed, message, draw)) for message, scenes in counted]
        return self.retarget(frame.with_columns(pl.Series("asked", asked, pl.List(pl.Int64))))

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Split the curve into the asked values (`target`) and the visible ones (`replay`)."""
        rows = (
            frame.select("curve", "asked", row=pl.int_range(pl.len()))
            .with_columns(scene=pl.int_ranges(0, pl.col("curve").list.len()))
            .explode("curve", "scene")
            .with_columns(shown=~pl.col("scene").is_in(pl.col("asked")))
            .group_by("row", maintain_order=True)
            .agg(replay=pl.when("shown").then("curve"), target=pl.col("curve").filter(~pl.col("shown")))
        )
        return frame.with_columns(rows["replay"], rows["target"], options=pl.lit(None, pl.List(pl.String)))

    def recover_behavior(self, frame: pl.DataFrame) -> pl.DataFrame:
        asked, target, curves = frame["asked"].to_list(), frame["target"].to_list(), frame["replay"].to_list()
        for curve, scenes, values in zip(curves, asked, target, strict=True):
            for scene, value in zip(scenes, values, strict=True):
                curve[scene] = value
        return frame.with_columns(
            pl.Series("curve", curves, pl.List(pl.Float64)), scene_count=pl.col("replay").list.len()
        )

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        return replay_text(frame, REPLAY)

    def expected(self, frame: pl.DataFrame, law: pl.DataFrame) -> Expected:
        """From draws of the asked scenes given the visible ones: the least RMSE, and the windows that hold most."""
        sizes = ("replay_slow_sd", "replay_slow_markers", "replay_fast_sd", "replay_fast_markers", "replay_opening_sd")
        columns = [law_of(name, frame, law) for name in ("replay_mean", *sizes)]
        rng, best, nearest, means = self.rng(0), [], [], []
        for shown, asked, mean, *noise in zip(frame["replay"], frame["asked"], *columns, strict=True):
            covered = covariance(len(mean), *noise)
            draws = draw_answers(mean.to_numpy(), covered, shown.to_list(), asked.to_list(), rng)
            best.append(np.clip(least_rmse(draws), 0, 100).tolist())
            nearest.append(most_near(draws, int(ABSOLUTE_TOLERANCE)).tolist())
            means.append(draws.mean(axis=0).tolist())
        return Expected({RMSE_PER_VIDEO.name: best, ACCURACY_ABS5.name: nearest}, means=means)


class ReplayPast(Replay):
    """The first scenes masked."""

    name = "replay_past"
    condition = "past"

    def ask(self, scenes: int, rng: np.random.Generator) -> list[int]:
        return first_scenes(scenes, rng)


class ReplayFuture(Replay):
    """The last scenes masked."""

    name = "replay_future"
    condition = "future"

    def ask(self, scenes: int, rng: np.random.Generator) -> list[int]:
        return last_scenes(scenes, rng)


class ReplayRandom5(Replay):
    """Runs of five scenes masked."""

    name = "replay_random_5"
    condition = "random_5"
    least_scenes = 7

    def ask(self, scenes: int, rng: np.random.Generator) -> list[int]:
        return scene_runs(5, scenes, rng)


class ReplayRandom7(Replay):
    """Runs of seven scenes masked."""

    name = "replay_random_7"
    condition = "random_7"
    least_scenes = 9

    def ask(self, scenes: int, rng: np.random.Generator) -> list[int]:
        return scene_runs(7, scenes, rng)


class ReplayAllMasked(Replay):
    """All scenes masked: nothing is left to interpolate from."""

    name = "replay_all_masked"
    condition = "all_masked"
    metrics = (RMSE_PER_VIDEO, ACCURACY_ABS5, *CURVE_METRICS)
    references = WITHOUT_VISIBLE
    draws_masks = False

    effect_scale = EffectScale(
        "points of 100 of the curve",
        "The law adds up attention, of which a curve shows only the shape, from its lowest (0) to its highest (100): "
        "an effect is how much higher a scene stands within its own curve, on average over the videos. A shot counts "
        "where it is seen; what carries over to later scenes does not.",
        lambda values: values,
        within_question=True,
    )

    def ask(self, scenes: int, rng: np.random.Generator) -> list[int]:
        return list(range(scenes))

    def factors(self, questions: pl.DataFrame) -> list[Factor]:
        return scene_factors(questions)
