"""Predictors without a model: chance, the mean, the median, the majority, the mean curve, shared words."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl

from baselines.base import Predictor, Settings, questions
from benchmark import trivial
from benchmark.bench import Bench


class Trivial(Predictor):
    """One of benchmark/trivial.py, which every table shows, as a predictor that writes a run."""

    kind = "trivial"

    def __init__(self, name: str, description: str, answers: str) -> None:
        self.name, self.description, self.answers = name, description, answers

    def applies(self, bench: Bench, task: str) -> bool:
        return trivial.applicable(self.name, SimpleNamespace(**bench.tasks[task]))

    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        """Fixed by the training split and the instance; there is nothing to seed."""
        return trivial.predictions(self.name, bench.public(task, "train"), questions(bench, task, settings))


TRIVIAL = (
    Trivial("random", "values drawn from those of the training split, options drawn evenly", "every task"),
    Trivial("mean", "the mean of the training values", "tasks that ask for numbers"),
    Trivial("median", "the median of the training values", "tasks that ask for numbers"),
    Trivial("majority", "the option that was right most often in the training split", "tweets' likes"),
    Trivial("mean_curve", "the mean replay curve of the training videos", "replay values"),
    Trivial("overlap", "the option that shares most words with the visible text", "speech choice"),
)
