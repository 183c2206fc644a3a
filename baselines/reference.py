"""A reference of the bench as a predictor, so that `cbc baselines predict` can write its run."""

from __future__ import annotations

import polars as pl

from baselines.base import Predictor, Settings, questions
from benchmark.bench import Bench
from benchmark.reference_rows import provided_answers
from benchmark.references.base import Reference
from benchmark.tasks.registry import task_named


class ReferencePredictor(Predictor):
    """Predicts the tasks that name its reference."""

    kind = "trivial"

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.name, self.description, self.answers = reference.name, reference.description, reference.answers

    def applies(self, bench: Bench, task: str) -> bool:
        return self.reference in task_named(task).references

    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        """Read the answers that were computed when the bench was built."""
        return provided_answers(bench, task, self.name, questions(bench, task, settings))
