"""One answer to every question: a constant, or the option that was most often right in training."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmark.references.base import Reference, ValueLists, asked_values, targets


def constant(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Answer the median of the training values, which is then adjusted to each metric."""
    value = float(np.median(targets(train)))
    return [[value] * count for count in asked_values(test)]


def majority(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Choose the option whose text was most often right in training; the first of equals."""
    right = train.select(pl.col("options").list.get(pl.col("target").list.first().cast(pl.Int64)).alias("right"))
    counts = dict(right.drop_nulls().group_by("right").len().iter_rows())
    return [[float(np.argmax([counts.get(option, 0) for option in options]))] for options in test["options"]]


CONSTANT = Reference(
    "constant",
    "the constant that is best in training, for each metric",
    "tasks that ask for numbers",
    constant,
    "shift",
)
MAJORITY = Reference(
    "majority", "the option that was right most often in the training split", "tweets' likes", majority
)
