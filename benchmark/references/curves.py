"""Replay curves without content: what other videos' curves are like, and what the visible values of this one tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmark.metrics import ABSOLUTE_TOLERANCE, Array
from benchmark.references.base import Reference, ValueLists, targets

GRID = (np.arange(100) + 0.5) / 100  # relative positions at which the mean curve is computed
LENGTH_SPREAD = 0.1  # of the logarithm of the number of scenes: lengths within some 10 % count alike
COMMON_CURVES = 3.0  # that the mean of all lengths counts for: a few curves of a length say little
LEAST_CURVES = 20  # training curves with a scene of that number


def complete_curve(replay: list[float | None], asked: list[int], target: list[float]) -> Array:
    """Restore a training video's replay curve from visible and asked values; nan where none was measured."""
    curve = np.array([np.nan if value is None else value for value in replay], dtype=np.float64)
    curve[asked] = target
    return curve


def complete_curves(train: pl.DataFrame) -> list[Array]:
    """The replay curves of training videos."""
    return [complete_curve(*row) for row in train.select("replay", "asked", "target").iter_rows()]


def relative_positions(scenes: int) -> Array:
    """The middle of each scene as a share of the video."""
    return (np.arange(scenes) + 0.5) / scenes


def on_grid(curves: list[Array]) -> Array:
    """Curves read at the same relative positions: [curves with values, positions]."""
    rows = []
    for curve in curves:
        known = np.isfinite(curve)
        if known.any():
            rows.append(np.interp(GRID, relative_positions(len(curve))[known], curve[known]))
    return np.array(rows) if rows else np.zeros((1, len(GRID)))


