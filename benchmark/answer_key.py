"""A task's right answers and clusters in the order of its test questions, and a run's predictions judged by them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmark.answers.base import RightAnswers
from benchmark.bench import Bench
from benchmark.metrics import Index, Judged
from benchmark.tasks.base import Task
from benchmark.tasks.registry import task_named
from corpus.errors import CbcError


class DamagedBench(CbcError):
    """The private answers do not belong to the public questions."""


@dataclass(frozen=True)
class Answers:
    """What is right in a task's test part, in the order of its public questions; cluster: [instances]."""

    task: Task
    right: RightAnswers
    cluster: Index
    clusters: int

    @property
    def instances(self) -> int:
        """How many questions there are."""
        return self.right.instances

    def judge(self, predictions: pl.DataFrame) -> Judged:
        """Lay a run's predictions beside the truth: one row a question, in its order; `values` null where unread."""
        return self.task.answer.judge(self.right, predictions)


def unparsed(judged: Judged) -> int:
    """How many instances have no readable answer."""
    return int(np.count_nonzero(np.bincount(judged.instance, weights=~judged.parsed, minlength=judged.instances)))


def answers_of(bench: Bench, task: str, questions: pl.DataFrame | None = None) -> Answers:
    """Read a task's right answers and clusters. Raises NoAnswers, DamagedBench, UnknownName."""
    asked = (bench.public(task, "test") if questions is None else questions).select("instance_id", "cluster")
    right = bench.answers(task).select("instance_id", "target", "chance")
    both = asked.join(right, on="instance_id", how="left", maintain_order="left")
    if len(both) != len(asked) or both["target"].null_count():
        raise DamagedBench(f"{bench.root} has other answers than questions for {task}", "build the bench again")
    names, cluster = np.unique(both["cluster"].fill_null("").to_numpy().astype(str), return_inverse=True)
    laid_flat = RightAnswers.of(both["target"], both["chance"])
    return Answers(task_named(task), laid_flat, cluster.astype(np.int64), len(names))
