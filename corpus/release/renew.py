"""Rewrite the documents of a release after rows were removed from its tables."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq

from corpus.release.manifest import release_at
from corpus.release.papers import write_papers

Rows = dict[str, dict[str, int]]


def renew_release(folder: Path) -> None:
    """Rewrite the documents of a release if its row counts changed; tables without rows are removed."""
    manifest = release_at(folder)
    if manifest is None:
        return
    rows = count_rows(folder, manifest["rows"])
    if rows == manifest["rows"]:
        return
    for table in [table for table, counts in rows.items() if not any(counts.values())]:
        shutil.rmtree(folder / table, ignore_errors=True)
        del rows[table]
    about = {key: value for key, value in manifest.items() if key not in ("files", "fingerprint")}
    write_papers(folder, {**about, "rows": rows})


def count_rows(folder: Path, rows: Rows) -> Rows:
    """Count the rows of each table by split, in its files."""
    counted: Rows = {}
    for table, splits in rows.items():
        paths = {split: folder / table / f"{split}.parquet" for split in splits}
        counted[table] = {
            split: pq.read_metadata(path).num_rows if path.is_file() else 0 for split, path in paths.items()
        }
    return counted
