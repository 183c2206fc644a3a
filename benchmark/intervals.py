"""Intervals from the sums of groups: each group is left out once, and Student's t has the effective groups.

Instances of one channel or company resemble each other, so a group is the unit that is drawn. The standard error comes
from the value without each group (the jackknife); t has one degree of freedom less than there are effective groups,
(sum n)^2 / sum n^2 of the groups' sizes n. Bounds are taken on a scale on which values spread evenly: logits for
percentages, 1/x^2 for errors, the logarithm of 1 - x for R2, correlations and shares of an error, the plain scale for
differences. An error looks low and certain in a sample that lacks the worst groups; bounds on logarithms then miss it
too often, as docs/results/coverage.md shows beside the coverage of all that is printed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, stdtrit

from benchmark.metrics import ROUNDING, Array, Index, Metric, subtract

LEVEL = 0.95
FEWEST_GROUPS = 10  # effective groups: fewer give no interval


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


@dataclass(frozen=True)
class Scale:
    """A scale on which values spread evenly: `forward` leads to it, `backward` from it; both rise."""

    forward: Callable[[Array], Array]
    backward: Callable[[Array], Array]


def from_minus_reciprocal_square(values: Array) -> Array:
    """Undo -1/x^2; infinite where no error is that large."""
    return np.where(values < 0, 1 / np.sqrt(np.maximum(-values, np.finfo(float).tiny)), np.inf)


PLAIN = Scale(lambda values: values, lambda values: values)
PERCENT = Scale(lambda values: logit(values / 100), lambda values: 100 * expit(values))
ERROR = Scale(lambda values: -1 / values**2, from_minus_reciprocal_square)
SHARE = Scale(lambda gains: -np.log1p(-gains), lambda values: -np.expm1(-values))


def scale_of(metric: Metric) -> Scale:
    """The scale for the values of a metric."""
    if metric.skill == "share":
        return ERROR
    return {"%": PERCENT, "of 1": SHARE}.get(metric.unit or "", PLAIN)


def group_sums(sums: Array, group: Index, groups: int) -> Array:
    """Add instances up to groups: [instances, k] -> [groups, k]."""
    return np.stack([np.bincount(group, weights=column, minlength=groups) for column in sums.T], axis=1)


def effective_groups(sizes: Array) -> float:
    """Number of equal groups that are worth as much as groups of these sizes; 0 without instances."""
    squares = float((sizes**2).sum())
    return round(float(sizes.sum()) ** 2 / squares, 9) if squares else 0.0


def value_interval(metric: Metric, sums: Array, sizes: Array, value: float | None = None) -> Interval:
    """Interval of a metric's value, if known; sums: [groups, k], sizes: [groups] instances of each group."""
    value = float(metric.finish(sums.sum(axis=0))) if value is None else value
    without = metric.finish(sums.sum(axis=0) - sums)
    return student(value, without, sizes, scale_of(metric), metric.heavy_tailed)


def skill_interval(metric: Metric, sums: Array, base: Array, sizes: Array) -> Interval:
    """Interval of the skill of a run over another on the same instances; sums, base: [groups, k]."""
    value, without = skill_and_without(metric, sums, base)
    return student(value, without, sizes, SHARE if metric.skill == "share" else PLAIN, metric.heavy_tailed)


def skill_error(metric: Metric, sums: Array, base: Array) -> float:
    """Standard error of that skill, in its own unit; not a number where it is not defined without one of the groups."""
    return standard_error(skill_and_without(metric, sums, base)[1])


def skill_and_without(metric: Metric, sums: Array, base: Array) -> tuple[float, Array]:
    """The skill of a run over another, and that without each group: [groups]."""

    def gain(total: Array, base_total: Array) -> Array:
        return metric.gain(metric.finish(total), metric.finish(base_total))

    value = float(gain(sums.sum(axis=0), base.sum(axis=0)))
    return value, gain(sums.sum(axis=0) - sums, base.sum(axis=0) - base)


def difference_interval(metric: Metric, sums: Array, others: Array, sizes: Array) -> Interval:
    """Interval of value - other on the same instances, in the metric's unit; sums, others: [groups, k]."""

    def gap(total: Array, other_total: Array) -> Array:
        return subtract(metric.finish(total), metric.finish(other_total))

    value = float(gap(sums.sum(axis=0), others.sum(axis=0)))
    without = gap(sums.sum(axis=0) - sums, others.sum(axis=0) - others)
    return student(value, without, sizes, PLAIN, metric.heavy_tailed)


def student(value: float, without: Array, sizes: Array, scale: Scale, heavy_tailed: bool = False) -> Interval:
    """Student's interval of a value from the values without each group: [groups]; a constant 0 is known exactly."""
    reason = why_no_interval(value, without, sizes, heavy_tailed)
    if reason:
        return Interval(float(value) if np.isfinite(value) else None, None, None, reason)
    if not without.any() and value == 0:
        return Interval(0.0, 0.0, 0.0)
    if np.ptp(without) <= ROUNDING * np.abs(without).max():
        return Interval(value, None, None, "the groups do not differ")
    with np.errstate(divide="ignore", invalid="ignore"):
        center, spread = float(scale.forward(np.array(value))), scale.forward(without)
    if not (np.isfinite(center) and np.isfinite(spread).all()):
        return Interval(value, None, None, "the value lies at an end of its range, or would without one group")
    margin = t_quantile(effective_groups(sizes)) * standard_error(spread)
    low, high = (float(bound) for bound in scale.backward(np.array([center - margin, center + margin])))
    if not np.isfinite(high):
        return Interval(value, None, None, "the groups differ so much that there is no upper bound")
    return Interval(value, low, high)


def why_no_interval(value: float, without: Array, sizes: Array, heavy_tailed: bool) -> str | None:
    """Say why a value has no interval; None if nothing speaks against one."""
    effective = effective_groups(sizes)
    if not np.isfinite(value):
        return "not defined on these instances" if effective else "no instances"
    if effective < FEWEST_GROUPS:
        return f"{effective:.1f} effective groups: fewer than {FEWEST_GROUPS} give no interval"
    if heavy_tailed:
        return "a few instances decide this metric: no interval holds what it promises"
    return None if np.isfinite(without).all() else "not defined without one of the groups"


def standard_error(without: Array) -> float:
    """Jackknife: the standard error from the values without each group."""
    groups = len(without)
    return float(np.sqrt((groups - 1) / groups * ((without - without.mean()) ** 2).sum()))


def t_quantile(effective: float) -> float:
    """Student's quantile for two-sided bounds."""
    return float(stdtrit(effective - 1, (1 + LEVEL) / 2))
