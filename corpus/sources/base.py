"""Base class of sources: each reads files and stages rows.

A new source is one new file in this folder with a subclass of `Source`, and its line in corpus/sources/registry.py; in
another package, it is an entry point of the group `cbc.sources`. `corpus.ingest.run` does the rest: it finds new files,
removes duplicates, writes and reports.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import duckdb
import pyarrow as pa

from corpus.errors import NoSuchPath
from corpus.progress import Shown, hidden
from corpus.schema import TABLES

LOG = logging.getLogger(__name__)
BATCH_ROWS = 20_000


class RowError(Exception):
    """A payload cannot become rows: a short reason, and the value that caused it."""

    def __init__(self, reason: str, value: object = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = None if value is None else str(value)[:200]


@dataclass(frozen=True)
class Received:
    """A file given to an ingest.

    `path` is the user's file; `raw` its copy in the raw folder of the corpus (read this one: it cannot change); `name`
    its name in rejects; `modified_at` its time of change (UTC without a zone).
    """

    path: Path
    raw: Path
    name: str
    sha256: str
    modified_at: datetime


@dataclass
class Staging:
    """Staged rows: DuckDB tables with the names and columns of `corpus.schema.TABLES`, empty at the start.

    Each table has one more column, `_record`: the number of the record that a row came from. A record counts as kept if
    anything of it is new, else as known. A source that works by payload counts `rows_read += 1`, then calls `add` or
    `reject`; one that works by sets runs `INSERT INTO message BY NAME SELECT ..., n AS _record` on `connection`.
    `folder` is scratch space on the disk of the corpus, removed afterwards. `corpus.ingest.run` keeps the raw files.
    """

    connection: duckdb.DuckDBPyConnection
    folder: Path
    source: str
    rows_read: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    annotations: dict[str, str] = field(default_factory=dict)
    shown: Shown = field(default_factory=hidden)
    _begun: int = 0
    _waiting: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def begin(self, file: Received) -> None:
        """Say that a file is read now, and that those before it were."""
        LOG.debug("reading %s", file.name)
        self.tell()
        self._begun += 1

    def tell(self) -> None:
        """Bring the progress display up to date."""
        rejected = f", {self.rejected.total():,} rejected" if self.rejected else ""
        self.shown.detail = f"{self.rows_read:,} records{rejected}"
        self.shown.reach(self._begun)

    def add(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Stage rows; missing columns become null."""
        waiting = self._waiting.setdefault(table, [])
        waiting.extend({"_record": self.rows_read, **row} for row in rows)
        if len(waiting) >= BATCH_ROWS:
            self.flush(table)

    def reject(self, file: str, line: int | None, error: RowError) -> None:
        """Stage a reject, and count its record as rejected."""
        self.rejected[error.reason] += 1
        self.add(
            "rejects",
            [{"source": self.source, "file": file, "line": line, "reason": error.reason, "value": error.value}],
        )

    def flush(self, table: str | None = None) -> None:
        """Move waiting rows of a table, or of all tables, into DuckDB."""
        for name in [table] if table else list(self._waiting):
            rows = self._waiting.pop(name, [])
            if not rows:
                continue
            columns = [*TABLES[name].names, "_record"]
            batch = pa.table({column: pa.array([row.get(column) for row in rows]) for column in columns})
            self.connection.register("_batch", batch)
            self.connection.execute(f'INSERT INTO "{name}" BY NAME SELECT * FROM _batch')
            self.connection.unregister("_batch")
        self.tell()

    def annotate(self, name_at_version: str, table: str) -> None:
        """Register a DuckDB table (first column message_id) as the annotation NAME@VERSION."""
        self.annotations[name_at_version] = table


def list_files(paths: Sequence[Path], inside: Callable[[Path], Iterable[Path]], what: str, mend: str) -> list[Path]:
    """List files and, for folders, the files that `inside` finds in them, sorted.

    Raises NoSuchPath where one does not exist, or there are none; `what` and `mend` are for its message.
    """
    files = sorted({file for path in paths for file in (inside(path) if path.is_dir() else [path])})
    missing = [file for file in files if not file.is_file()]
    if missing or not files:
        where = missing[0] if missing else ", ".join(map(str, paths))
        raise NoSuchPath(f"no {what} at {where}", mend)
    return files


class Source(ABC):
    """A kind of payload.

    `generated`: it reads no files. `comments`: it has comments of receivers. `separator`: between the fields of its
    files (None: by file name). `paged`: a line of its files holds many records, which are told apart by their ids.
    `raw_kind`: format of its files when a record is blanked (None: by file name).

    `cells` maps TABLE.COLUMN or effect.METRIC to the payload's field (dotted; of several fields, separated by `|`, the
    first with a value counts), or to a description of how the cell is made.
    """

    name: str
    version: int
    generated: bool = False
    comments: bool = False
    separator: str | None = None
    paged: bool = False
    raw_kind: Literal["json", "mailbox"] | None = None
    cells: Mapping[str, str] = MappingProxyType({})

    @property
    def label(self) -> str:
        """NAME@VERSION, as provenance and rejects hold it."""
        return f"{self.name}@{self.version}"

    @property
    def digest(self) -> str:
        """Digest of the settings that change how files are read; part of the name of an ingest."""
        return ""

    @property
    def settings(self) -> str:
        """The settings behind the digest, kept in the manifest of each ingest."""
        return ""

    @staticmethod
    def call(raw: Path, line: int) -> str | None:
        """Describe the API call that fetched a record of a raw file; None if the file does not tell."""
        return None

    @staticmethod
    def payload(raw: Path, line: int | None, row_id: str) -> str:
        """JSON text that a raw file holds about an id: here the whole file; empty if it is not JSON."""
        is_document = raw.suffix == ".json" and line is None
        return raw.read_bytes().decode("utf-8", "replace") if is_document else ""

    @abstractmethod
    def files(self, paths: Sequence[Path]) -> list[Path]:
        """List the files to read below the paths, sorted. Raises NoSuchPath if there are none."""

    def reread(self, new: Sequence[Path], files: Sequence[Path]) -> list[Path]:
        """Known `files` that have to be read again because `new` files belong to them."""
        return []

    @abstractmethod
    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Read the files, stage rows and rejects, and count every record in `staging.rows_read`, rejected ones too."""
