"""Metrics: each is a few sums for every instance, and a formula over the added sums.

Sums of instances add up to sums of groups, from which intervals and tests follow (benchmark/intervals.py and
benchmark/apart.py): a metric without a group is the formula over all sums less the group's.

Percentages run from 0 to 100. An answer that cannot be read is never dropped: it is wrong in every accuracy, and in
the errors (rmse, rmse_log10, r2) a random legal answer, the same for every run, takes its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ABSOLUTE_TOLERANCE = 5.0  # of 100, the paper's "within 5" of a replay value
RELATIVE_TOLERANCE = 0.1  # the paper's "within 10 %" of a ratio or a count
ROUNDING = 1e-9  # so that 2.2 is within 10 % of 2.0 in binary floating point


@dataclass(frozen=True)
class Judged:
    """A run's answers to a task beside the truth, the values of all instances end to end.

    truth, predicted: [values]; predicted is a random legal answer where `parsed` is false.
    parsed: [values], whether the value was read from the run's own answer.
    instance: [values], which instance (0..instances-1) a value belongs to.
    """

    truth: Array
    predicted: Array
    parsed: Flags
    instance: Index
    instances: int

    def per_instance(self, values: Array | Flags) -> Array:
        """Sum over the values of each instance: [values] -> [instances]."""
        return np.bincount(self.instance, weights=values, minlength=self.instances).astype(np.float64)

    @property
    def squared_error(self) -> Array:
        """Squared error of each instance, summed over its values: [instances]."""
        return self.per_instance((self.predicted - self.truth) ** 2)

    @property
    def count(self) -> Array:
        """Number of values that each instance asks: [instances]."""
        return self.per_instance(np.ones_like(self.truth))


@dataclass(frozen=True)
class Metric:
    """A metric: `sums` gives [instances, k], `finish` turns [..., k] added up over instances into [...].

    skill: "share" is 1 - error / error of the reference, "difference" is value - value of the reference.
    unit: unit of the metric; None means the unit of the task's values.
    heavy_tailed: whether a few instances decide it, so that no interval is computed and nobody is apart on it.
    """

    name: str
    sums: Callable[[Judged], Array]
    finish: Callable[[Array], Array]
    lower_is_better: bool
    skill: Literal["share", "difference"]
    meaning: str
    unit: str | None = None
    heavy_tailed: bool = False

    def value(self, judged: Judged) -> float:
        """The metric over all instances; nan where it is not defined."""
        return float(self.finish(self.sums(judged).sum(axis=0)))

    def gain(self, values: Array, reference: Array) -> Array:
        """Skill over a reference, positive where `values` are better; nan where only the reference is perfect."""
        gap = subtract(values, reference)
        if self.skill == "difference":
            return -gap if self.lower_is_better else gap
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(gap == 0, 0.0, np.where(reference > 0, -gap / reference, np.nan))


def subtract(values: Array, others: Array) -> Array:
    """Subtract; differences of rounding size become zero."""
    gap = values - others
    return np.where(np.abs(gap) <= ROUNDING * (np.abs(values) + np.abs(others)), 0.0, gap)


def stack_columns(*parts: Array) -> Array:
    """Stack sums as columns: k arrays [instances] -> [instances, k]."""
    return np.stack(parts, axis=1)


def ratio(sums: Array) -> Array:
    """Divide the first sum by the second; nan where the second is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return sums[..., 0] / sums[..., 1]


def percent(sums: Array) -> Array:
    """Divide the first sum by the second, in percent."""
    return 100 * ratio(sums)


def root_mean(sums: Array) -> Array:
    """Square root of the first sum over the second."""
    return np.sqrt(ratio(sums))


def r2(sums: Array) -> Array:
    """1 - SSE/SST, with the mean of the same (resampled) truth; nan for fewer than two values or no spread.

    sums: squared error, truth, squared truth, count.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = sums[..., 2] - sums[..., 1] ** 2 / sums[..., 3]
        defined = (sums[..., 3] >= 2) & (spread > ROUNDING * sums[..., 2])
        return np.where(defined, 1 - sums[..., 0] / spread, np.nan)


def video_rmse_sums(judged: Judged) -> Array:
    """RMSE within each video, and 1 for each video with values."""
    per_video = np.sqrt(judged.squared_error / np.maximum(judged.count, 1))
    return stack_columns(per_video, (judged.count > 0).astype(np.float64))


def squared_error_sums(judged: Judged) -> Array:
    """Squared error and number of values."""
    return stack_columns(judged.squared_error, judged.count)


def log10_error_sums(judged: Judged) -> Array:
    """Squared error of the base-10 logarithms (counts below one taken as one) and number of values."""
    gap = np.log10(np.maximum(judged.predicted, 1)) - np.log10(np.maximum(judged.truth, 1))
    return stack_columns(judged.per_instance(gap**2), judged.count)


def r2_sums(judged: Judged) -> Array:
    """Sums for r2; the truth is centered on its mean so that large values lose no digits."""
    truth = judged.truth - (judged.truth.mean() if judged.truth.size else 0.0)
    return stack_columns(judged.squared_error, judged.per_instance(truth), judged.per_instance(truth**2), judged.count)


def hit_sums(judged: Judged, is_near: Flags) -> Array:
    """Count the values that were read and are near the truth, and the values asked."""
    return stack_columns(judged.per_instance(judged.parsed & is_near), judged.count)


def absolute_sums(judged: Judged) -> Array:
    """Count the values at most 5 off the truth."""
    return hit_sums(judged, np.abs(judged.predicted - judged.truth) <= ABSOLUTE_TOLERANCE + ROUNDING)


def relative_sums(judged: Judged) -> Array:
    """Count the values within 10 % of the truth; only zero is within 10 % of zero."""
    allowed = RELATIVE_TOLERANCE * np.abs(judged.truth) * (1 + ROUNDING)
    return hit_sums(judged, np.abs(judged.predicted - judged.truth) <= allowed)


def choice_sums(judged: Judged) -> Array:
    """Count the right options."""
    return hit_sums(judged, judged.predicted == judged.truth)


RMSE_PER_VIDEO = Metric(
    "rmse",
    video_rmse_sums,
    ratio,
    True,
    "share",
    "root mean squared error within each video, their mean over videos",
)
RMSE = Metric("rmse", squared_error_sums, root_mean, True, "share", "root mean squared error over all instances")
RMSE_OF_COUNTS = replace(RMSE, heavy_tailed=True)
RMSE_LOG10 = Metric(
    "rmse_log10", log10_error_sums, root_mean, True, "share", "root mean squared error of base-10 logarithms", "decades"
)
R2 = Metric(
    "r2", r2_sums, r2, False, "difference", "share of the truth's variance explained; the test mean gives 0", "of 1"
)
ACCURACY_ABS5 = Metric(
    "accuracy_abs5", absolute_sums, percent, False, "difference", "percent of values at most 5 (of 100) off", "%"
)
ACCURACY_REL10 = Metric(
    "accuracy_rel10", relative_sums, percent, False, "difference", "percent of values within 10 % of the truth", "%"
)
ACCURACY = Metric("accuracy", choice_sums, percent, False, "difference", "percent of right choices", "%")
