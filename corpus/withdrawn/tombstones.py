"""Tombstones: CORPUS/withdrawn.jsonl lists withdrawn ids, one per line, which are never fetched or ingested again.

{"kind": "message", "id": "...", "at": "2026-01-31T12:00:00Z"}      kind: message, communicator or comment
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from corpus.errors import BrokenTable
from corpus.files.atomic import part_path

NAME = "withdrawn.jsonl"
KINDS = ("message", "communicator", "comment")
Ids = dict[str, frozenset[str]]


def withdrawn(root: Path) -> Ids:
    """Read the withdrawn ids of the corpus at `root`, by kind. Raises BrokenTable."""
    path = root / NAME
    ids: dict[str, set[str]] = {kind: set() for kind in KINDS}
    if path.is_file():
        try:
            for line in path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                ids[entry["kind"]].add(entry["id"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            what = f"{path} cannot be read ({type(error).__name__}), and nobody knows what was taken down"
            raise BrokenTable(what, "restore it from a copy, or mend its lines by hand") from None
    return {kind: frozenset(names) for kind, names in ids.items()}


def record_withdrawn(root: Path, ids: Ids) -> None:
    """Add ids to the list, each once, by replacing the file."""
    path = root / NAME
    known = withdrawn(root)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    new = [{"kind": kind, "id": name, "at": at} for kind in KINDS for name in sorted(ids[kind] - known[kind])]
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    part = part_path(path)
    with part.open("w", encoding="utf-8") as file:
        file.write(old + "".join(f"{json.dumps(entry, ensure_ascii=False)}\n" for entry in new))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def all_ids(ids: Ids) -> frozenset[str]:
    """All ids, of every kind."""
    return frozenset().union(*ids.values())


def union(left: Ids, right: Ids) -> Ids:
    """Merge two sets of ids, kind by kind."""
    return {kind: left[kind] | right[kind] for kind in KINDS}


def as_ids(ids: Mapping[str, Iterable[str]]) -> Ids:
    """Convert to Ids, with every kind present."""
    return {kind: frozenset(ids.get(kind, ())) for kind in KINDS}


def list_withdrawn(connection: duckdb.DuckDBPyConnection, ids: Ids) -> None:
    """Create the table _withdrawn_ids (kind, id), which SQL conditions read."""
    rows = [(kind, name) for kind in KINDS for name in sorted(ids[kind])]
    connection.register("_listed", pl.DataFrame(rows, {"kind": pl.String, "id": pl.String}, orient="row").to_arrow())
    connection.execute("CREATE OR REPLACE TEMP TABLE _withdrawn_ids AS FROM _listed")
    connection.unregister("_listed")
