"""From staged rows to a corpus: what is new, in one folder, put in place whole.

`cbc corpus ingest SOURCE PATH... --corpus DIR` ends here. Files already ingested by the same source and version are left out;
messages, effects and comments that the corpus already holds are left out too, so a second run changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from corpus.schema import TABLES
from corpus.sources.base import Source, Staging
from corpus.store import Corpus, quote, replace_folder, write_json


@dataclass(frozen=True)
class Report:
    """What an ingest did: rows read = kept + known + rejected."""

    ingest: str
    files: int
    rows_read: int
    rows_kept: int
    rows_known: int
    rejected: dict[str, int]
    tables: dict[str, int]


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
