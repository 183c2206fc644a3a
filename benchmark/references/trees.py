"""Boosted trees of references: as many as help groups that they were not grown from.

Numbers of a message nearly tell its channel, so trees that are judged on other messages of the same channels learn
these by heart. Of fewer than five groups, messages are told apart instead. Growth ends where it no longer helps the
fold that it helps least: where one large channel has a law of its own, that is early.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmark.metrics import Array, Index

FOLDS = 5
PATIENCE = 10  # trees that may go by without a gain


def grow_trees(
    known: Array, learned: Array, groups: Index, messages: Index, max_iter: int, **settings: Any
) -> Callable[[Array], Array]:
    """Boosted trees, as a function of rows; `settings` are scikit-learn's.

    known: [rows, numbers], nan where missing; learned: [rows]; groups, messages: [rows], a number for each group and
    message, from 0 without gaps. The function answers the mean where no number of trees is better in the folds.
    """
    units = groups if groups.max(initial=-1) + 1 >= FOLDS else messages
    fold = np.random.default_rng(0).permutation(units.max(initial=-1) + 1)[units] % FOLDS
    errors = [
        errors_by_count(known[fold != i], learned[fold != i], known[fold == i], learned[fold == i], max_iter, settings)
        for i in np.unique(fold)
    ]
    shortest = min((len(by_count) for by_count in errors), default=1)
    count = int(np.argmin(np.sum([by_count[:shortest] for by_count in errors], axis=0)))
    if not count:
        return lambda asked: np.full(len(asked), learned.mean())
    varied = varying(known)
    model = fit_trees(known[:, varied], learned, max_iter=count, early_stopping=False, **settings)
    return lambda asked: on_one_thread(model.predict, asked[:, varied]) if len(asked) else np.zeros(0)


def errors_by_count(
    known: Array, learned: Array, others: Array, truth: Array, max_iter: int, settings: dict[str, Any]
) -> Array:
    """Half the summed squared error on other rows of no tree, one, two and so on, until they no longer help."""
    varied = varying(known)
    if not varied:
        return np.zeros(1)
    judged = {"X_val": others[:, varied], "y_val": truth}
    stops = {"early_stopping": True, "n_iter_no_change": PATIENCE}
    model = fit_trees(known[:, varied], learned, judged, max_iter=max_iter, **stops, **settings)
    errors: Array = -len(truth) * model.validation_score_
    return errors


def fit_trees(known: Array, learned: Array, judged: dict[str, Array] | None = None, **settings: Any) -> Any:
    """A fitted model of scikit-learn."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return on_one_thread(
        HistGradientBoostingRegressor(random_state=0, **settings).fit, known, learned, **(judged or {})
    )


def on_one_thread(step: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Call it on one thread: several would mostly wait for each other, beside other work for minutes."""
    with threadpool_limits(1):
        return step(*given, **named)


def varying(known: Array) -> list[int]:
    """The columns with more than one known value; none of no rows."""
    return [place for place, number in enumerate(known.T) if len(np.unique(number[np.isfinite(number)])) > 1]
