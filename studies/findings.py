"""Summarize a demo in a table: for each task, whether nano-lcbm differs from its control, its base and chance.

    print(findings_text(Path("demo/tables")))

Reads the tables of `cbc benchmark tables`. Apart means apart by the joint test of all pairs of a condition and metric
(benchmark/apart.py).
Each training seed has its own row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark.score import short_number
from benchmark.tables.markdown import grid
from studies.results import Part

MODEL, RIVALS, CHANCE, ORACLE = "nano-lcbm", ("nano-control", "nano-base"), "random", "oracle"
HEAD = ("task", "metric", "model", "value", "control", "base", "chance", "best trivial", "oracle", "apart from")


def findings(tables: Path) -> Part:
    """Make the table of findings: a row for each task and training seed."""
    contents = read_tables(tables)
    return Part("Findings", HEAD, [row for table in contents for row in rows_of(table)])


def findings_text(tables: Path) -> str:
    """Write the findings and the runs better than the oracle (there must be none) as Markdown."""
    part = findings(tables)
    return f"{grid(part.columns, part.rows)}\n\n{oracle_text(tables)}"


def oracle_text(tables: Path) -> str:
    """Name the runs that are better than the oracle beyond noise, in a sentence."""
    above = [run for table in read_tables(tables) for run in above_oracle(table)]
    return f"Apart above the oracle: {', '.join(above) or 'nobody'}."


def read_tables(tables: Path) -> list[dict[str, Any]]:
    """Read the JSON files of a folder of tables."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(tables.glob("*.json"))]


def rows_of(table: dict[str, Any]) -> Iterator[list[str]]:
    """Yield the rows of a table: its conditions in its first metric, a row for each training seed."""
    metric = table["metrics"][0]["name"]
    better = {(p["condition"], p["better"], p["worse"]) for p in table["separable"] if p["metric"] == metric}
    for condition in table["conditions"]:
        rows = [row for row in table["rows"] if (row["condition"], row["metric"]) == (condition, metric)]
        values = {row["run"]: row["value"] for row in rows}
        for run in sorted(name for name in values if name.startswith(MODEL)):
            seed = run.removeprefix(MODEL)
            rivals = {**{rival.removeprefix("nano-"): rival + seed for rival in RIVALS}, "chance": CHANCE}
            apart = [name for name, rival in rivals.items() if (condition, run, rival) in better]
            best = table["best_trivial"][condition][metric]
            compared = [values.get(name) for name in (run, *rivals.values(), best, ORACLE)]
            task = f"{table['table']}: {condition}"
            yield [task, metric, run, *map(short_number, compared), ", ".join(apart) or "nobody"]


def above_oracle(table: dict[str, Any]) -> list[str]:
    """Runs that are apart above the oracle, in any metric."""
    return [
        f"{pair['better']} ({table['table']}, {pair['condition']}, {pair['metric']})"
        for pair in table["separable"]
        if pair["worse"] == ORACLE
    ]
