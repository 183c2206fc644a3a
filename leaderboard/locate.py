"""Finding the bench that runs answer, so that a reader of a finished demo need not name it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmark.bench import FORMAT as BENCH_FORMAT
from benchmark.bench import Bench
from benchmark.run import FORMAT as RUN_FORMAT
from corpus.errors import CbcError, NoSuchPath


class NoBenchFound(CbcError):
    """No bench that the runs answer lies near them."""


def manifest(folder: Path) -> dict[str, Any]:
    """A folder's manifest; empty where there is none that can be read."""
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def nearby(run: Path) -> Iterator[Path]:
    """Folders beside a run and beside its parent folder, nearest first, each level by name."""
    for level in (run.resolve().parent, run.resolve().parent.parent):
        if os.access(level, os.R_OK | os.X_OK):
            yield from sorted(level.iterdir())


def find_bench(runs: Sequence[Path]) -> Bench:
    """The bench whose fingerprint the first run names, sought near all runs. Raises NoSuchPath, NoBenchFound."""
    asked = manifest(runs[0])
    if asked.get("format") != RUN_FORMAT:
        raise NoSuchPath(f"no run at {runs[0]}", "make one with `cbc baselines predict NAME --bench BENCH --out RUN`")
    for run in runs:
        for folder in nearby(run):
            found = manifest(folder)
            if found.get("format") == BENCH_FORMAT and found.get("fingerprint") == asked.get("bench"):
                return Bench.open(folder)
    raise NoBenchFound(f"no bench that {runs[0]} answers lies beside the runs", "name it with --bench BENCH")
