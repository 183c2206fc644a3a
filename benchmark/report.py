"""Report of a build: each task with its sizes, and the tasks left out with the reason."""

from __future__ import annotations

from typing import Any

from benchmark.bench import SPLITS, Bench
from corpus.printing import table_text


def build_rows(bench: Bench) -> dict[str, Any]:
    """The report for programs: folder, seed (null: secret), fold, fingerprint, tasks with sizes, and those left out."""
    manifest = bench.manifest
    return {"bench": bench.root} | {
        name: manifest[name]
        for name in ("seed", "fold", "folds", "hidden", "fingerprint", "simulated", "tasks", "left_out")
    }


def build_text(bench: Bench) -> str:
    """The report for people: the tasks as a table, then the tasks left out."""
    sizes = (*SPLITS, "panel")
    head = ["task", "kind", *sizes, "left out: prompt reveals the answer"]
    rows = [
        (name, task["kind"], *(task[size] for size in sizes), task["revealing_left_out"])
        for name, task in bench.tasks.items()
    ]
    left_out = [f"left out: {name} ({reason})" for name, reason in bench.manifest["left_out"].items()]
    lines = [table_text(head, rows), *left_out, f"bench in {bench.root}"]
    if bench.fold:
        lines.append(f"its test part is fold {bench.fold}, counted from 0")
    if bench.hidden:
        lines.append("publish manifest.json and public/ alone; private/ holds the answers and the secret")
    return "\n".join(lines)
