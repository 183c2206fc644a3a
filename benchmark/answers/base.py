"""Base class of the kinds of answers, and the flattened right answers of a test part.

An answer is stored as a list of numbers: the values asked for, or the index of an option. A prediction counts as
unparsed if it is missing, has another number of values than were asked, or holds an illegal value. Illegal values are
not corrected here: a predictor that can leave the legal range clips its own answers.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import polars as pl
import pyarrow as pa

from benchmark.metrics import QUANTILES, Array, Flags, Index, Judged, Metric

EDGE = 1e-6  # a mean of hundreds may come out as 100.00000000000001
OTHER_COUNT = "another number of values than asked"
STORED = pl.List(pl.Float64)


@dataclass(frozen=True)
class RightAnswers:
    """Right and random answers, the values of all instances end to end.

    truth, chance: [values]; instance: [values] -> 0..instances-1; lengths: [instances].
    """

    truth: Array
    chance: Array
    instance: Index
    lengths: Index

    @classmethod
    def of(cls, target: pl.Series, chance: pl.Series) -> RightAnswers:
        """Flatten two columns of lists."""
        lengths = target.list.len().cast(pl.Int64).to_numpy()
        return cls(flatten(target), flatten(chance), np.repeat(np.arange(len(lengths)), lengths), lengths)

    @property
    def instances(self) -> int:
        """Number of questions."""
        return len(self.lengths)


class AnswerKind(ABC):
    """A kind of answer with its closed legal range; `name` is its name in the manifest."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def legal(self) -> tuple[float, float]:
        """The lowest and the highest legal value."""

    @abstractmethod
    def read(self, raw: str, count: int, options: Sequence[str] | None) -> list[float] | None:
        """Read the values in a text, legal or not; None if it cannot be read."""

    @abstractmethod
    def chance(self, train: pl.DataFrame, test: pl.DataFrame, rng: np.random.Generator) -> list[list[float]]:
        """Draw a random legal answer to each test question."""

    def parse(self, raw: str, count: int, options: Sequence[str] | None = None) -> list[float] | None:
        """Read the values in a text; None if it cannot be read or a value is illegal."""
        values = self.read(raw, count, options)
        return values if values is not None and self.accepts(values, count) else None

    def unread_reason(
        self, values: Sequence[float] | None, raw: str | None, count: int, options: Sequence[str] | None
    ) -> str:
        """Why an answer that counts as unread does so, from its values and the text that they were read from."""
        if values is None and (raw is None or not raw.strip()):
            return "no answer"
        if values is None and (values := self.read(str(raw), count, options)) is None:
            return self.unreadable(str(raw))
        if len(values) != count:
            return OTHER_COUNT
        if not all(value is not None and math.isfinite(value) for value in values):
            return "not a number"
        return self.illegal

    @abstractmethod
    def unreadable(self, raw: str) -> str:
        """Why no values can be read in a text."""

    @property
    def illegal(self) -> str:
        """What is wrong with a number that is no legal value."""
        low, high = self.legal
        return f"below {low:g}" if np.isinf(high) else f"outside {low:g} to {high:g}"

    def accepts(self, values: Sequence[float], count: int) -> bool:
        """Whether the values are an answer: as many as were asked, each of them legal."""
        low, high = self.legal
        return len(values) == count and all(low <= value <= high for value in values)

    def is_legal(self, values: Array) -> Flags:
        """Whether each value is legal."""
        low, high = self.legal
        legal: Flags = np.isfinite(values) & (values >= low - EDGE) & (values <= high + EDGE)
        return legal

    def judge(self, right: RightAnswers, values: pl.Series, quantiles: pl.Series | None = None) -> Judged:
        """Judge answers: a list for each question, in its order; null where unread.

        quantiles: the distribution of each value, those of a question end to end; null where none is given.
        """
        fits = (values.list.len() == pl.Series(right.lengths)).fill_null(False).to_numpy()
        predicted = np.full(len(right.truth), np.nan)
        predicted[np.repeat(fits, right.lengths)] = flatten(values.filter(pl.Series(fits)))
        illegal = np.bincount(right.instance, weights=~self.is_legal(predicted), minlength=right.instances) > 0
        parsed = ~np.repeat(illegal | ~fits, right.lengths)
        judged = Judged(right.truth, np.where(parsed, predicted, right.chance), parsed, right.instance, right.instances)
        if quantiles is None or quantiles.null_count() == len(quantiles):
            return judged
        return replace(judged, quantiles=self.read_quantiles(right, quantiles, parsed))

    def read_quantiles(self, right: RightAnswers, quantiles: pl.Series, parsed: Flags) -> Array:
        """The distributions, [values, QUANTILES]; nan where there is none, or one that is not legal and ascending."""
        fits = (quantiles.list.len() == pl.Series(right.lengths * len(QUANTILES))).fill_null(False).to_numpy()
        table = np.full((len(right.truth), len(QUANTILES)), np.nan)
        table[np.repeat(fits, right.lengths)] = flatten(quantiles.filter(pl.Series(fits))).reshape(-1, len(QUANTILES))
        good = parsed & self.is_legal(table).all(axis=1) & (np.diff(table, axis=1) >= -EDGE).all(axis=1)
        table[~good] = np.nan
        return table


def judge_by_metric(
    answer: AnswerKind, right: RightAnswers, predictions: pl.DataFrame, metrics: Sequence[Metric]
) -> dict[str, Judged]:
    """Judge predictions for each metric: one row for each question, in its order; `values` is null where unread.

    Where the column values_METRIC holds an answer for that metric alone, it counts; else the best point of the
    predicted distribution, where the metric has one.
    """
    quantiles = predictions["quantiles"] if "quantiles" in predictions.columns else None
    judged = answer.judge(right, predictions["values"], quantiles)
    by_metric = {}
    for metric in metrics:
        column = f"values_{metric.name}"
        if column in predictions.columns:
            apart = predictions.select(pl.coalesce(column, "values")).to_series()
            by_metric[metric.name] = answer.judge(right, apart, quantiles)
        else:
            by_metric[metric.name] = with_points(judged, metric)
    return by_metric


def with_points(judged: Judged, metric: Metric) -> Judged:
    """The answers replaced by the metric's best points where a distribution was given."""
    if judged.quantiles is None or metric.point is None:
        return judged
    has_quantiles = np.isfinite(judged.quantiles[:, 0])
    predicted = judged.predicted.copy()
    predicted[has_quantiles] = metric.point(judged.quantiles[has_quantiles])
    return replace(judged, predicted=predicted)


def flatten(column: pl.Series) -> Array:
    """Flatten a column of lists."""
    return column.explode(empty_as_null=False).cast(pl.Float64).to_numpy()


def list_column(flat: Array, lengths: Index) -> pl.Series:
    """A column of lists from values that lie end to end and the length of each list."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return pl.Series(pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(flat, pa.float64())))
