"""Best possible answers in a simulated world: those that its law of behavior makes best for each metric.

No predictor beats them beyond noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import ndtr, ndtri

from benchmark.metrics import QUANTILES, RELATIVE_TOLERANCE, Array

ValueLists = list[list[float]]


@dataclass(frozen=True)
class Expected:
    """The best values for each question by the name of the metric, the headline first; for choices, the probability of
    each option; the mean of what happens, on the task's `effect_scale`; and for single values their distribution, at
    the levels QUANTILES.
    """

    points: Mapping[str, ValueLists]
    scores: ValueLists | None = None
    means: ValueLists | None = None
    quantiles: ValueLists | None = None

    def frame(self, instances: pl.Series) -> pl.DataFrame:
        """Columns instance_id, values (of the headline), values_METRIC of each, scores, means, quantiles."""
        lists, unknown = pl.List(pl.Float64), [None] * len(instances)
        best = [pl.Series(f"values_{metric}", values, lists) for metric, values in self.points.items()]
        more = {"scores": self.scores, "means": self.means, "quantiles": self.quantiles}
        others = [pl.Series(name, unknown if values is None else values, lists) for name, values in more.items()]
        return pl.DataFrame([instances, best[0].alias("values"), *best, *others])


def law_of(column: str, frame: pl.DataFrame, law: pl.DataFrame) -> pl.Series:
    """A column of the law for each message of a frame."""
    return frame.select("message_id").join(law, on="message_id", how="left", maintain_order="left")[column]


def log_normal_points(log_means: Array, log_sds: Array, highest: float = np.inf) -> dict[str, ValueLists]:
    """The best value of log-normal variables, cut at `highest`, for each metric of counts and ratios."""
    mean = np.exp(log_means + log_sds**2 / 2)
    if np.isfinite(highest):
        over = (log_means - np.log(highest)) / log_sds
        mean = mean * ndtr(-over - log_sds) + highest * ndtr(over)
    median = np.minimum(np.exp(log_means), highest)
    near = median * np.sqrt((1 + RELATIVE_TOLERANCE) * (1 - RELATIVE_TOLERANCE))
    best = {"rmse": mean, "r2": mean, "rmse_log10": median, "accuracy_rel10": near}
    return {name: as_lists(values) for name, values in best.items()}


def log_normal_quantiles(log_means: Array, log_sds: Array, highest: float = np.inf) -> ValueLists:
    """The quantiles of log-normal variables, cut at `highest`, at the levels QUANTILES."""
    quantiles: ValueLists = np.minimum(
        np.exp(log_means[:, None] + log_sds[:, None] * ndtri(QUANTILES)), highest
    ).tolist()
    return quantiles


def clipped_normal_mean(mean: Array, sd: Array, low: float, high: float) -> Array:
    """The mean of normal variables whose values outside `low` to `high` are taken as the nearer of both."""
    below, above = (low - mean) / sd, (high - mean) / sd
    density = np.exp(-(below**2) / 2) - np.exp(-(above**2) / 2)
    inside = mean * (ndtr(above) - ndtr(below)) + sd * density / np.sqrt(2 * np.pi)
    clipped: Array = inside + low * ndtr(below) + np.where(np.isfinite(high), high, 0.0) * ndtr(-above)
    return clipped


def as_lists(values: Array) -> ValueLists:
    """A list of one value for each question."""
    return [[float(value)] for value in values]
