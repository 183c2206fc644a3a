"""Benches, runs and releases that were made of a corpus: which there are, and how a withdrawn message leaves them.

CORPUS/derived.txt lists the folders, one a line. A row that names a withdrawn message or holds a piece of its text is
dropped, and with it the same instance in every other file of the folder; a manifest with `files` (path: sha256) and
`fingerprint` gets new ones, so that nobody takes the folder for what it was before.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.store import write_json
from corpus.takedown.marks import Marks, found_in
from corpus.takedown.search import ROWS, rows_as_json

NAME = "derived.txt"


def remember(root: Path, out: Path) -> None:
    """Write down that the folder `out` was made of the corpus at `root`, so that a takedown finds it."""
    path, place = root / NAME, str(out.resolve())
    try:
        if place not in derived(root):
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{place}\n")
    except OSError as error:
        told = f"{out} is not written down in {path} ({error.strerror})"
        print(f"note: {told}; name it with --also when something is taken down", file=sys.stderr)


def derived(root: Path) -> list[str]:
    """The folders made of a corpus, as they were written down."""
    path = root / NAME
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def without(folder: Path, marks: Marks) -> int:
    """Drop withdrawn rows from every parquet file below a folder; gives their number."""
    files = sorted(path for path in folder.rglob("*.parquet") if path.is_file())
    forms = marks.json_forms
    instances = sorted({name for path in files for name in instances_of(path, forms)})
    forms = sorted({*forms, *(f'"instance_id":{json.dumps(name, ensure_ascii=False)}' for name in instances)})
    dropped = sum(drop_rows(path, forms) for path in files)
    if dropped:
        renew_manifest(folder)
    return dropped


def instances_of(path: Path, forms: list[str]) -> list[str]:
    """The instances of a file's marked rows."""
    found: list[str] = []
    with pq.ParquetFile(path) as file:
        if "instance_id" in file.schema_arrow.names:
            for batch in file.iter_batches(ROWS):
                marked = found_in(rows_as_json(batch), forms)
                found += pl.Series(batch.column("instance_id").to_pylist(), dtype=pl.String).filter(marked).to_list()
    return found


def drop_rows(path: Path, forms: list[str]) -> int:
    """Write a parquet file anew without rows that hold one of the forms; gives how many they were."""
    beside = path.with_name(f".{path.name}.part")
    dropped = 0
    try:
        with pq.ParquetFile(path) as file, pq.ParquetWriter(beside, file.schema_arrow, compression="zstd") as writer:
            for batch in file.iter_batches(ROWS):
                marked = pa.array(found_in(rows_as_json(batch), forms).to_list(), pa.bool_())
                dropped += pc.sum(marked).as_py() or 0
                writer.write_batch(batch.filter(pc.invert(marked)))
        if dropped:
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return dropped


def renew_manifest(folder: Path) -> None:
    """Bring the digests, the fingerprint and the sizes of splits in a folder's manifest up to date."""
    path = folder / "manifest.json"
    if not path.is_file():
        return
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if "files" in manifest:
        names = [name for name in manifest["files"] if (folder / name).is_file()]
        manifest["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
        manifest["fingerprint"] = fingerprint(manifest["files"])
    for task, entry in manifest["tasks"].items() if isinstance(manifest.get("tasks"), dict) else ():
        for file in sorted((folder / "public" / task).glob("*.parquet")):
            entry[file.stem] = pq.read_metadata(file).num_rows
    write_json(path, manifest)


def fingerprint(files: dict[str, str]) -> str:
    """One digest of the digests of many files."""
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
