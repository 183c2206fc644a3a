"""`cbc corpus ingests`: what was brought into a corpus, when, from which files, with which counts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus.printing import table_text
from corpus.store import Corpus


def ingests(root: Path) -> list[dict[str, Any]]:
    """Each ingest's manifest with the time when it was written, oldest first. Raises NoSuchPath, WrongVersion."""
    corpus = Corpus.open(root)
    found = [{**manifest, "written_at": written_at(corpus, manifest["ingest"])} for manifest in corpus.ingests()]
    return sorted(found, key=lambda manifest: (manifest["written_at"], manifest["ingest"]))


def written_at(corpus: Corpus, name: str) -> datetime:
    """When an ingest was written: the time of its oldest file, since a takedown writes some of them anew."""
    times = [path.stat().st_mtime for path in (corpus.root / "tables" / name).iterdir()]
    return datetime.fromtimestamp(int(min(times)), UTC)


def ingests_text(root: Path) -> str:
    """The ingests as a table."""
    head = ["ingest", "source", "written, UTC", "files", "read", "kept", "rejected", "file"]
    body = [
        (
            *(one["ingest"], one["source"], f"{one['written_at']:%Y-%m-%d %H:%M}", len(one["files"])),
            *(one["rows_read"], one["rows_kept"], sum(one["rejected"].values())),
            ", ".join(file["name"] for file in one["files"][:3]) + (", …" if len(one["files"]) > 3 else ""),
        )
        for one in ingests(root)
    ]
    return table_text(head, body)
