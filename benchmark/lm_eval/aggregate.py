"""Metrics over all documents, for lm-eval's task files: `!function benchmark.lm_eval.aggregate.rmse`.

Every metric of the documents' task is available by its name, so a task with its own metric needs no code here. The
metrics are those that score a run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from benchmark.answer_key import count_unparsed
from benchmark.answers.base import STORED, RightAnswers
from benchmark.metrics import Judged
from benchmark.tasks.registry import task_named

Parts = list[dict[str, Any]]


def judge_documents(parts: Parts) -> Judged:
    """Judge the documents' answers as those of a run."""
    columns = {name: pl.Series([part[name] for part in parts], dtype=STORED) for name in ("target", "chance", "values")}
    right = RightAnswers.of(columns["target"], columns["chance"])
    return task_named(parts[0]["task"]).answer.judge(right, pl.Series(columns["values"]))


def unparsed(parts: Parts) -> int:
    """Count the answers that could not be read."""
    if not parts[0]["target"]:
        return sum(part["values"] is None for part in parts)
    return count_unparsed(judge_documents(parts))


def __getattr__(name: str) -> Callable[[Parts], float]:
    """The aggregation for a metric's name, which takes the metric from the documents' task."""
    if name.startswith("_"):
        raise AttributeError(name)

    def metric_value(parts: Parts) -> float:
        metric = next(metric for metric in task_named(parts[0]["task"]).metrics if metric.name == name)
        return metric.value(judge_documents(parts))

    return metric_value
