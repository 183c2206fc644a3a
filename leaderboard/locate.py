"""Finding the bench that runs answer, so that a reader of a finished demo need not name it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from benchmark.bench import FORMAT as BENCH_FORMAT
from benchmark.bench import Bench
from corpus.errors import CbcError
from leaderboard.pack import manifest_of

MANIFEST_BYTES = 16 << 20


class NoBenchFound(CbcError):
    """No bench that the runs answer lies near them."""


def manifest(folder: Path) -> dict[str, Any]:
    """A folder's manifest; empty where there is none that can be read."""
    path = folder / "manifest.json"
    try:
        found = from_json(path.read_bytes()) if path.is_file() and path.stat().st_size <= MANIFEST_BYTES else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def nearby(run: Path) -> Iterator[Path]:
    """Folders beside a run and beside its parent folder, nearest first, each level by name."""
    for level in (run.resolve().parent, run.resolve().parent.parent):
        if os.access(level, os.R_OK | os.X_OK):
            yield from sorted(level.iterdir())


def find_bench(runs: Sequence[Path]) -> Bench:
    """The bench whose fingerprint the first run names, sought near all runs.

    Raises NoBenchFound, and what reading the first run's manifest raises.
    """
    asked = manifest_of(runs[0]).bench
    for run in runs:
        for folder in nearby(run):
            found = manifest(folder)
            if found.get("format") == BENCH_FORMAT and found.get("fingerprint") == asked:
                return Bench.open(folder)
    raise NoBenchFound(f"no bench that {runs[0]} answers lies beside the runs", "name it with --bench BENCH")
