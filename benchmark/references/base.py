"""References: functions of a task's public training frame and of the questions.

A reference gives a list of values for each question, in the order of the questions (for choices the index of an
option). It never sees the answers of validation or test. How it is adjusted to each metric stands in
benchmark/references/adjust.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from benchmark.metrics import Array, Index

ValueLists = list[list[float]]


@dataclass(frozen=True)
class Reference:
    """A predictor without content: its name, what it predicts with, the tasks it is for, and its function.

    adjust: for each metric, the constant that serves it best in training is added to all values (`shift`) or all are
    multiplied by it (`factor`); None leaves the values as they are.
    """

    name: str
    description: str
    answers: str
    values: Callable[[pl.DataFrame, pl.DataFrame], ValueLists]
    adjust: Literal["shift", "factor"] | None = None


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


def group_numbers(train: pl.DataFrame) -> Index:
    """The number of each message's group, from 0 without gaps."""
    numbers: Index = (train["group"].rank("dense") - 1).to_numpy().astype(np.int64)
    return numbers
