"""Small files, a mapping for them, and what an ingest made of both."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml

from corpus.ingest.run import Report, ingest
from corpus.sources.mapping import load_mapping
from corpus.sources.table import Table
from corpus.store import Corpus

POSTS: dict[str, Any] = {
    "channel": "web",
    "kind": "post",
    "message": {"message_id": "id", "title": "title", "published_at": "day"},
    "effects": [{"metric": "views", "value": "views"}],
}


def source(folder: Path, mapping: dict[str, Any]) -> Table:
    """The source `table` with a mapping, written as YAML first, as a user would."""
    place = folder / "posts.yaml"
    place.write_text(yaml.safe_dump(mapping), encoding="utf-8")
    return Table(load_mapping(place))


def run(folder: Path, mapping: dict[str, Any], *paths: Path, corpus: str = "corpus") -> tuple[Report, Path]:
    """Ingest; every report must account for each row read."""
    report = ingest(source(folder, mapping), paths, folder / corpus)
    assert report.rows_read == report.rows_counted
    return report, folder / corpus


def rows(root: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query over the corpus gives."""
    with Corpus.open(root).connect() as connection:
        return connection.execute(query).fetchall()


def rejects(root: Path) -> list[tuple[Any, ...]]:
    """File, line and reason of every reject, in order."""
    return rows(root, "SELECT file, line, reason FROM rejects ORDER BY file, line, reason")


def tree(root: Path) -> dict[str, str]:
    """Digest of every file of a corpus, its SQL views aside (they name the folder)."""
    files = [path for path in root.rglob("*") if path.is_file() and path.name not in ("corpus.duckdb", ".lock")]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}
