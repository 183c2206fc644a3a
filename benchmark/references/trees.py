"""Boosted trees of references: as many as help groups that are left out.

Numbers of a message nearly tell its channel, so trees that are judged on other messages of the same channels learn
these by heart. Where groups are few, every tenth row is left out instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmark.metrics import Array, Index

ENOUGH_GROUPS = 20


def grow_trees(known: Array, learned: Array, groups: Index, **settings: Any) -> Callable[[Array], Array]:
    """Boosted trees, as a function of rows; `settings` are scikit-learn's.

    known: [rows, numbers], nan where missing; learned: [rows]; groups: [rows], a number for each group, from 0 without
    gaps. Where no number varies the function answers the mean.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    left_out = (groups if groups.max(initial=-1) + 1 >= ENOUGH_GROUPS else np.arange(len(learned))) % 10 == 0
    varied = [place for place, number in enumerate(known[~left_out].T) if varies(number)]
    if not varied:
        return lambda asked: np.full(len(asked), learned.mean())
    model = HistGradientBoostingRegressor(early_stopping=True, n_iter_no_change=20, random_state=0, **settings)
    model.fit(
        known[~left_out][:, varied], learned[~left_out], X_val=known[left_out][:, varied], y_val=learned[left_out]
    )
    return lambda asked: np.asarray(model.predict(asked[:, varied]) if len(asked) else np.zeros(0))


def varies(number: Array) -> bool:
    """Whether a column has more than one known value."""
    return len(np.unique(number[np.isfinite(number)])) > 1
