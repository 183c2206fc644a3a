"""The tables of the paper, put together from what the tasks say, and the figures reported there."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from benchmark.metrics import Metric
from benchmark.tasks.base import TableHeading, Task
from benchmark.tasks.registry import all_tasks, task_named
from corpus.errors import CbcError

PAPER = Path(__file__).resolve().parent.parent / "paper.csv"


class TableClash(CbcError):
    """Two tasks do not fit into one table."""


@dataclass(frozen=True)
class PaperTable:
    """A table: which task is asked in each condition (column) and which metrics are shown."""

    heading: TableHeading
    tasks: dict[str, str] = field(default_factory=dict)  # condition -> task
    metrics: dict[str, Metric] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.heading.name

    @property
    def unit(self) -> str:
        """The unit of its values, in which errors are given; empty where it has none but accuracies."""
        return next((task_named(task).unit for task in self.tasks.values()), "")

    def add(self, task: Task) -> None:
        """Give a task its column. Raises TableClash."""
        if task.table != self.heading:
            raise TableClash(f"{task.name} heads the table {self.name} otherwise", "take the heading of its first task")
        if other := self.tasks.get(task.condition):
            raise TableClash(
                f"{other} and {task.name} are both the condition {task.condition} of {self.name}",
                "give one of them a condition of its own",
            )
        self.tasks[task.condition] = task.name
        for metric in task.metrics:
            if self.metrics.setdefault(metric.name, metric) != metric:
                raise TableClash(f"{task.name} has another metric {metric.name} than {self.name}", "rename its metric")

    def reported(self) -> list[dict[str, Any]]:
        """The paper's rows of this table for the conditions and metrics it has here."""
        with PAPER.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["table"] == self.name]
        return [
            {
                "model": " ".join(filter(None, (row["model"], row["parameters"], row["training"]))),
                "condition": row["condition"],
                "metric": row["metric"],
                "value": float(row["value"]),
            }
            for row in rows
            if row["condition"] in self.tasks and row["metric"] in self.metrics
        ]


@cache
def paper_tables() -> dict[str, PaperTable]:
    """Every table by name, in the order of the tasks. Raises TableClash, NameClash, BrokenEntryPoint."""
    tables: dict[str, PaperTable] = {}
    for task in all_tasks():
        tables.setdefault(task.table.name, PaperTable(task.table)).add(task)
    return tables
