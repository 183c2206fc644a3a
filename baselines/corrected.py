"""Numbers of whole messages: the best reference, corrected by a model of the content.

The reference answers training questions from other groups, as it does those of test, so that the model learns what
content adds. The errors on validation or on folds of training, around each prediction, are its distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import polars as pl

from baselines.correction import Fit, Gaps, learn_correction
from baselines.features import Array
from baselines.learned import validation_frame
from benchmark.answers.base import list_column
from benchmark.bench import Bench
from benchmark.metrics import QUANTILES
from benchmark.reference_rows import provided_answers, start_reference
from benchmark.tasks.base import Task

LEAST_ERRORS = 50
LISTS = pl.List(pl.Float64)


class Features(Protocol):
    """Features of messages, learned from training messages."""

    def matrix(self, frame: pl.DataFrame) -> Any:
        """Features: sparse [messages, features]."""


def correct_reference(
    bench: Bench, task: Task, asked: pl.DataFrame, make_features: Callable[[pl.DataFrame], Features], fit: Fit
) -> pl.DataFrame:
    """Columns instance_id, values and quantiles."""
    train, validation = bench.public(task.name, "train"), validation_frame(bench, task.name)
    features = make_features(train)
    known, tried = (
        Gaps(
            features.matrix(frame) if len(frame) else None,
            learned_scale(frame["target"], task.spans_decades) - reference_values(bench, task, frame),
            frame["group"],
        )
        for frame in (train, validation)
    )
    model, errors = learn_correction(fit, known, tried)
    correction = model.predict(features.matrix(asked)) if len(asked) else np.zeros(0)
    return with_quantiles(asked, reference_values(bench, task, asked) + correction, errors, task)


def learned_scale(values: pl.Series, logarithms: bool) -> Array:
    """The single value of each question, or its base-10 logarithm."""
    numbers: Array = values.list.first().cast(pl.Float64).to_numpy()
    return np.log10(np.maximum(numbers, 1)) if logarithms else numbers


def reference_values(bench: Bench, task: Task, questions: pl.DataFrame) -> Array:
    """What the best reference answers, on the scale that is learned."""
    name = start_reference(bench, task.name)
    return learned_scale(provided_answers(bench, task.name, name, questions)["values"], task.spans_decades)


def with_quantiles(test: pl.DataFrame, predicted: Array, errors: Array, task: Task) -> pl.DataFrame:
    """Columns instance_id, values and quantiles; `predicted` and `errors` are on the scale that is learned.

    Fewer than 50 errors give no distribution.
    """
    low, high = task.answer.legal

    def legal(values: Array) -> Array:
        return np.clip(10**values if task.spans_decades else values, low, high)

    values = list_column(legal(predicted), np.ones(len(test), dtype=np.int64))
    quantiles = pl.Series([None] * len(test), dtype=LISTS)
    if len(errors) >= LEAST_ERRORS:
        around = legal(predicted[:, None] + np.quantile(errors, QUANTILES))
        quantiles = list_column(around.ravel(), np.full(len(test), len(QUANTILES)))
    return test.select("instance_id", values=values, quantiles=quantiles)
