"""What a demo shows, in one table: whether nano-lcbm is apart from its control, its base and chance, task by task.

    print(findings(Path("demo/tables")))

Read from the tables that `cbc benchmark tables` wrote; apart means that the paired 95 % interval of the difference
excludes zero. Where several training seeds were run, each has its own line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark.score import number
from benchmark.tables.markdown import grid

MODEL, RIVALS, CHANCE, ORACLE = "nano-lcbm", ("nano-control", "nano-base"), "random", "oracle"
HEAD = ("task", "metric", "model", "value", "control", "base", "chance", "best trivial", "oracle", "apart from")


def findings(tables: Path) -> str:
    """A Markdown table with a line a task and training seed, and what may not be: a run apart above the oracle."""
    made = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(tables.glob("*.json"))]
    lines = [line for table in made for line in lines_of(table)]
    above = [told for table in made for told in above_oracle(table)]
    return f"{grid(HEAD, lines)}\n\nApart above the oracle: {', '.join(above) or 'nobody'}."


def lines_of(table: dict[str, Any]) -> Iterator[list[str]]:
    """The lines of one table: its conditions in its first metric, one a training seed."""
    metric = table["metrics"][0]["name"]
    better = {(p["condition"], p["better"], p["worse"]) for p in table["separable"] if p["metric"] == metric}
    for condition in table["conditions"]:
        rows = [row for row in table["rows"] if (row["condition"], row["metric"]) == (condition, metric)]
        values = {row["run"]: row["value"] for row in rows}
        for run in sorted(name for name in values if name.startswith(MODEL)):
            seed = run.removeprefix(MODEL)
            others = {**{rival.removeprefix("nano-"): rival + seed for rival in RIVALS}, "chance": CHANCE}
            apart = [name for name, other in others.items() if (condition, run, other) in better]
            best = table["best_trivial"][condition][metric]
            shown = [values.get(name) for name in (run, *others.values(), best, ORACLE)]
            task = f"{table['table']}: {condition}"
            yield [task, metric, run, *map(number, shown), ", ".join(apart) or "nobody"]


def above_oracle(table: dict[str, Any]) -> list[str]:
    """Runs whose paired interval over the oracle excludes zero, in any metric."""
    return [
        f"{pair['better']} ({table['table']}, {pair['condition']}, {pair['metric']})"
        for pair in table["separable"]
        if pair["worse"] == ORACLE
    ]
