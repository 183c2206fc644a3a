"""Choices of an option: a model of the content where it helps, else what the best reference chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from baselines.correction import by_group, is_clearly_less
from baselines.features import Array
from baselines.learned import separate_groups, validation_frame
from benchmark.bench import Bench
from benchmark.reference_rows import provided_answers, start_reference
from benchmark.stored_references import folds_by

Choose = Callable[[pl.DataFrame], pl.DataFrame]
"""Questions -> columns instance_id, values (the best option of each question) and scores (of all)."""
FitChoice = Callable[[pl.DataFrame, pl.DataFrame], Choose]
"""Training, and what settings are tried on (none, empty) -> a model."""


def choose_where_it_helps(bench: Bench, task: str, asked: pl.DataFrame, fit: FitChoice) -> pl.DataFrame:
    """What a model chooses; what the best reference does, without scores, unless the model is right clearly more often.

    Judged on validation, or where that is absent on folds of training, each answered by a model of the others.
    """
    train, validation = bench.public(task, "train"), validation_frame(bench, task)
    model = fit(train, validation)
    judged = validation if len(validation) else train
    own = wrong(judged, model(judged)) if len(validation) else wrong_in_folds(fit, train)
    reference = start_reference(bench, task)
    others = wrong(judged, provided_answers(bench, task, reference, judged))
    groups = separate_groups(judged)
    if is_clearly_less(by_group(own, groups), by_group(others, groups)):
        return model(asked)
    return provided_answers(bench, task, reference, asked).select("instance_id", "values")


def wrong_in_folds(fit: FitChoice, train: pl.DataFrame) -> Array:
    """Which questions of each fold a model of the others answers wrongly, 1 or 0; of a single fold all."""
    fold, errors = folds_by(separate_groups(train)), np.ones(len(train))
    for number in np.unique(fold):
        inside, outside = train.filter(pl.Series(fold == number)), train.filter(pl.Series(fold != number))
        if len(outside):
            errors[fold == number] = wrong(inside, fit(outside, outside.clear())(inside))
    return errors


def wrong(questions: pl.DataFrame, answers: pl.DataFrame) -> Array:
    """Which answers are not the right one, 1 or 0: [questions]."""
    right = questions["target"].list.first().cast(pl.Float64) == answers["values"].list.first()
    return 1.0 - right.to_numpy().astype(np.float64)


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
