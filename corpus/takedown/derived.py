"""Drop withdrawn messages from benches, runs, texts and releases that were made from a corpus.

A parquet row that is about a withdrawn message, or holds a piece of its text, is dropped, and so is the same instance
in every other file of the folder. A manifest with `files` (path: sha256) and `fingerprint` gets new ones, so that the
folder is not mistaken for its earlier state. Files of other kinds are only searched.
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
from corpus.files.output_file import is_database
from corpus.files.parquet_rows import rows_as_json
from corpus.ids import public_id
from corpus.release.database import drop_rows as drop_from_database
from corpus.release.manifest import is_release
from corpus.release.renew import renew_release
from corpus.seen_store import blank, stores_in
from corpus.takedown.search import ROWS
from corpus.withdrawn.search_terms import SearchTerms, contains_any

KEYS = {"message_id", "communicator_id", "row_key", "comment_id", "video_id"}


def drop_withdrawn(place: Path, terms: SearchTerms, instances: frozenset[str] = frozenset()) -> int:
    """Drop withdrawn rows from a parquet or DuckDB file, or the parquet files of a folder; returns their number.

    Stores of frames or features are blanked where they hold theirs. `instances` are known from elsewhere to be about
    withdrawn messages.
    """
    blanked = sum(blank(store, [*terms.ids, *map(public_id, terms.ids)]) for store in stores_in(place))
    if place.is_file() and is_database(place):
        return drop_from_database(place, lambda batch: withdrawn_rows(batch, terms))
    files = parquet_files(place)
    instances |= find_instances(place, terms)
    dropped = sum(drop_rows(path, terms, instances) for path in files)
    if place.is_dir():
        renew_manifest(place, dropped)
    return blanked + dropped


def parquet_files(place: Path) -> list[Path]:
    """The parquet files of a folder, or the file itself if it is one."""
    files = sorted(path for path in place.rglob("*.parquet") if path.is_file()) if place.is_dir() else [place]
    return [path for path in files if path.suffix == ".parquet" and path.is_file()]


def find_instances(place: Path, terms: SearchTerms) -> frozenset[str]:
    """The instances of a file or folder that are about withdrawn messages."""
    return frozenset(name for path in parquet_files(place) for name in instances_of(path, terms))


def names_messages(place: Path) -> bool:
    """Whether a file or folder, as a bench, says which instance is about which message."""
    columns = (set(pq.read_schema(path).names) for path in parquet_files(place))
    return any({"instance_id", "message_id"} <= names for names in columns)


def withdrawn_rows(batch: pa.RecordBatch, terms: SearchTerms, instances: frozenset[str] = frozenset()) -> pl.Series:
    """Mark the rows that hold a piece of text, or whose key columns name a withdrawn id or instance."""
    hits = contains_any(rows_as_json(batch), terms.forms)
    ids = [*terms.ids, *map(public_id, terms.ids)]
    for name in KEYS & set(batch.schema.names):
        hits |= pl.Series(batch.column(name).to_pylist(), dtype=pl.String).is_in(ids).fill_null(False)
    if "channel_data" in batch.schema.names:
        channels = [(channel or {}).get("channel_id") for channel in batch.column("channel_data").to_pylist()]
        hits |= pl.Series(channels, dtype=pl.String).is_in(ids).fill_null(False)
    if "instance_id" in batch.schema.names:
        names = pl.Series(batch.column("instance_id").to_pylist(), dtype=pl.String)
        about = names.str.splitn(":", 2).struct.field("field_1")  # task:message
        hits |= (about.is_in(ids) | names.is_in(list(instances))).fill_null(False)
    return hits


def instances_of(path: Path, terms: SearchTerms) -> list[str]:
    """List the instances of the withdrawn rows of a file."""
    instances: list[str] = []
    with pq.ParquetFile(path) as file:
        if "instance_id" in file.schema_arrow.names:
            for batch in file.iter_batches(ROWS):
                names = pl.Series(batch.column("instance_id").to_pylist(), dtype=pl.String)
                instances += names.filter(withdrawn_rows(batch, terms)).to_list()
    return instances


def drop_rows(path: Path, terms: SearchTerms, instances: frozenset[str]) -> int:
    """Rewrite a parquet file without its withdrawn rows; returns their number."""
    part = part_path(path)
    dropped = 0
    try:
        with pq.ParquetFile(path) as file, pq.ParquetWriter(part, file.schema_arrow, compression="zstd") as writer:
            for batch in file.iter_batches(ROWS):
                hits = withdrawn_rows(batch, terms, instances)
                dropped += int(hits.sum())
                writer.write_batch(batch.filter(pa.array((~hits).to_list(), pa.bool_())))
        if dropped:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return dropped


def renew_manifest(folder: Path, dropped: int) -> None:
    """Update the manifest of a folder if rows were dropped; a release rewrites its own documents."""
    path = folder / "manifest.json"
    if not path.is_file():
        return
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if is_release(manifest):
        renew_release(folder)  # even if nothing was dropped now: an earlier takedown may have stopped before this
        return
    if not dropped:
        return
    for task, entry in manifest["tasks"].items() if isinstance(manifest.get("tasks"), dict) else ():
        for file in sorted((folder / "public" / task).glob("*.parquet")):
            entry[file.stem] = pq.read_metadata(file).num_rows
    if "files" in manifest:
        names = [name for name in manifest["files"] if (folder / name).is_file()]
        manifest["files"] = {name: file_sha256(folder / name) for name in names}
        manifest["fingerprint"] = fingerprint(manifest["files"])
    write_json(path, manifest)
