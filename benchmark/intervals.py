"""Intervals: the percentile bootstrap over clusters, with the same resamples for every run of a task.

Instances of one channel or company resemble each other, so whole clusters are drawn, with replacement. A resample
counts how often each cluster was drawn; the metric's sums over it are these counts times the clusters' sums. Every run
of a task is measured on the same resamples, so that differences between runs are paired.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmark.metrics import Array, Index, subtract

RESAMPLES = 2000
LEVEL = 0.95
BLOCK = 4_000_000  # clusters drawn at a time: memory does not grow with resamples times clusters


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


def cluster_sums(sums: Array, cluster: Index, clusters: int) -> Array:
    """Add instances up to clusters: [instances, k] -> [clusters, k]."""
    total = np.zeros((clusters, sums.shape[1]))
    np.add.at(total, cluster, sums)
    return total


def weights(clusters: int, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Array]:
    """Yield how often each cluster is drawn, in blocks: [resamples of the block, clusters]."""
    generator = np.random.default_rng(seed)
    rows = max(1, min(resamples, BLOCK // max(clusters, 1)))
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = generator.integers(0, clusters, size=(size, clusters)) + np.arange(size)[:, None] * clusters
        counts = np.bincount(drawn.ravel(), minlength=size * clusters)
        yield counts.reshape(size, clusters).astype(np.float64)


def resampled(sums: Array, resamples: int = RESAMPLES, seed: int = 0) -> Array:
    """Sum over each resample of clusters: [clusters, k] -> [resamples, k]; no rows without clusters."""
    if not len(sums):
        return np.empty((0, sums.shape[1]))
    return np.concatenate([block @ sums for block in weights(len(sums), resamples, seed)])


def interval(value: float, samples: Array, clusters: int) -> Interval:
    """Percentile interval of a value from its resamples; undefined ones (nan) are left out."""
    if not np.isfinite(value):
        return Interval(None, None, None, "no instances" if clusters == 0 else "not defined on these instances")
    if clusters < 2:
        return Interval(float(value), None, None, "one cluster: nothing to resample")
    defined = samples[np.isfinite(samples)]
    if 2 * len(defined) < len(samples) or not len(defined):
        return Interval(float(value), None, None, "not defined on most resamples")
    low, high = np.percentile(defined, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Interval(float(value), float(low), float(high))


def difference(value: float, other: float, samples: Array, others: Array, clusters: int) -> Interval:
    """Interval of the difference value - other over the same resamples."""
    gap = float(subtract(np.array(value), np.array(other)))
    return interval(gap, subtract(samples, others), clusters)
