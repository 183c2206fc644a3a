"""Least squares for many outcomes at once, with all groups and without each of them, from the sums of groups."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benchmark.effects.design import COLLINEAR, Term
from benchmark.metrics import Array, Index


class Coefficients(NamedTuple):
    """Coefficients of outcomes: all [columns, outcomes], without each group [groups, columns, outcomes]."""

    full: Array
    without: Array


class Effects(NamedTuple):
    """Effects of a factor's levels: all [levels, outcomes], without each group [groups, levels, outcomes]."""

    full: Array
    without: Array


def least_squares(columns: Array, outcomes: Array, group: Index, groups: int) -> Coefficients:
    """Regress outcomes [values, outcomes] on columns [values, k]; group: [values], 0 to groups - 1.

    Without a group that alone tells columns apart, all coefficients are nan; a column of that group alone counts zero.
    """
    lengths = np.linalg.norm(columns, axis=0)
    scaled = columns / lengths
    order = np.argsort(group, kind="stable")
    ends = np.searchsorted(group[order], np.arange(groups + 1))
    rows = [order[start:end] for start, end in pairwise(ends)]
    squares = np.stack([scaled[part].T @ scaled[part] for part in rows])
    products = np.stack([scaled[part].T @ outcomes[part] for part in rows])
    full = np.linalg.lstsq(scaled, outcomes, rcond=None)[0]
    without = solve_each(squares.sum(axis=0) - squares, products.sum(axis=0) - products)
    return Coefficients(full / lengths[:, None], without / lengths[:, None])


def solve_each(squares: Array, products: Array) -> Array:
    """Solve normal equations [n, k, k] for [n, k, outcomes]; nan where columns follow from each other."""
    diagonal = np.arange(squares.shape[1])
    squares[:, diagonal, diagonal] += squares[:, diagonal, diagonal] < COLLINEAR  # the column of a group alone
    solvable = np.linalg.eigvalsh(squares).min(axis=1, initial=np.inf) >= COLLINEAR / 10
    squares[~solvable] = np.eye(len(diagonal))
    return np.where(solvable[:, None, None], np.linalg.solve(squares, products), np.nan)


def effects_of(term: Term, coefficients: Coefficients) -> Effects:
    """The effects of a factor, those of rounding size taken as zero."""
    full, without = (np.round(term.effects_of @ part[..., term.columns, :], 9) + 0.0 for part in coefficients)
    return Effects(full, without)
