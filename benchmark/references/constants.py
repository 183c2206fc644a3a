"""One answer to every question: the mean or median of training, or the option that was most often right there."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmark.references.base import Reference, ValueLists, asked_values, targets


def mean(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Answer the mean of the training values."""
    value = float(targets(train).mean())
    return [[value] * count for count in asked_values(test)]


def median(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Answer the median of the training values."""
    value = float(np.median(targets(train)))
    return [[value] * count for count in asked_values(test)]


def majority(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Choose the option whose text was most often right in training; the first of equals."""
    right = train.select(pl.col("options").list.get(pl.col("target").list.first().cast(pl.Int64)).alias("right"))
    counts = dict(right.drop_nulls().group_by("right").len().iter_rows())
    return [[float(np.argmax([counts.get(option, 0) for option in options]))] for options in test["options"]]


MEAN = Reference("mean", "the mean of the training values", "tasks that ask for numbers", mean)
MEDIAN = Reference("median", "the median of the training values", "tasks that ask for numbers", median)
MAJORITY = Reference(
    "majority", "the option that was right most often in the training split", "tweets' likes", majority
)
