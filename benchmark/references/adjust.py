"""Adjust a reference to each metric: one constant, chosen in training on predictions that did not see their groups.

The mean is best for a squared error, the median or a window for others; a reference that answers the mean to every
metric is easily beaten. So the constant (added, or a factor) is chosen for each metric among 101 quantiles of what
training values differ from the reference. The same differences give the quantiles of its distribution.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from benchmark.answers.base import AnswerKind, RightAnswers, flatten, list_column
from benchmark.metrics import QUANTILES, Array, Index, Judged, Metric
from benchmark.references.base import Reference

CANDIDATES = np.linspace(0, 1, 101)
CONSIDERED_VALUES = 40_000
TINY = 1e-9


class Adjustment:
    """What a reference's values are moved by for each metric, and the quantiles of what is left.

    predicted: lists of values for the training questions, each from other groups; truth: their right values.
    """

    def __init__(self, reference: Reference, metrics: Sequence[Metric], predicted: pl.Series, truth: pl.Series) -> None:
        self.reference = reference
        right = RightAnswers.of(truth, truth)
        first = np.cumsum(right.lengths) <= CONSIDERED_VALUES
        first[:1] = True
        kept = first[right.instance]
        level, truth_kept, instance = flatten(predicted)[kept], right.truth[kept], right.instance[kept]
        if reference.adjust == "factor":
            differences = np.log(np.maximum(truth_kept, TINY) / np.maximum(level, TINY))
            squared = float((level**2).sum())
            means = [float((truth_kept * level).sum() / squared)] if squared else []
        else:
            differences = truth_kept - level
            means = [float(differences.mean())]
        steps = np.quantile(differences, CANDIDATES)
        candidates = [*means, *(np.exp(steps) if reference.adjust == "factor" else steps)]
        self.differences = np.quantile(differences, QUANTILES)
        self.by_metric = {}
        for metric in metrics:
            worst = np.inf if metric.lower_is_better else -np.inf
            scores = [
                metric.value(judged_as_read(truth_kept, self.moved(level, step), instance, int(first.sum())))
                for step in (candidates if metric.depends_on_level else candidates[:1])
            ]
            ordered = np.nan_to_num(np.array(scores), nan=worst, posinf=worst, neginf=worst)
            best = np.argmin(ordered) if metric.lower_is_better else np.argmax(ordered)
            self.by_metric[metric.name] = candidates[int(best)]

    def moved(self, values: Array, step: float | Array) -> Array:
        """Values moved by a step."""
        return values * step if self.reference.adjust == "factor" else values + step

    def columns(self, values: pl.Series, answer: AnswerKind, with_quantiles: bool) -> dict[str, pl.Series]:
        """The columns values (for the headline), values_METRIC and, for single values, quantiles."""
        flat, lengths = flatten(values), values.list.len().cast(pl.Int64).to_numpy()
        low, high = answer.legal
        columns = {
            f"values_{metric}": list_column(np.clip(self.moved(flat, step), low, high), lengths)
            for metric, step in self.by_metric.items()
        }
        if with_quantiles:
            steps = np.exp(self.differences) if self.reference.adjust == "factor" else self.differences
            spread = np.clip(self.moved(flat[:, None], steps), low, high)
            columns["quantiles"] = list_column(spread.ravel(), np.full(len(flat), len(steps)))
        return {"values": next(iter(columns.values())), **columns}


def judged_as_read(truth: Array, predicted: Array, instance: Index, instances: int) -> Judged:
    """Judge values that were all read."""
    return Judged(truth, predicted, np.ones(len(truth), dtype=bool), instance, instances)
