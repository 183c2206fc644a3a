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
from scipy.stats import rankdata

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ABSOLUTE_TOLERANCE = 5.0  # of 100, the paper's "within 5" of a replay value
RELATIVE_TOLERANCE = 0.1  # the paper's "within 10 %" of a ratio or a count
ROUNDING = 1e-9  # so that 2.2 is within 10 % of 2.0 in binary floating point
QUANTILES = (np.arange(25) + 0.5) / 25  # the levels at which a prediction may give its distribution: 0.02 to 0.98


@dataclass(frozen=True)
class Judged:
    """A run's answers to a task beside the truth, the values of all instances end to end.

    truth, predicted: [values]; predicted is a random legal answer where `parsed` is false.
    parsed: [values], whether the value was read from the run's own answer.
    instance: [values], which instance (0..instances-1) a value belongs to.
    quantiles: [values, QUANTILES] of the predicted distribution, nan where a prediction gives none; None if none does.
    """

    truth: Array
    predicted: Array
    parsed: Flags
    instance: Index
    instances: int
    quantiles: Array | None = None

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
    point: the best single answers under predicted distributions, [values, QUANTILES] -> [values]; None: the answer that
    the prediction gives itself.
    depends_on_level: whether it changes where a constant is added to all values of a question.
    detail: whether it stands beside others that say nearly the same: in tables in short form, not on the page.
    """

    name: str
    sums: Callable[[Judged], Array]
    finish: Callable[[Array], Array]
    lower_is_better: bool
    skill: Literal["share", "difference"]
    meaning: str
    unit: str | None = None
    heavy_tailed: bool = False
    point: Callable[[Array], Array] | None = None
    depends_on_level: bool = True
    detail: bool = False

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


def spearman_sums(judged: Judged) -> Array:
    """Sums of ranks: count, truth, predicted (always 0), their squares and product.

    Ranks (the mean of equals) are those among all values, centered and scaled to -1..1. An instance also moves the
    ranks of all others; what it does to their products and squares is counted as its own, around the mean of that, so
    that the sums of all instances stay and an instance left out counts in full.
    """
    truth, predicted = (centered_ranks(values) for values in (judged.truth, judged.predicted))
    product = truth * predicted + moved(judged.truth, predicted) + moved(judged.predicted, truth)
    squares = [ranks**2 + 2 * moved(ranks, ranks) for ranks in (truth, predicted)]
    none = np.zeros_like(truth)
    parts = (np.ones_like(truth), none, none, *squares, product)
    return stack_columns(*(judged.per_instance(part) for part in parts))


def moved(values: Array, weights: Array) -> Array:
    """What each value does to the weighted mean of all ranks of `values`, centered: it raises the ranks of higher ones.

    The mean of the weights of higher values less that of lower ones; values, weights: [values].
    """
    if not len(values):
        return values
    order = np.argsort(values, kind="stable")
    ordered, before = values[order], np.concatenate([[0.0], np.cumsum(weights[order])])
    lower = before[np.searchsorted(ordered, values, "left")]
    higher = before[-1] - before[np.searchsorted(ordered, values, "right")]
    effect = (higher - lower) / len(values)
    centered: Array = effect - effect.mean()
    return centered


def centered_ranks(values: Array) -> Array:
    """Ranks, the mean of equals, from -1 to 1."""
    if not len(values):
        return values
    ranks: Array = (2 * rankdata(values) - len(values) - 1) / max(len(values) - 1, 1)
    return ranks


def correlation(sums: Array) -> Array:
    """Correlation from the sums of two variables; 0 where the prediction is flat, nan where the truth is."""
    count, truth, predicted, truth_squared, predicted_squared, product = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        truth_spread = truth_squared - truth**2 / count
        predicted_spread = predicted_squared - predicted**2 / count
        shared = product - truth * predicted / count
        value = shared / np.sqrt(truth_spread * predicted_spread)
        flat = predicted_spread <= ROUNDING * count
        return np.where((count < 2) | (truth_spread <= ROUNDING * count), np.nan, np.where(flat, 0.0, value))


def quantile_scores(truth: Array, predicted: Array, quantiles: Array | None) -> Array:
    """Continuous ranked probability score of each value, from quantiles: twice the mean pinball loss.

    A prediction without a distribution is a certain one: its score is its absolute error.
    """
    certain = np.abs(predicted - truth)
    if quantiles is None:
        return certain
    gaps = truth[:, None] - quantiles
    loss = 2 * np.where(gaps >= 0, QUANTILES * gaps, (QUANTILES - 1) * gaps).mean(axis=1)
    return np.where(np.isfinite(loss), loss, certain)


def crps_sums(judged: Judged) -> Array:
    """Continuous ranked probability score, and number of values."""
    scores = quantile_scores(judged.truth, judged.predicted, judged.quantiles)
    return stack_columns(judged.per_instance(scores), judged.count)


def crps_log10_sums(judged: Judged) -> Array:
    """The same of base-10 logarithms (counts below one taken as one)."""
    truth, predicted = (np.log10(np.maximum(part, 1)) for part in (judged.truth, judged.predicted))
    quantiles = None if judged.quantiles is None else np.log10(np.maximum(judged.quantiles, 1))
    return stack_columns(judged.per_instance(quantile_scores(truth, predicted, quantiles)), judged.count)


def median_point(quantiles: Array) -> Array:
    """The median of each distribution."""
    return quantiles[:, len(QUANTILES) // 2]


def window_point(quantiles: Array, window: Callable[[Array], tuple[Array, Array]]) -> Array:
    """The value whose window, from the lower to the upper bound given, holds most of each distribution."""
    steps = np.linspace(QUANTILES[0], QUANTILES[-1], 4 * (len(QUANTILES) - 1) + 1)
    fine = np.stack([np.interp(steps, QUANTILES, row) for row in quantiles])
    lows, highs = window(fine)
    held = np.stack(
        [((fine >= lows[:, [i]]) & (fine <= highs[:, [i]])).sum(axis=1) for i in range(len(steps))],
        axis=1,
    )
    most = held == held.max(axis=1, keepdims=True)
    chosen = np.argsort(~most, axis=1, kind="stable")[np.arange(len(fine)), most.sum(axis=1) // 2]
    return np.take_along_axis(fine, chosen[:, None], axis=1)[:, 0]


def near_point(quantiles: Array) -> Array:
    """The value that lies within 10 % of most of each distribution."""
    return window_point(quantiles, lambda value: (value / (1 + RELATIVE_TOLERANCE), value / (1 - RELATIVE_TOLERANCE)))


def within_5_point(quantiles: Array) -> Array:
    """The value that has most of each distribution at most 5 off."""
    return window_point(quantiles, lambda value: (value - ABSOLUTE_TOLERANCE, value + ABSOLUTE_TOLERANCE))


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
    "rmse_log10",
    log10_error_sums,
    root_mean,
    True,
    "share",
    "root mean squared error of base-10 logarithms",
    "decades",
    point=median_point,
)
R2 = Metric(
    "r2", r2_sums, r2, False, "difference", "share of the truth's variance explained; the test mean gives 0", "of 1"
)
ACCURACY_ABS5 = Metric(
    "accuracy_abs5",
    absolute_sums,
    percent,
    False,
    "difference",
    "percent of values at most 5 (of 100) off",
    "%",
    point=within_5_point,
)
ACCURACY_REL10 = Metric(
    "accuracy_rel10",
    relative_sums,
    percent,
    False,
    "difference",
    "percent of values within 10 % of the truth",
    "%",
    point=near_point,
)
SPEARMAN = Metric(
    "spearman",
    spearman_sums,
    correlation,
    False,
    "difference",
    "rank correlation of predicted and true values over all instances",
    "of 1",
    depends_on_level=False,
)
CRPS = Metric(
    "crps",
    crps_sums,
    ratio,
    True,
    "share",
    "continuous ranked probability score; of a prediction without a distribution the absolute error",
)
CRPS_LOG10 = Metric(
    "crps_log10",
    crps_log10_sums,
    ratio,
    True,
    "share",
    "continuous ranked probability score of base-10 logarithms; without a distribution the absolute error",
    "decades",
)
ACCURACY = Metric("accuracy", choice_sums, percent, False, "difference", "percent of right choices", "%")
