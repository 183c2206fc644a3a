"""A release from which rows were taken: its card, Croissant file, list of ids and checksums are made to fit again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from corpus.files.atomic import write_text
from corpus.files.hashes import file_sha256, sums_text
from corpus.release.card import head_of, rows_table
from corpus.release.diff import FORMAT

SUMS, IDS = "SHA256SUMS", "ids.txt"


def is_release(manifest: dict[str, Any]) -> bool:
    """Whether a manifest is a release's."""
    return manifest.get("format") == FORMAT


def drop_ids(folder: Path, ids: frozenset[str]) -> int:
    """Drop ids from a release's list of ids, one a line; gives how many they were."""
    path = folder / IDS
    if not path.is_file():
        return 0
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if line.strip() not in ids]
    if len(kept) < len(lines):
        write_text(path, "".join(kept))
    return len(lines) - len(kept)


def write_sums(folder: Path, files: dict[str, str]) -> None:
    """Write SHA256SUMS from digests by path."""
    write_text(folder / SUMS, sums_text(files))


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
    write_text(card, head_of(manifest) + body.replace(before, rows_table(manifest["rows"])))
    described = json.loads(croissant.read_text(encoding="utf-8"))
    there = [entry for entry in described["distribution"] if (folder / entry["contentUrl"]).is_file()]
    names = {entry["@id"].replace("/", "-").removesuffix(".parquet") for entry in there}
    described["distribution"] = there
    described["recordSet"] = [one for one in described["recordSet"] if one["@id"] in names]
    for entry in there:
        file = folder / entry["contentUrl"]
        entry |= {"sha256": file_sha256(file), "contentSize": f"{file.stat().st_size} B"}
    write_text(croissant, json.dumps(described, indent=1, ensure_ascii=False) + "\n")
