"""The tables of the paper, assembled from the tasks, and the figures that the paper reports."""

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
    """A table: the task of each condition (column), and the metrics shown."""

    heading: TableHeading
    tasks: dict[str, str] = field(default_factory=dict)  # condition -> task
    metrics: dict[str, Metric] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.heading.name

    @property
    def short_title(self) -> str:
        """Its title in a few words."""
        return self.heading.short_title or self.name.replace("_", " ")

    @property
    def unit(self) -> str:
        """Unit of its values and errors; empty if it has only accuracies."""
        return next((task_named(task).unit for task in self.tasks.values()), "")

    def add(self, task: Task) -> None:
        """Add the column of a task. Raises TableClash."""
        if task.table != self.heading:
            raise TableClash(f"{task.name} heads the table {self.name} otherwise", "use the heading of its first task")
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
        """Read the paper's rows of this table for its conditions and metrics."""
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
    """All tables by name, in the order of the tasks. Raises TableClash, NameClash, BrokenEntryPoint."""
    tables: dict[str, PaperTable] = {}
    for task in all_tasks():
        tables.setdefault(task.table.name, PaperTable(task.table)).add(task)
    return tables
