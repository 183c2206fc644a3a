"""The columns of a regression on all factors of a task together, and what each column says about a factor.

The effects of levels are differences to the mean of all levels, so they add up to zero; the effect of an amount is per
unit. Levels that are unknown or too rare are one column, of which nothing is reported. A factor that does not vary, or
that follows from those before it, is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from benchmark.metrics import Array, Index
from benchmark.tasks.planted import Factor

FEWEST_ANSWERS, FEWEST_GROUPS = 5, 3
"""A level is measured where it has as many asked values, of as many groups."""
COLLINEAR = 1e-9
"""Smallest eigenvalue of the columns' correlations below which one follows from others."""
RARE = f"fewer than two levels have {FEWEST_ANSWERS} answers of {FEWEST_GROUPS} groups"


@dataclass(frozen=True)
class Term:
    """A factor in the regression: its effects are `effects_of` @ the coefficients of its columns.

    levels: names of the effects; counts: asked values of each; effects_of: [effects, columns].
    """

    factor: Factor
    levels: list[str]
    counts: list[int]
    columns: slice
    effects_of: Array

    @property
    def is_amount(self) -> bool:
        """Whether it has a single effect, per unit of an amount."""
        return self.factor.levels is None


@dataclass
class Design:
    """Columns [values, k] of the factors that can be told apart, why others are left out, and levels too rare."""

    columns: Array
    terms: list[Term] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    rare: dict[str, list[str]] = field(default_factory=dict)


def design_of(factors: Sequence[Factor], group: Index, question: Index | None = None) -> Design:
    """Make the columns of factors, in their order.

    group: [values]. With `question` ([values], ascending) values are compared within each question alone.
    """
    design = Design(np.zeros((len(group), 0)) if question is not None else np.ones((len(group), 1)))
    for factor in factors:
        levels, counts = measured_levels(factor, group)
        if factor.levels is not None:
            rare = set(factor.levels.drop_nulls().unique()) - set(levels)
            design.rare |= {factor.name: sorted(rare)} if rare else {}
        if reason := why_unusable(factor, levels):
            design.left_out[factor.name] = reason
            continue
        columns, effects_of = columns_of(factor, levels)
        columns = columns if question is None else within(columns, question)
        joined = np.hstack([design.columns, columns])
        if follows_from_others(joined):
            design.left_out[factor.name] = "it does not vary, or follows from the factors before it"
            continue
        start = design.columns.shape[1]
        place = slice(start, start + effects_of.shape[1])
        design.terms.append(Term(factor, levels or [factor.unit], counts, place, effects_of))
        design.columns = joined
    return design


def measured_levels(factor: Factor, group: Index) -> tuple[list[str], list[int]]:
    """The levels that are frequent enough, sorted, and their asked values; of an amount the number of values."""
    if factor.levels is None:
        return [], [len(group)]
    counted = (
        pl.DataFrame({"level": factor.levels, "group": group})
        .drop_nulls()
        .group_by("level")
        .agg(answers=pl.len(), groups=pl.col("group").n_unique())
        .filter(pl.col("answers") >= FEWEST_ANSWERS, pl.col("groups") >= FEWEST_GROUPS)
        .sort("level")
    )
    return counted["level"].to_list(), counted["answers"].to_list()


def why_unusable(factor: Factor, levels: Sequence[str]) -> str | None:
    """Why a factor cannot be measured; None if nothing speaks against it."""
    if factor.levels is not None and len(levels) < 2:
        return RARE
    if factor.amount is not None and not np.isfinite(factor.amount).all():
        return "it is unknown for some questions"
    return None


def columns_of(factor: Factor, levels: Sequence[str]) -> tuple[Array, Array]:
    """The columns of a factor, [values, k], and how its effects follow from their coefficients, [effects, at most k].

    The column of levels that are not measured comes last, if there are such.
    """
    if factor.levels is None:
        amount = np.asarray(factor.amount, np.float64)
        return (amount - amount.mean())[:, None], np.ones((1, 1))
    is_level = np.array([(factor.levels == level).fill_null(False).to_numpy() for level in levels], np.float64).T
    columns, others = is_level[:, :-1] - is_level[:, -1:], 1 - is_level.sum(axis=1)
    if others.any():
        columns = np.hstack([columns, others[:, None]])
    if factor.amount is not None:
        columns = columns * factor.amount[:, None]
    free = len(levels) - 1
    return columns, np.vstack([np.eye(free), -np.ones((1, free))])


def within(columns: Array, question: Index) -> Array:
    """Columns less their mean within each question: [values, k]."""
    _, place, counts = np.unique(question, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(place, weights=column) for column in columns.T], axis=1)
    return columns - (sums / counts[:, None])[place]


def follows_from_others(columns: Array) -> bool:
    """Whether a column is constant zero or a sum of others."""
    lengths = np.linalg.norm(columns, axis=0)
    if (lengths <= COLLINEAR * np.sqrt(len(columns))).any():
        return True
    scaled = columns / lengths
    return bool(np.linalg.eigvalsh(scaled.T @ scaled)[0] < COLLINEAR)
