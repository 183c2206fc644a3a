"""What models learn of a training frame, the validation frame that settings are chosen on, and the fit itself."""

from __future__ import annotations

from typing import Any

import polars as pl

from benchmark.answer_key import groups_of
from benchmark.bench import Bench

LEAST_GROUPS = 10
LEAST_ROWS = 2
"""LightGBM refuses fewer."""


def validation_frame(bench: Bench, task: str) -> pl.DataFrame:
    """The validation questions of a task; none of them where they are of fewer than 10 groups.

    What is best for a handful of channels says little about others.
    """
    frame = bench.public(task, "validation")
    return frame if separate_groups(frame).n_unique() >= LEAST_GROUPS else frame.clear()


def separate_groups(frame: pl.DataFrame) -> pl.Series:
    """What a model is judged over, as intervals are: groups, or the time blocks of few accounts."""
    names, group = groups_of(frame)
    return pl.Series("group", names[group], dtype=pl.String)


def right_options(frame: pl.DataFrame) -> Any:
    """The text of the right option of each question."""
    return frame["options"].list.get(frame["target"].list.first().cast(pl.Int64)).to_numpy()


def fitted(model: Any, matrix: Any, learned: Any) -> Any:
    """A model fitted to rows; from a single row or to a single class, which some refuse, what always answers it."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    classifies = hasattr(model, "predict_proba")
    if len(learned) >= LEAST_ROWS and not (classifies and len(set(learned)) == 1):
        return model.fit(matrix, learned)
    return (DummyClassifier() if classifies else DummyRegressor()).fit(matrix, learned)
