"""What a reference is: a function of a task's public training and test frames.

It gives one list of values a test question, in the order of the questions (for choices the index of an option), and
looks at nothing of the test answers.
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
    """A predictor without content: its name, what it predicts with, the tasks it is for, and its rule."""

    name: str
    description: str
    answers: str
    values: Callable[[pl.DataFrame, pl.DataFrame], ValueLists]

    def predictions(self, train: pl.DataFrame, test: pl.DataFrame) -> pl.DataFrame:
        """Its answers as a run would hold them: instance_id and values."""
        values = pa.array(self.values(train, test), pa.list_(pa.float64()))
        return test.select("instance_id").with_columns(values=pl.Series(values, dtype=pl.List(pl.Float64)))


def targets(train: pl.DataFrame) -> Array:
    """All the right values of a training frame, end to end. Zero alone where there are none."""
    values = train["target"].drop_nulls().explode().drop_nulls().cast(pl.Float64).to_numpy()
    return values if len(values) else np.zeros(1)


def is_choice(questions: pl.DataFrame) -> bool:
    """Whether the questions have options."""
    return questions["options"].null_count() < len(questions)


def asked_values(questions: pl.DataFrame) -> list[int]:
    """How many values each question asks: one a masked scene, one elsewhere."""
    if "asked" not in questions.columns or is_choice(questions):
        return [1] * len(questions)
    return questions["asked"].list.len().to_list()
