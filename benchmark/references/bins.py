"""One number of the message is all that is read: its age, its views, its audience, the length of its text.

Messages are sorted into bins of that number with about equal counts in training; each bin answers its mean, or the
option that was right most often there. Messages without the number have a bin of their own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from benchmark.metrics import Array, Index
from benchmark.references.base import ValueLists, is_choice

BINS = 10
LEAST = 20  # training messages of a bin that answers for itself


def by_bin(number: pl.Expr, logarithms: bool = False) -> Callable[[pl.DataFrame, pl.DataFrame], ValueLists]:
    """The function of a reference that reads one number; with `logarithms` a bin answers its geometric mean."""

    def values(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
        known, asked = (frame.select(number.cast(pl.Float64)).to_series().to_numpy() for frame in (train, test))
        edges = (
            np.unique(np.quantile(known[np.isfinite(known)], np.linspace(0, 1, BINS + 1)[1:-1]))
            if len(known)
            else known
        )
        known_bin, asked_bin = bin_of(known, edges), bin_of(asked, edges)
        if is_choice(train):
            return most_frequent(train, test, known_bin, asked_bin)
        target = train["target"].list.first().cast(pl.Float64).to_numpy()
        learned = np.log(np.maximum(target, 1)) if logarithms else target
        means = bin_means(learned, known_bin, BINS + 1)
        answers = np.exp(means) if logarithms else means
        return [[float(answers[i])] for i in asked_bin]

    return values


def bin_of(numbers: Array, edges: Array) -> Index:
    """The bin of each number; the last for those that are missing."""
    return np.where(np.isfinite(numbers), np.searchsorted(edges, numbers, side="right"), BINS).astype(np.int64)


def bin_means(values: Array, bins: Index, count: int) -> Array:
    """The mean of each bin; of all values where a bin has few."""
    sizes = np.bincount(bins, minlength=count)
    totals = np.bincount(bins, weights=values, minlength=count)
    return np.where(sizes >= LEAST, totals / np.maximum(sizes, 1), values.mean() if len(values) else 0.0)


def most_frequent(train: pl.DataFrame, test: pl.DataFrame, known_bin: Index, asked_bin: Index) -> ValueLists:
    """The option of each question whose text was right most often in its bin; in all training where a bin has few."""
    right = train["options"].list.get(train["target"].list.first().cast(pl.Int64)).to_numpy()
    names = np.unique(right)
    counts = np.array([[np.sum(right[known_bin == b] == name) for name in names] for b in range(BINS + 1)])
    counts[counts.sum(axis=1) < LEAST] = counts.sum(axis=0)
    place = {name: i for i, name in enumerate(names)}
    return [
        [float(np.argmax([counts[b, place[option]] if option in place else 0 for option in options]))]
        for b, options in zip(asked_bin, test["options"], strict=True)
    ]
