"""Benches, runs, texts and releases that were made of a corpus: how a withdrawn message leaves them.

A row of parquet that is about a withdrawn message or holds a piece of its text is dropped, and with it the same
instance in every other file of the folder; a manifest with `files` (path: sha256) and `fingerprint` gets new ones, so
that nobody takes the folder for what it was before. Files of other kinds are only searched.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.release.card import head_of, rows_table
from corpus.store import write_json
from corpus.takedown.marks import Marks, found_in
from corpus.takedown.search import ROWS, rows_as_json

SUMS, IDS = "SHA256SUMS", "ids.txt"  # of a release
KEYS = {"message_id", "communicator_id", "row_key", "comment_id", "video_id"}


def without(place: Path, marks: Marks) -> int:
    """Drop withdrawn rows from a parquet file, or from every one below a folder; gives their number."""
    files = sorted(path for path in place.rglob("*.parquet") if path.is_file()) if place.is_dir() else [place]
    files = [path for path in files if path.suffix == ".parquet"]
    instances = frozenset(name for path in files for name in instances_of(path, marks))
    dropped = sum(drop_rows(path, marks, instances) for path in files)
    if place.is_dir():
        dropped += drop_lines(place / IDS, marks.ids)
        if dropped:
            renew_manifest(place)
    return dropped


def marked(batch: pa.RecordBatch, marks: Marks, instances: frozenset[str] = frozenset()) -> pl.Series:
    """Which rows hold a piece of text, or are about an id or an instance by a column that says what they are about."""
    found = found_in(rows_as_json(batch), marks.forms)
    ids = list(marks.ids)
    for name in KEYS & set(batch.schema.names):
        found |= pl.Series(batch.column(name).to_pylist(), dtype=pl.String).is_in(ids).fill_null(False)
    if "channel_data" in batch.schema.names:
        channels = [(one or {}).get("channel_id") for one in batch.column("channel_data").to_pylist()]
        found |= pl.Series(channels, dtype=pl.String).is_in(ids).fill_null(False)
    if "instance_id" in batch.schema.names:
        names = pl.Series(batch.column("instance_id").to_pylist(), dtype=pl.String)
        about = names.str.split_exact(":", 1).struct.field("field_1")  # task:message
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
    beside = path.with_name(f".{path.name}.part")
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


def drop_lines(path: Path, ids: frozenset[str]) -> int:
    """Drop ids from a list of ids, one a line; gives how many they were."""
    if not path.is_file():
        return 0
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if line.strip() not in ids]
    if len(kept) < len(lines):
        replace_text(path, "".join(kept))
    return len(lines) - len(kept)


def renew_manifest(folder: Path) -> None:
    """Bring digests, fingerprint and sizes up to date: in a folder's manifest, and in a release's other papers."""
    path = folder / "manifest.json"
    if not path.is_file():
        return
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for task, entry in manifest["tasks"].items() if isinstance(manifest.get("tasks"), dict) else ():
        for file in sorted((folder / "public" / task).glob("*.parquet")):
            entry[file.stem] = pq.read_metadata(file).num_rows
    if "rows" in manifest:
        renew_papers(folder, manifest)
    if "files" in manifest:
        names = [name for name in manifest["files"] if (folder / name).is_file()]
        manifest["files"] = {name: sha256(folder / name) for name in names}
        manifest["fingerprint"] = fingerprint(manifest["files"])
        if (folder / SUMS).is_file():
            replace_text(folder / SUMS, sums_text(manifest["files"]))
    write_json(path, manifest)


def renew_papers(folder: Path, manifest: dict[str, Any]) -> None:
    """Bring the card and the Croissant file of a release up to date; a table that has no rows any more goes."""
    before = rows_table(manifest["rows"])
    for table, counts in list(manifest["rows"].items()):
        counts |= {split: pq.read_metadata(folder / table / f"{split}.parquet").num_rows for split in counts}
        if not any(counts.values()):
            shutil.rmtree(folder / table)
            del manifest["rows"][table]
    card, croissant = folder / "README.md", folder / "croissant.json"
    body = card.read_text(encoding="utf-8").split("---\n", 2)[2]
    replace_text(card, head_of(manifest) + body.replace(before, rows_table(manifest["rows"])))
    described = json.loads(croissant.read_text(encoding="utf-8"))
    there = [entry for entry in described["distribution"] if (folder / entry["contentUrl"]).is_file()]
    names = {entry["@id"].replace("/", "-").removesuffix(".parquet") for entry in there}
    described["distribution"] = there
    described["recordSet"] = [one for one in described["recordSet"] if one["@id"] in names]
    for entry in there:
        file = folder / entry["contentUrl"]
        entry |= {"sha256": sha256(file), "contentSize": f"{file.stat().st_size} B"}
    replace_text(croissant, json.dumps(described, indent=1, ensure_ascii=False) + "\n")


def replace_text(path: Path, text: str) -> None:
    """Write a text file beside its place, then rename it."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def sums_text(files: dict[str, str]) -> str:
    """Digests by path as sha256sum reads them."""
    return "".join(f"{digest}  {path}\n" for path, digest in files.items())


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(files: dict[str, str]) -> str:
    """One digest of the digests of many files."""
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
