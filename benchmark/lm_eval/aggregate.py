"""Metrics over all documents, as lm-eval's task files name them: `!function benchmark.lm_eval.aggregate.rmse`.

Any metric of the documents' own task may be asked for by its name, so a task with a metric of its own needs nothing
here. The code is that which scores a run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from benchmark.answer_key import unparsed as count_unparsed
from benchmark.answers.base import STORED, RightAnswers
from benchmark.metrics import Judged
from benchmark.tasks.registry import task_named

Parts = list[dict[str, Any]]


def judged(parts: Parts) -> Judged:
    """Documents' answers beside what is right, as a run's are."""
    columns = {name: pl.Series([part[name] for part in parts], dtype=STORED) for name in ("target", "chance", "values")}
    right = RightAnswers.of(columns["target"], columns["chance"])
    return task_named(parts[0]["task"]).answer.judge(right, pl.DataFrame({"values": columns["values"]}))


def unparsed(parts: Parts) -> int:
    """How many answers could not be read."""
    if not parts[0]["target"]:
        return sum(part["values"] is None for part in parts)
    return count_unparsed(judged(parts))


def __getattr__(name: str) -> Callable[[Parts], float]:
    """The metric of that name, of whichever task the documents are."""
    if name.startswith("_"):
        raise AttributeError(name)

    def metric_value(parts: Parts) -> float:
        metric = next(metric for metric in task_named(parts[0]["task"]).metrics if metric.name == name)
        return metric.value(judged(parts))

    return metric_value
