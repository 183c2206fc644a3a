"""What is measured: each metric is a few sums an instance and a formula over the summed sums.

Sums of instances add up to sums of clusters, and a resample of clusters is a weighted sum of those, so that one
matrix product gives every metric of every run on every resample (benchmark/intervals.py).

Percentages run from 0 to 100. An answer that cannot be read is never dropped: it is wrong in every accuracy, and in
the errors (rmse, rmse_log10, r2) a random legal answer, the same for every run, stands in for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ABSOLUTE_TOLERANCE = 5.0  # of 100, the paper's "within 5" of a replay value
RELATIVE_TOLERANCE = 0.1  # the paper's "within 10 %" of a ratio or a count
ROUNDING = 1e-9  # so that 2.2 lies within 10 % of 2.0 in binary too


@dataclass(frozen=True)
class Judged:
    """One run's answers to one task, the values of all instances laid end to end.

    truth, predicted: [values], a random legal answer stands where `parsed` is false.
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
        """[instances], summed over the values of each."""
        return self.per_instance((self.predicted - self.truth) ** 2)

    @property
    def count(self) -> Array:
        """[instances], how many values each asks."""
        return self.per_instance(np.ones_like(self.truth))


@dataclass(frozen=True)
class Metric:
    """A metric: `sums` gives [instances, k], `finish` turns [..., k] added up over instances into [...].

    skill: over a reference predictor, "share" is 1 - error/error of the reference, "difference" is what is gained.
    unit: of its value; without one, that of the values which the task asks for.
    """

    name: str
    sums: Callable[[Judged], Array]
    finish: Callable[[Array], Array]
    lower_is_better: bool
    skill: Literal["share", "difference"]
    meaning: str
    unit: str | None = None

    def value(self, judged: Judged) -> float:
        """The metric over all instances; nan where it is not defined."""
        return float(self.finish(self.sums(judged).sum(axis=0)))

    def gain(self, values: Array, reference: Array) -> Array:
        """Skill over a reference, positive where `values` are better; nan where only the reference is perfect."""
        gap = gap_of(values, reference)
        if self.skill == "difference":
            return -gap if self.lower_is_better else gap
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(gap == 0, 0.0, np.where(reference > 0, -gap / reference, np.nan))


def gap_of(values: Array, others: Array) -> Array:
    """Differences; what is only rounding counts as no difference."""
    gap = values - others
    return np.where(np.abs(gap) <= ROUNDING * (np.abs(values) + np.abs(others)), 0.0, gap)


def columns(*parts: Array) -> Array:
    """Sums of one instance side by side: k arrays [instances] -> [instances, k]."""
    return np.stack(parts, axis=1)


def ratio(sums: Array) -> Array:
    """First sum over the second; nan where nothing was summed."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return sums[..., 0] / sums[..., 1]


def percent(sums: Array) -> Array:
    """First sum over the second, of 100."""
    return 100 * ratio(sums)


def root(sums: Array) -> Array:
    """Square root of the mean."""
    return np.sqrt(ratio(sums))


def r2(sums: Array) -> Array:
    """1 - SSE/SST, the mean taken from the same (resampled) truth; nan for fewer than two values or no spread.

    sums: squared error, truth, squared truth, count.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = sums[..., 2] - sums[..., 1] ** 2 / sums[..., 3]
        known = (sums[..., 3] >= 2) & (spread > ROUNDING * sums[..., 2])
        return np.where(known, 1 - sums[..., 0] / spread, np.nan)


def video_rmse_sums(judged: Judged) -> Array:
    """RMSE within each video, and one a video."""
    each = np.sqrt(judged.squared_error / np.maximum(judged.count, 1))
    return columns(each, (judged.count > 0).astype(np.float64))


def squared_error_sums(judged: Judged) -> Array:
    """Squared error and number of values."""
    return columns(judged.squared_error, judged.count)


def log10_error_sums(judged: Judged) -> Array:
    """Squared error of the base-10 logarithms (counts below one taken as one) and number of values."""
    gap = np.log10(np.maximum(judged.predicted, 1)) - np.log10(np.maximum(judged.truth, 1))
    return columns(judged.per_instance(gap**2), judged.count)


def r2_sums(judged: Judged) -> Array:
    """What r2 needs, the truth measured from its own mean so that large values lose no digits."""
    truth = judged.truth - (judged.truth.mean() if judged.truth.size else 0.0)
    return columns(judged.squared_error, judged.per_instance(truth), judged.per_instance(truth**2), judged.count)


def hits(judged: Judged, near: Flags) -> Array:
    """How many values were read and near, and how many were asked."""
    return columns(judged.per_instance(judged.parsed & near), judged.count)


def absolute_sums(judged: Judged) -> Array:
    """Values at most 5 off."""
    return hits(judged, np.abs(judged.predicted - judged.truth) <= ABSOLUTE_TOLERANCE + ROUNDING)


def relative_sums(judged: Judged) -> Array:
    """Values within 10 % of the truth; a truth of zero is met by zero alone."""
    allowed = RELATIVE_TOLERANCE * np.abs(judged.truth) * (1 + ROUNDING)
    return hits(judged, np.abs(judged.predicted - judged.truth) <= allowed)


def choice_sums(judged: Judged) -> Array:
    """Right options."""
    return hits(judged, judged.predicted == judged.truth)


RMSE_PER_VIDEO = Metric(
    "rmse",
    video_rmse_sums,
    ratio,
    True,
    "share",
    "root mean squared error within each video, their mean over videos",
)
RMSE = Metric("rmse", squared_error_sums, root, True, "share", "root mean squared error over all instances")
RMSE_LOG10 = Metric(
    "rmse_log10", log10_error_sums, root, True, "share", "root mean squared error of base-10 logarithms", "decades"
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
