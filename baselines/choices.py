"""Probabilities of classes as predictions of options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl


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
