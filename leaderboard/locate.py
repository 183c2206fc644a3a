"""Find the bench that runs answer, so that `cbc leaderboard build` works without --bench."""

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
    """No bench that the runs answer is beside them."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a folder's manifest; empty if there is none that can be read."""
    path = folder / "manifest.json"
    try:
        content = from_json(path.read_bytes()) if path.is_file() and path.stat().st_size <= MANIFEST_BYTES else {}
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def nearby_folders(run: Path) -> Iterator[Path]:
    """Yield the folders beside a run and beside its parent folder, nearest first, each level by name."""
    for level in (run.resolve().parent, run.resolve().parent.parent):
        if os.access(level, os.R_OK | os.X_OK):
            yield from sorted(level.iterdir())


def find_bench(runs: Sequence[Path]) -> Bench:
    """Find the bench whose fingerprint the first run names, beside any of the runs.

    Raises NoBenchFound, and what reading the first run's manifest raises.
    """
    fingerprint = manifest_of(runs[0]).bench
    for run in runs:
        for folder in nearby_folders(run):
            content = read_manifest(folder)
            if content.get("format") == BENCH_FORMAT and content.get("fingerprint") == fingerprint:
                return Bench.open(folder)
    raise NoBenchFound(f"no bench that {runs[0]} answers is beside the runs", "name it with --bench BENCH")
