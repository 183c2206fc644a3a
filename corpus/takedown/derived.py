"""Benches, runs, texts and releases that were made of a corpus: how a withdrawn message leaves them.

A row of parquet that is about a withdrawn message or holds a piece of its text is dropped, and with it the same
instance in every other file of the folder; a manifest with `files` (path: sha256) and `fingerprint` gets new ones, so
that nobody takes the folder for what it was before. Files of other kinds are only searched.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.files.atomic import part_path, write_json
from corpus.files.hashes import file_sha256, fingerprint
from corpus.files.parquet_rows import rows_as_json
from corpus.ids import public_id
from corpus.release.database import drop_rows as drop_from_database
from corpus.release.database import is_database
from corpus.release.renew import drop_ids, is_release, renew_papers, write_sums
from corpus.takedown.search import ROWS
from corpus.withdrawn.search_terms import Marks, found_in

KEYS = {"message_id", "communicator_id", "row_key", "comment_id", "video_id"}


def without(place: Path, marks: Marks) -> int:
    """Drop withdrawn rows from a parquet or DuckDB file, or from every parquet file of a folder; gives their number."""
    if place.is_file() and is_database(place):
        return drop_from_database(place, lambda batch: marked(batch, marks))
    files = sorted(path for path in place.rglob("*.parquet") if path.is_file()) if place.is_dir() else [place]
    files = [path for path in files if path.suffix == ".parquet"]
    instances = frozenset(name for path in files for name in instances_of(path, marks))
    dropped = sum(drop_rows(path, marks, instances) for path in files)
    if place.is_dir():
        dropped += drop_ids(place, frozenset(map(public_id, marks.ids)))
        if dropped:
            renew_manifest(place)
    return dropped


def marked(batch: pa.RecordBatch, marks: Marks, instances: frozenset[str] = frozenset()) -> pl.Series:
    """Which rows hold a piece of text, or are about an id or an instance by a column that says what they are about."""
    found = found_in(rows_as_json(batch), marks.forms)
    ids = [*marks.ids, *map(public_id, marks.ids)]
    for name in KEYS & set(batch.schema.names):
        found |= pl.Series(batch.column(name).to_pylist(), dtype=pl.String).is_in(ids).fill_null(False)
    if "channel_data" in batch.schema.names:
        channels = [(one or {}).get("channel_id") for one in batch.column("channel_data").to_pylist()]
        found |= pl.Series(channels, dtype=pl.String).is_in(ids).fill_null(False)
    if "instance_id" in batch.schema.names:
        names = pl.Series(batch.column("instance_id").to_pylist(), dtype=pl.String)
        about = names.str.splitn(":", 2).struct.field("field_1")  # task:message
        found |= (about.is_in(ids) | names.is_in(list(instances))).fill_null(False)
    return found


def instances_of(path: Path, marks: Marks) -> list[str]:
    """The instances of a file's marked rows."""
    found: list[str] = []
    with pq.ParquetFile(path) as file:
        if "instance_id" in file.schema_arrow.names:
            for batch in file.iter_batches(ROWS):
                names = pl.Series(batch.column("instance_id").to_pylist(), dtype=pl.String)
                found += names.filter(marked(batch, marks)).to_list()
    return found


def drop_rows(path: Path, marks: Marks, instances: frozenset[str]) -> int:
    """Write a parquet file anew without the marked rows; gives how many they were."""
    beside = part_path(path)
    dropped = 0
    try:
        with pq.ParquetFile(path) as file, pq.ParquetWriter(beside, file.schema_arrow, compression="zstd") as writer:
            for batch in file.iter_batches(ROWS):
                gone = marked(batch, marks, instances)
                dropped += int(gone.sum())
                writer.write_batch(batch.filter(pa.array((~gone).to_list(), pa.bool_())))
        if dropped:
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return dropped


def renew_manifest(folder: Path) -> None:
    """Bring digests, fingerprint and sizes up to date in a folder's manifest; a release renews its own papers."""
    path = folder / "manifest.json"
    if not path.is_file():
        return
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for task, entry in manifest["tasks"].items() if isinstance(manifest.get("tasks"), dict) else ():
        for file in sorted((folder / "public" / task).glob("*.parquet")):
            entry[file.stem] = pq.read_metadata(file).num_rows
    if is_release(manifest):
        renew_papers(folder, manifest)
    if "files" in manifest:
        names = [name for name in manifest["files"] if (folder / name).is_file()]
        manifest["files"] = {name: file_sha256(folder / name) for name in names}
        manifest["fingerprint"] = fingerprint(manifest["files"])
        if is_release(manifest):
            write_sums(folder, manifest["files"])
    write_json(path, manifest)
