"""Best possible answers in a simulated world: those that its law of behavior makes best for each metric.

No predictor beats them beyond noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import ndtr

from benchmark.metrics import RELATIVE_TOLERANCE, Array

ValueLists = list[list[float]]


@dataclass(frozen=True)
class Expected:
    """The best values for each question by the name of the metric, the headline first; for choices, the probability of
    each option.
    """

    points: Mapping[str, ValueLists]
    scores: ValueLists | None = None

    def frame(self, instances: pl.Series) -> pl.DataFrame:
        """Make a frame with the columns instance_id, values (of the headline), values_METRIC of each, and scores."""
        lists = pl.List(pl.Float64)
        scores = self.scores if self.scores is not None else [None] * len(instances)
        best = [pl.Series(f"values_{metric}", values, lists) for metric, values in self.points.items()]
        return pl.DataFrame([instances, best[0].alias("values"), *best, pl.Series("scores", scores, lists)])


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
    return {name: [[float(value)] for value in values] for name, values in best.items()}
