"""Summarize a demo's planted effects: how much of each factor each run recovers, in one table.

    planted_sizes(Path("demo/effects"))

Reads effects.json of `cbc benchmark effects`; of a task's parts the one with the most runs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmark.effects.markdown import size_cell
from studies.results import Part

TITLE = "Planted effects recovered: size (1 all, 0 nothing) with its 95 % interval"


def planted_sizes(effects: Path) -> Part:
    """Make the table of sizes: a row for each task and planted factor, a column for each run but the references."""
    tasks = json.loads((effects / "effects.json").read_text(encoding="utf-8"))["tasks"]
    parts: dict[str, dict[str, Any]] = {}
    for part in tasks:
        parts[part["task"]] = max(parts.get(part["task"], part), part, key=lambda each: len(each["factors"]))
    rows = [row for part in parts.values() for row in part["factors"] if row["kind"] != "trivial"]
    runs = list(dict.fromkeys(row["run"] for row in rows))
    body = [line for part in parts.values() for line in size_lines(part, runs)]
    return Part(TITLE, ("task", "factor", *runs), body)


def size_lines(part: dict[str, Any], runs: list[str]) -> list[list[str]]:
    """A line for each planted factor of a task."""
    cells = {(row["factor"], row["run"]): size_cell(row) for row in part["factors"] if row["planted"]}
    name = f"{part['table']}: {part['condition']}"
    factors = dict.fromkeys(factor for factor, _ in cells)
    return [[name, factor, *(cells.get((factor, run), "-") for run in runs)] for factor in factors]