def mean_curve(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Read the mean replay curve of the training videos at the relative position of each asked scene."""
    average = on_grid(complete_curves(train)).mean(axis=0)
    return [
        np.interp(relative_positions(len(replay))[asked], GRID, average).tolist()
        for replay, asked in test.select("replay", "asked").iter_rows()
    ]


@dataclass(frozen=True)
class MeanCurves:
    """The mean of curves for each number of scenes, in which a curve counts by how near it is in length.

    lengths: the different numbers of scenes, [lengths]; counts: the curves of each, [lengths]; sums: of their values at
    relative positions, [lengths, positions].
    """

    lengths: Array
    counts: Array
    sums: Array

    @classmethod
    def of(cls, curves: list[Array]) -> MeanCurves:
        """Read them from curves, nan where no value was measured."""
        measured = np.array([len(curve) for curve in curves if np.isfinite(curve).any()] or [1], dtype=np.float64)
        lengths, place = np.unique(measured, return_inverse=True)
        sums = np.zeros((len(lengths), len(GRID)))
        np.add.at(sums, place, on_grid(curves))
        return cls(lengths, np.bincount(place).astype(np.float64), sums)

    def on_grid(self, scenes: float) -> Array:
        """The mean of a video with that many scenes, at the relative positions of GRID."""
        nearness = np.exp(-0.5 * (np.log(self.lengths / scenes) / LENGTH_SPREAD) ** 2)
        common = self.sums.sum(axis=0) / self.counts.sum()
        mean: Array = (nearness @ self.sums + COMMON_CURVES * common) / (nearness @ self.counts + COMMON_CURVES)
        return mean

    def at(self, scenes: int) -> Array:
        """The mean of a video with that many scenes: [scenes]."""
        mean: Array = np.interp(relative_positions(scenes), GRID, self.on_grid(scenes))
        return mean


def mean_curve_of_length(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Read the mean replay curve of training videos with about as many scenes at each asked scene."""
    mean_curves = MeanCurves.of(complete_curves(train))
    of_length = {scenes: mean_curves.at(scenes) for scenes in test["replay"].list.len().unique().to_list()}
    return [of_length[len(replay)][asked].tolist() for replay, asked in test.select("replay", "asked").iter_rows()]


def scene_values(train: pl.DataFrame) -> list[Array]:
    """The training values of the first scene, of the second and so on, as far as enough videos have one."""
    curves = complete_curves(train)
    table = np.full((len(curves), max(map(len, curves), default=0)), np.nan)
    for row, curve in zip(table, curves, strict=True):
        row[: len(curve)] = curve
    columns = [column[np.isfinite(column)] for column in table.T]
    return [column for column in columns if len(column) >= LEAST_CURVES]


def read_by_scene(values: list[float], otherwise: float, test: pl.DataFrame) -> ValueLists:
    """Answer a value for each number of a scene."""
    return [[values[scene] if scene < len(values) else otherwise for scene in asked] for asked in test["asked"]]


def mean_by_scene(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Answer the mean of the training values of the scene with the same number."""
    means = [float(values.mean()) for values in scene_values(train)]
    return read_by_scene(means, float(targets(train).mean()), test)


def mode_by_scene(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Answer the whole number that lies within 5 of most training values of the scene with the same number."""
    modes = [most_near(values) for values in scene_values(train)]
    return read_by_scene(modes, most_near(targets(train)), test)


def most_near(values: Array) -> float:
    """The whole number from 0 to 100 that lies within 5 of most values; the middle one of equals."""
    candidates = np.arange(101.0)
    near = (np.abs(candidates[:, None] - values[None, :]) <= ABSOLUTE_TOLERANCE).sum(axis=1)
    best = np.flatnonzero(near == near.max())
    return float(candidates[best[len(best) // 2]])


def visible_values(replay: list[float | None]) -> tuple[Array, Array]:
    """The scenes with a visible value, and these values."""
    curve = np.array([np.nan if value is None else value for value in replay], dtype=np.float64)
    scenes = np.flatnonzero(np.isfinite(curve))
    return scenes.astype(np.float64), curve[scenes]


def interpolate(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Interpolate linearly between visible values, constant beyond the ends; the training mean if none is visible."""
    otherwise = float(targets(train).mean())
    values: ValueLists = []
    for replay, asked in test.select("replay", "asked").iter_rows():
        scenes, heights = visible_values(replay)
        values.append(np.interp(asked, scenes, heights).tolist() if len(scenes) else [otherwise] * len(asked))
    return values


def interpolate_residual(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Add to the mean curve what the visible values differ from it, interpolated linearly."""
    average = on_grid(complete_curves(train)).mean(axis=0)
    values: ValueLists = []
    for replay, asked in test.select("replay", "asked").iter_rows():
        expected = np.interp(relative_positions(len(replay)), GRID, average)
        scenes, heights = visible_values(replay)
        gaps = np.interp(asked, scenes, heights - expected[scenes.astype(int)]) if len(scenes) else 0.0
        values.append((expected[asked] + gaps).tolist())
    return values


MEAN_CURVE = Reference(
    "mean_curve", "the mean replay curve of the training videos", "replay values", mean_curve, "shift"
)
MEAN_CURVE_OF_LENGTH = Reference(
    "mean_curve_of_length",
    "the mean replay curve of training videos with about as many scenes",
    "replay values",
    mean_curve_of_length,
    "shift",
)
MEAN_BY_SCENE = Reference(
    "mean_by_scene", "the mean of training scenes with the same number", "replay values", mean_by_scene, "shift"
)
MODE_BY_SCENE = Reference(
    "mode_by_scene",
    "the value near most training scenes with the same number",
    "replay values",
    mode_by_scene,
    "shift",
)
INTERPOLATE = Reference(
    "interpolate",
    "linear between the nearest visible replay values, the nearest one beyond the ends",
    "replay values where some stay visible",
    interpolate,
    "shift",
)
INTERPOLATE_RESIDUAL = Reference(
    "interpolate_residual",
    "the mean curve, moved by what the visible values differ from it",
    "replay values where some stay visible",
    interpolate_residual,
    "shift",
)
