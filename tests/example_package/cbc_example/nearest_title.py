"""Answers with the value of the training message whose title shares most words with the question's."""

from __future__ import annotations

import polars as pl

from baselines.base import Predictor, Settings, questions
from benchmark.answers.values import Values
from benchmark.bench import Bench
from benchmark.tasks.registry import task_named


class NearestTitle(Predictor):
    """The nearest neighbour by title."""

    name = "nearest_title"
    kind = "neighbour"
    description = "the value of the training message with the most similar title"
    answers = "tasks that ask one number a message"

    def applies(self, bench: Bench, task: str) -> bool:
        asked = task_named(task)
        return isinstance(asked.answer, Values) and not asked.asks_curve

    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        train, test = bench.public(task, "train"), questions(bench, task, settings)
        known = [(set((title or "").lower().split()), value) for title, value in train.select("title", "target").rows()]
        values = [nearest(set((title or "").lower().split()), known) for title in test["title"]]
        return test.select("instance_id", values=pl.Series(values, dtype=pl.List(pl.Float64)))


def nearest(words: set[str], known: list[tuple[set[str], list[float]]]) -> list[float]:
    """The value of the first of the titles that share most words."""
    return max(known, key=lambda one: len(one[0] & words))[1]
