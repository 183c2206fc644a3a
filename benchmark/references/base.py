"""References: functions of a task's public training and test frames.

A reference gives a list of values for each test question, in the order of the questions (for choices the index of an
option). It never sees the test answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from benchmark.metrics import Array

ValueLists = list[list[float]]


@dataclass(frozen=True)
class Reference:
    """A predictor without content: its name, what it predicts with, the tasks it is for, and its function."""

    name: str
    description: str
    answers: str
    values: Callable[[pl.DataFrame, pl.DataFrame], ValueLists]

    def predictions(self, train: pl.DataFrame, test: pl.DataFrame) -> pl.DataFrame:
        """Predict as a run would: columns instance_id and values."""
        values = pa.array(self.values(train, test), pa.list_(pa.float64()))
        return test.select("instance_id").with_columns(values=pl.Series(values, dtype=pl.List(pl.Float64)))


def targets(train: pl.DataFrame) -> Array:
    """All right values of a training frame, end to end; a single zero if there are none."""
    values = train["target"].drop_nulls().explode().drop_nulls().cast(pl.Float64).to_numpy()
    return values if len(values) else np.zeros(1)


def is_choice(questions: pl.DataFrame) -> bool:
    """Whether the questions have options."""
    return questions["options"].null_count() < len(questions)


def asked_values(questions: pl.DataFrame) -> list[int]:
    """Number of values that each question asks: its masked scenes, or one."""
    if "asked" not in questions.columns or is_choice(questions):
        return [1] * len(questions)
    return questions["asked"].list.len().to_list()
