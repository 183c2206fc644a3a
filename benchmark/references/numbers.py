"""Everything that is known of a message but its words: all its numbers together, by an additive fit and by trees.

In the additive fit each number counts by a line that may bend at four places; ridge regression, its penalty chosen by
generalized cross-validation. It does best on few messages; boosted trees, which see that age counts otherwise for large
channels, on many. What a model adds to these it has read in words or labels (channel, category, country, language).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from benchmark.message_numbers import message_numbers
from benchmark.metrics import Array, Index
from benchmark.references.base import Reference, ValueLists, group_numbers, is_choice
from benchmark.references.trees import grow_trees

BENDS = (0.2, 0.4, 0.6, 0.8)  # quantiles of training
LEAST = 300  # messages: from fewer, trees learn less than lines
PENALTIES = 10.0 ** np.arange(-5, 2)  # a training message
Fit = Callable[[Array, Array, Index, Array], Array]
"""Numbers, values and groups of training, numbers of the questions -> values."""


def by_numbers(fit: Fit, logarithms: bool = False) -> Callable[[pl.DataFrame, pl.DataFrame], ValueLists]:
    """The function of a reference that reads all numbers; with `logarithms` it fits those of the asked values.

    Of two options it answers the likelier.
    """

    def values(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
        target = train["target"].list.first().cast(pl.Float64).to_numpy()
        learned = np.log(np.maximum(target, 1)) if logarithms else target
        fitted = fit(message_numbers(train), learned, group_numbers(train), message_numbers(test))
        if logarithms:
            fitted = np.exp(fitted)
        return [[float(value)] for value in (np.round(np.clip(fitted, 0, 1)) if is_choice(train) else fitted)]

    return values


def additive(known: Array, learned: Array, groups: Index, asked: Array) -> Array:
    """Answers of an additive fit; known, asked: [messages, numbers], nan where missing."""
    columns, other_columns = bent_lines(known, asked)
    return ridge(columns, learned, other_columns)


def trees(known: Array, learned: Array, groups: Index, asked: Array) -> Array:
    """Answers of boosted trees, as many as help groups that are left out."""
    if len(learned) < LEAST:
        return np.full(len(asked), learned.mean())
    messages = np.arange(len(learned))
    return grow_trees(known, learned, groups, messages, max_iter=400, learning_rate=0.06, max_leaf_nodes=31)(asked)


def bent_lines(known: Array, asked: Array) -> tuple[Array, Array]:
    """Columns of mean 0 and variance 1 in training: each number, what it exceeds each bend by, whether it is missing.

    Beyond the range of training a number counts as its end. known, asked: [messages, numbers], nan where missing.
    """
    columns: list[tuple[Array, Array]] = []
    for number, other in zip(known.T, asked.T, strict=True):
        present = number[np.isfinite(number)]
        if not len(present):
            continue
        low, high, middle = present.min(), present.max(), present.mean()
        pair = [np.where(np.isfinite(part), np.clip(part, low, high), middle) for part in (number, other)]
        columns.append((pair[0], pair[1]))
        columns += [
            (np.maximum(pair[0] - bend, 0), np.maximum(pair[1] - bend, 0)) for bend in np.quantile(present, BENDS)
        ]
        columns.append((1.0 * ~np.isfinite(number), 1.0 * ~np.isfinite(other)))
    varied = [(own, other) for own, other in columns if own.std() > 1e-9 * (1 + np.abs(own).max())]
    if not varied:
        return np.zeros((len(known), 0)), np.zeros((len(asked), 0))
    scaled = [((own - own.mean()) / own.std(), (other - own.mean()) / own.std()) for own, other in varied]
    return np.stack([own for own, _ in scaled], axis=1), np.stack([other for _, other in scaled], axis=1)


def ridge(known: Array, learned: Array, asked: Array) -> Array:
    """Ridge regression of centered columns with the penalty of the least generalized cross-validation error."""
    level, count = learned.mean(), len(learned)
    left, sizes, right = np.linalg.svd(known, full_matrices=False)
    projected = left.T @ (learned - level)
    rest = float(((learned - level) ** 2).sum() - (projected**2).sum())

    def error(penalty: float) -> float:
        kept = sizes**2 / (sizes**2 + penalty * count)
        free = count - 1 - kept.sum()
        return float((((1 - kept) * projected) ** 2).sum() + rest) / free**2 if free > 0 else np.inf

    penalty = min(PENALTIES, key=error)
    fitted: Array = level + asked @ (right.T @ (sizes / (sizes**2 + penalty * count) * projected))
    return fitted


VIEWS_BY_NUMBERS = Reference(
    "views_by_numbers",
    "an additive fit of all numbers of a message, without its words",
    "views of videos",
    by_numbers(additive, logarithms=True),
    "factor",
)
VIEWS_BY_TREES = Reference(
    "views_by_trees",
    "boosted trees on all numbers of a message, without its words",
    "views of videos",
    by_numbers(trees, logarithms=True),
    "factor",
)
RATIO_BY_NUMBERS = Reference(
    "by_numbers",
    "an additive fit of all numbers of a message, without its words",
    "likes per view",
    by_numbers(additive),
    "shift",
)
RATIO_BY_TREES = Reference(
    "by_trees",
    "boosted trees on all numbers of a message, without its words",
    "likes per view",
    by_numbers(trees),
    "shift",
)
CLASS_BY_NUMBERS = Reference(
    "class_by_numbers",
    "an additive fit of all numbers of a message, without its words",
    "tweets' likes",
    by_numbers(additive),
)
CLASS_BY_TREES = Reference(
    "class_by_trees",
    "boosted trees on all numbers of a message, without its words",
    "tweets' likes",
    by_numbers(trees),
)
