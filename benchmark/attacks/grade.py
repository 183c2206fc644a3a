"""Whether answers that were found are right, and whether that is more than luck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmark.answers.base import RightAnswers
from benchmark.bench import Bench
from benchmark.metrics import Array, Flags, Index
from benchmark.tasks.registry import task_named

COMPARED = 100  # answers of a task for which it is counted how many other questions they would answer
LUCK = 1e-3
"""Answers as good as these by luck in fewer cases than this are no luck."""


@dataclass(frozen=True)
class Grade:
    """How many answers are right, how many would be by luck, and how probable it is that luck gives as many."""

    right: int
    by_luck: float
    luck: float


def right_answers(task: str, target: pl.Series, values: list[list[float]]) -> Flags:
    """Whether all values of each answer are right within the tolerance of the task's accuracy: [answers]."""
    definition = task_named(task)
    key = RightAnswers.of(target, target)
    judged = definition.answer.judge(key, pl.Series(values, dtype=pl.List(pl.Float64)))
    accuracies = (metric for metric in definition.metrics if metric.unit == "%" and not metric.lower_is_better)
    accuracy = next(accuracies, None)
    if accuracy is None:
        near = judged.parsed & np.isclose(judged.predicted, judged.truth, rtol=0.1)
        return np.asarray(judged.per_instance(~near) == 0)
    hits, asked = accuracy.sums(judged).T
    return np.asarray((hits == asked) & (asked > 0))


def grade(bench: Bench, answers: pl.DataFrame) -> Grade:
    """Grade answers by the private part, which must be there. Raises NoAnswers."""
    right, chances = 0, [np.zeros(0)]
    for (task,), of_task in answers.group_by(["task"], maintain_order=True):
        key = bench.answers(str(task)).select("instance_id", "target")
        known = of_task.join(key, on="instance_id", maintain_order="left")
        right += int(right_answers(str(task), known["target"], known["values"].to_list()).sum())
        chances.append(luck_of(str(task), known["values"].to_list(), key["target"]))
    chance = np.concatenate(chances)
    return Grade(right, float(chance.sum()), at_least(right, chance))


def luck_of(task: str, values: list[list[float]], targets: pl.Series) -> Array:
    """The share of all test questions that each answer would be right for: [answers]; of many the mean of a sample."""
    shares = np.zeros(len(values))
    sampled: Index = np.unique(np.linspace(0, len(values) - 1, min(COMPARED, len(values))).astype(np.int64))
    lengths = targets.list.len()
    for i in sampled:
        alike = targets.filter(lengths == len(values[i]))
        shares[i] = right_answers(task, alike, [values[i]] * len(alike)).mean() if len(alike) else 0.0
    if len(values) > COMPARED:
        shares[:] = shares[sampled].mean()
    return shares


def at_least(right: int, chances: Array) -> float:
    """The probability that at least so many of independent events happen."""
    distribution = np.ones(1)
    for chance in chances:
        distribution = np.convolve(distribution, [1 - chance, chance])
    return float(distribution[right:].sum())
