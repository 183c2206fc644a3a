"""What a table of the paper is, and the figures reported there."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAPER = Path(__file__).resolve().parent.parent / "paper.csv"


@dataclass(frozen=True)
class Table:
    """A table of the paper: which task is asked in each condition (column) and which metrics are shown.

    unit: of its values, in which errors are given; empty where it has none but accuracies.
    """

    name: str
    title: str
    tasks: dict[str, str]  # condition -> task
    metrics: tuple[str, ...]
    note: str
    unit: str = ""

    def reported(self) -> list[dict[str, Any]]:
        """The paper's rows of this table for the conditions and metrics it has here."""
        with PAPER.open(encoding="utf-8", newline="") as file:
            found = [row for row in csv.DictReader(file) if row["table"] == self.name]
        return [
            {
                "model": " ".join(filter(None, (row["model"], row["parameters"], row["training"]))),
                "condition": row["condition"],
                "metric": row["metric"],
                "value": float(row["value"]),
            }
            for row in found
            if row["condition"] in self.tasks and row["metric"] in self.metrics
        ]
