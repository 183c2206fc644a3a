"""Replay curves without content: the mean curve of training videos, and interpolation of the visible values."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmark.metrics import Array
from benchmark.references.base import Reference, ValueLists, targets

GRID = (np.arange(100) + 0.5) / 100  # relative positions at which the mean curve is computed


def complete_curve(replay: list[float | None], asked: list[int], target: list[float]) -> Array:
    """Restore a training video's replay curve from visible and asked values; nan where none was measured."""
    curve = np.array([np.nan if value is None else value for value in replay], dtype=np.float64)
    curve[asked] = target
    return curve


def relative_positions(scenes: int) -> Array:
    """The middle of each scene as a share of the video."""
    return (np.arange(scenes) + 0.5) / scenes


def mean_curve(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Read the mean replay curve of the training videos at the relative position of each asked scene."""
    total, videos = np.zeros(len(GRID)), 0
    for replay, asked, target in train.select("replay", "asked", "target").iter_rows():
        curve = complete_curve(replay, asked, target)
        known = np.isfinite(curve)
        if known.any():
            total += np.interp(GRID, relative_positions(len(curve))[known], curve[known])
            videos += 1
    average = total / max(videos, 1)
    return [
        np.interp(relative_positions(len(replay))[asked], GRID, average).tolist()
        for replay, asked in test.select("replay", "asked").iter_rows()
    ]


def interpolate(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Interpolate linearly between visible values, constant beyond the ends; the training mean if none is visible."""
    fallback = float(targets(train).mean())
    values: ValueLists = []
    for replay, asked in test.select("replay", "asked").iter_rows():
        visible = [(scene, value) for scene, value in enumerate(replay) if value is not None]
        scenes, heights = zip(*visible, strict=True) if visible else ((0,), (fallback,))
        values.append(np.interp(asked, scenes, heights).tolist())
    return values


MEAN_CURVE = Reference("mean_curve", "the mean replay curve of the training videos", "replay values", mean_curve)
INTERPOLATE = Reference(
    "interpolate",
    "linear between the nearest visible replay values, the nearest one beyond the ends",
    "replay values where some stay visible",
    interpolate,
)
