"""Intervals: the percentile bootstrap over groups, with the same resamples for every run of a task.

Instances of one channel or company resemble each other, so whole groups are drawn, with replacement. A resample
counts how often each group was drawn; the metric's sums over it are these counts times the groups' sums. Every run
of a task is measured on the same resamples, so that differences between runs are paired.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmark.metrics import Array, Index, subtract

RESAMPLES = 2000
LEVEL = 0.95
BLOCK = 4_000_000  # groups drawn at a time: memory does not grow with resamples times groups


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % bounds; without an interval the bounds are None and `reason` says why."""

    value: float | None
    low: float | None
    high: float | None
    reason: str | None = None

    @property
    def excludes_zero(self) -> bool:
        """Whether both bounds lie on one side of zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def group_sums(sums: Array, group: Index, groups: int) -> Array:
    """Add instances up to groups: [instances, k] -> [groups, k]."""
    total = np.zeros((groups, sums.shape[1]))
    np.add.at(total, group, sums)
    return total


def weights(groups: int, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Array]:
    """Yield how often each group is drawn, in blocks: [resamples of the block, groups]."""
    generator = np.random.default_rng(seed)
    rows = max(1, min(resamples, BLOCK // max(groups, 1)))
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = generator.integers(0, groups, size=(size, groups)) + np.arange(size)[:, None] * groups
        counts = np.bincount(drawn.ravel(), minlength=size * groups)
        yield counts.reshape(size, groups).astype(np.float64)


def resampled(sums: Array, resamples: int = RESAMPLES, seed: int = 0) -> Array:
    """Sum over each resample of groups: [groups, k] -> [resamples, k]; no rows without groups."""
    if not len(sums):
        return np.empty((0, sums.shape[1]))
    return np.concatenate([block @ sums for block in weights(len(sums), resamples, seed)])


def interval(value: float, samples: Array, groups: int) -> Interval:
    """Percentile interval of a value from its resamples; undefined ones (nan) are left out."""
    if not np.isfinite(value):
        return Interval(None, None, None, "no instances" if groups == 0 else "not defined on these instances")
    if groups < 2:
        return Interval(float(value), None, None, "one group: nothing to resample")
    defined = samples[np.isfinite(samples)]
    if 2 * len(defined) < len(samples) or not len(defined):
        return Interval(float(value), None, None, "not defined on most resamples")
    low, high = np.percentile(defined, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Interval(float(value), float(low), float(high))


def difference(value: float, other: float, samples: Array, others: Array, groups: int) -> Interval:
    """Interval of the difference value - other over the same resamples."""
    gap = float(subtract(np.array(value), np.array(other)))
    return interval(gap, subtract(samples, others), groups)
