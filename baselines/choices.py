"""Choices of an option: a model of the content where it helps, else what the best reference chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from baselines.correction import is_less_by_groups
from baselines.features import Array
from baselines.learned import separate_groups, validation_frame
from benchmark.bench import Bench
from benchmark.reference_rows import provided_answers, start_reference
from benchmark.stored_references import cross_fitted, folds_by
from benchmark.tasks.registry import references

Choose = Callable[[pl.DataFrame], pl.DataFrame]
"""Questions -> columns instance_id, values (the best option of each question) and scores (of all)."""
FitChoice = Callable[[pl.DataFrame, pl.DataFrame], Choose]
"""Training, and what settings are tried on (none, empty) -> a model."""


def choose_where_it_helps(bench: Bench, task: str, asked: pl.DataFrame, fit: FitChoice) -> pl.DataFrame:
    """What a model chooses; what the best reference does, without scores, unless the model is right clearly more often.

    Judged on validation; where that is absent, on folds of training, each answered from the others by both.
    """
    train, validation = bench.public(task, "train"), validation_frame(bench, task)
    reference, model = start_reference(bench, task), None
    judged = validation if len(validation) else train
    groups = separate_groups(judged)
    if len(validation):
        model = fit(train, validation)
        own, other = model(judged), provided_answers(bench, task, reference, judged)
    else:
        by_groups = train.with_columns(group=groups)
        own, other = chosen_in_folds(fit, by_groups), answers_in_folds(reference, by_groups)
    if is_less_by_groups(wrong(judged, own), wrong(judged, other), groups):
        return (model or fit(train, validation))(asked)
    return provided_answers(bench, task, reference, asked).select("instance_id", "values")


def answers_in_folds(reference: str, train: pl.DataFrame) -> pl.DataFrame:
    """What a reference chooses in each fold of groups, knowing the others: columns instance_id and values."""
    values = pl.Series(cross_fitted(references()[reference], train), dtype=pl.List(pl.Float64))
    return train.select("instance_id", values=values)


def chosen_in_folds(fit: FitChoice, train: pl.DataFrame) -> pl.DataFrame:
    """What a model chooses in each fold of groups, fitted to the others; nothing where there are no others."""
    fold = folds_by(train["group"])
    parts = [(train.filter(pl.Series(fold != i)), train.filter(pl.Series(fold == i))) for i in np.unique(fold)]
    models = [(fit(outside, outside.clear()), inside) for outside, inside in parts if len(outside)]
    nothing = pl.DataFrame(schema={"instance_id": pl.String, "values": pl.List(pl.Float64)})
    chosen = pl.concat([nothing, *(model(inside).select("instance_id", "values") for model, inside in models)])
    return train.select("instance_id").join(chosen, "instance_id", "left", maintain_order="left")


def wrong(questions: pl.DataFrame, answers: pl.DataFrame) -> Array:
    """Which questions have no right answer, 1 or 0: [questions]; both in the same order."""
    right = questions["target"].list.first().cast(pl.Float64) == answers["values"].list.first()
    return 1.0 - right.fill_null(False).to_numpy().astype(np.float64)


def choice_frame(test: pl.DataFrame, classes: Sequence[str], probabilities: Any) -> pl.DataFrame:
    """Columns instance_id, values (the best option of each question) and scores (of all), from class probabilities."""
    column = {label: i for i, label in enumerate(classes)}
    scores = [
        [float(row[column[option]]) if option in column else 0.0 for option in options]
        for row, options in zip(probabilities, test["options"], strict=True)
    ]
    return best_options(test, scores)


def best_options(test: pl.DataFrame, scores: list[list[float]]) -> pl.DataFrame:
    """Columns instance_id, values (the option with the highest score) and scores."""
    best = [[float(np.argmax(row))] for row in scores]
    return test.select("instance_id", values=pl.Series(best), scores=pl.Series(scores))
