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

from corpus.release.card import rows_table
from corpus.store import write_json
from corpus.takedown.marks import Marks, found_in
from corpus.takedown.search import ROWS, rows_as_json

NAME = "derived.txt"
SUMS, IDS = "SHA256SUMS", "ids.txt"  # of a release


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
    dropped = sum(drop_rows(path, forms) for path in files) + drop_lines(folder / IDS, marks.ids)
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
    """Bring the counts in a release's card and the digests in its Croissant file up to date."""
    before = rows_table(manifest["rows"])
    for table, counts in manifest["rows"].items():
        counts |= {split: pq.read_metadata(folder / table / f"{split}.parquet").num_rows for split in counts}
    card, croissant = folder / "README.md", folder / "croissant.json"
    replace_text(card, card.read_text(encoding="utf-8").replace(before, rows_table(manifest["rows"])))
    described = json.loads(croissant.read_text(encoding="utf-8"))
    for entry in described["distribution"]:
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
