"""Replay curves as a Gaussian process: masked values given the visible ones, without content.

The covariance is a share of that of the training curves, and for the rest one that decays exponentially with the
distance in scenes; measured values have noise. Share, scale and noise are chosen inside training: curves of one half of
the groups are predicted from the other half.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from zlib import crc32

import numpy as np
import polars as pl

from benchmark.metrics import Array
from benchmark.references.base import Reference, ValueLists
from benchmark.references.curves import GRID, MeanCurves, complete_curves, on_grid, relative_positions

SHARES, SCALES, NOISES = (0.25, 0.5, 0.75), (6.0, 12.0, 24.0), (1.0, 4.0, 16.0)
LEAST_CURVES = 10
TRIED_CURVES = 60
ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class CurveLaw:
    """Mean of training curves by length, covariance at relative positions, and the mean variance of a value."""

    mean: MeanCurves
    covariance: Array
    variance: float

    @classmethod
    def of(cls, curves: list[Array]) -> CurveLaw:
        """Estimate it from curves."""
        mean, rows = MeanCurves.of(curves), on_grid(curves)
        lengths = [len(curve) for curve in curves if np.isfinite(curve).any()]
        means = {length: mean.on_grid(length) for length in set(lengths)}
        centered = rows - np.stack([means[length] for length in lengths] or [rows.mean(axis=0)])
        covariance = centered.T @ centered / max(len(centered) - 1, 1)
        return cls(mean, covariance, float(np.trace(covariance)) / len(GRID))

    def at(self, scenes: int) -> tuple[Array, Array]:
        """Mean [scenes] and covariance [scenes, scenes] of a video with that many scenes."""
        place = relative_positions(scenes) * len(GRID) - 0.5
        low = np.clip(np.floor(place).astype(int), 0, len(GRID) - 2)
        part = np.clip(place - low, 0, 1)
        weights = np.zeros((scenes, len(GRID)))
        weights[np.arange(scenes), low], weights[np.arange(scenes), low + 1] = 1 - part, part
        return self.mean.at(scenes), weights @ self.covariance @ weights.T


@dataclass(frozen=True)
class Constants:
    """Share of the training covariance, scale of the rest in scenes, and variance of the noise (points squared)."""

    share: float = 0.5
    scale: float = 12.0
    noise: float = 4.0


class Conditional:
    """The process for videos of one length, computed once for all videos of that length."""

    def __init__(self, law: CurveLaw, constants: Constants, scenes: int) -> None:
        self.mean, covariance = law.at(scenes)
        number = np.arange(scenes)
        decay = np.exp(-np.abs(number[:, None] - number[None, :]) / constants.scale)
        self.covariance = constants.share * covariance + (1 - constants.share) * law.variance * decay
        self.noise = constants.noise

    def predict(self, replay: Array) -> Array:
        """The mean of all values given the visible ones: [videos, scenes], nan where masked -> [videos, scenes]."""
        shown = np.isfinite(replay)
        among = self.covariance * (shown[:, :, None] & shown[:, None, :])
        scenes = np.arange(replay.shape[1])
        among[:, scenes, scenes] += np.where(shown, self.noise + 1e-6, 1.0)  # a masked scene stands alone, with gap 0
        gaps = np.where(shown, replay - self.mean, 0.0)
        predicted: Array = self.mean + np.linalg.solve(among, gaps[:, :, None])[:, :, 0] @ self.covariance
        return predicted


@dataclass(frozen=True)
class MaskedCurves:
    """Videos with masked scenes. asked: the masked scenes of each; parts: rows of one length, with values
    [rows, scenes], nan where masked.
    """

    asked: list[list[int]]
    parts: list[tuple[list[int], Array]]

    @classmethod
    def of(cls, frame: pl.DataFrame) -> MaskedCurves:
        """Read them from questions."""
        numbered = frame.select("replay", row=pl.int_range(pl.len()), scenes=pl.col("replay").list.len())
        parts = [
            (part["row"].to_list(), np.array(part["replay"].to_list(), dtype=np.float64))
            for of_length in numbered.partition_by("scenes", maintain_order=True)
            for part in of_length.iter_slices(ROWS_AT_ONCE)
        ]
        return cls(frame["asked"].to_list(), parts)

    def predict(self, law: CurveLaw, constants: Constants) -> ValueLists:
        """Predict the asked values of each video."""
        processes: dict[int, Conditional] = {}
        values: ValueLists = [[] for _ in self.asked]
        for rows, replay in self.parts:
            scenes = replay.shape[1]
            if scenes not in processes:
                processes[scenes] = Conditional(law, constants, scenes)
            for row, curve in zip(rows, processes[scenes].predict(replay), strict=True):
                values[row] = curve[self.asked[row]].tolist()
        return values


def choose_constants(train: pl.DataFrame) -> Constants:
    """The constants with the least error on curves of groups that the law was not estimated from."""
    in_half = pl.Series([crc32(str(group).encode()) % 2 == 0 for group in train["group"]])
    estimated, tried = train.filter(in_half), train.filter(~in_half).head(TRIED_CURVES)
    if min(len(estimated), len(tried)) < LEAST_CURVES:
        return Constants()
    law, curves, targets = CurveLaw.of(complete_curves(estimated)), MaskedCurves.of(tried), tried["target"].to_list()

    def error(constants: Constants) -> float:
        gaps = (np.subtract(p, t) for p, t in zip(curves.predict(law, constants), targets, strict=True))
        return float(np.mean([np.sqrt(np.mean(gap**2)) for gap in gaps]))

    return min((Constants(*chosen) for chosen in product(SHARES, SCALES, NOISES)), key=error)


def gaussian_process(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Predict the masked values given the visible ones under the process fitted to the training videos."""
    return MaskedCurves.of(test).predict(CurveLaw.of(complete_curves(train)), choose_constants(train))


GAUSSIAN_PROCESS = Reference(
    "gaussian_process",
    "a Gaussian process fitted to the training curves, given the visible values",
    "replay values where some stay visible",
    gaussian_process,
    "shift",
)
