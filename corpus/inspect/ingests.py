"""`cbc corpus ingests`: list the ingests of a corpus with their time, files and counts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus.printing import table_text
from corpus.store import Corpus


def ingests(root: Path) -> list[dict[str, Any]]:
    """List the manifests of all ingests with `written_at`, oldest first. Raises NoSuchPath, WrongVersion."""
    corpus = Corpus.open(root)
    manifests = [{**manifest, "written_at": written_at(corpus, manifest["ingest"])} for manifest in corpus.ingests()]
    return sorted(manifests, key=lambda manifest: (manifest["written_at"], manifest["ingest"]))


def written_at(corpus: Corpus, name: str) -> datetime:
    """Time at which an ingest was written: that of its oldest file, since a takedown rewrites some of them."""
    times = [path.stat().st_mtime for path in (corpus.root / "tables" / name).iterdir()]
    return datetime.fromtimestamp(int(min(times)), UTC)


def ingests_text(root: Path) -> str:
    """Format the ingests as a table."""
    head = ["ingest", "source", "written, UTC", "files", "read", "kept", "rejected", "file"]
    body = [
        (
            *(
                manifest["ingest"],
                manifest["source"],
                f"{manifest['written_at']:%Y-%m-%d %H:%M}",
                len(manifest["files"]),
            ),
            *(manifest["rows_read"], manifest["rows_kept"], sum(manifest["rejected"].values())),
            ", ".join(file["name"] for file in manifest["files"][:3]) + (", …" if len(manifest["files"]) > 3 else ""),
        )
        for manifest in ingests(root)
    ]
    return table_text(head, body)
