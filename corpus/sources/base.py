"""What a source is: a class that reads files and stages rows.

A new source is one new file in this folder with a subclass of `Source`, and its line in corpus/sources/registry.py; in
a package of its own, an entry point of the group `cbc.sources`.
`corpus.ingest.run` does the rest: what is new, duplicates, writing, the report.
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
    """Why a payload cannot become rows: a short reason and what broke it."""

    def __init__(self, reason: str, value: object = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = None if value is None else str(value)[:200]


@dataclass(frozen=True)
class Received:
    """A file given to an ingest.

    `path` is where the user has it, `raw` the copy in the corpus' raw folder (read that one: it cannot change), `name`
    how rejects name it, `modified_at` its time of change (UTC without a zone).
    """

    path: Path
    raw: Path
    name: str
    sha256: str
    modified_at: datetime


@dataclass
class Staging:
    """Rows on their way in: DuckDB tables named and shaped as in `corpus.schema.TABLES`, empty at the start.

    Each table has one more column, `_record`: the number of the record read that a row came from, by which rows read
    are told apart as kept (something of it is new) and known. A payload-wise source counts `rows_read += 1`, then calls
    `add` or `reject`; a set-wise one runs `INSERT INTO message BY NAME SELECT ..., n AS _record` on `connection`.
    `folder` is scratch space on the corpus' disk, gone afterwards. `corpus.ingest.run` keeps the raw files.
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
        """Stage rows given as mappings; columns that are missing are null."""
        waiting = self._waiting.setdefault(table, [])
        waiting.extend({"_record": self.rows_read, **row} for row in rows)
        if len(waiting) >= BATCH_ROWS:
            self.flush(table)

    def reject(self, file: str, line: int | None, error: RowError) -> None:
        """Stage one reject: the record is counted as rejected."""
        self.rejected[error.reason] += 1
        self.add(
            "rejects",
            [{"source": self.source, "file": file, "line": line, "reason": error.reason, "value": error.value}],
        )

    def flush(self, table: str | None = None) -> None:
        """Move waiting rows into DuckDB."""
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
        """Say that DuckDB table `table` (first column message_id) holds the annotation NAME@VERSION."""
        self.annotations[name_at_version] = table


def given_files(paths: Sequence[Path], inside: Callable[[Path], Iterable[Path]], what: str, mend: str) -> list[Path]:
    """The files given, and of the folders given those that `inside` finds, sorted. Raises NoSuchPath."""
    found = sorted({file for path in paths for file in (inside(path) if path.is_dir() else [path])})
    missing = [path for path in found if not path.is_file()]
    if missing or not found:
        where = missing[0] if missing else ", ".join(map(str, paths))
        raise NoSuchPath(f"no {what} at {where}", mend)
    return found


class Source(ABC):
    """A kind of payload.

    `generated`: it needs no files; `comments`: it brings what receivers wrote; `separator` stands between the fields of
    its files (None: as their names say); `paged`: many records lie in one line of its files, so that they are known by
    their ids; `raw_kind`: how its files are read when a record is blanked (None: as their names say).

    `cells` says where each cell comes from: TABLE.COLUMN or effect.METRIC -> the payload's field (dotted, `|` between
    fields of which the first with a value counts), or in words how it is made.
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
        """What provenance and rejects say: name and version."""
        return f"{self.name}@{self.version}"

    @property
    def digest(self) -> str:
        """Tells apart settings that change what the same files become; part of an ingest's name."""
        return ""

    @property
    def settings(self) -> str:
        """What the digest stands for, kept in the manifest of each ingest."""
        return ""

    @staticmethod
    def call(raw: Path, line: int) -> str | None:
        """The call that brought a record of a raw file; None where files say nothing of calls."""
        return None

    @staticmethod
    def payload(raw: Path, line: int | None, row_id: str) -> str:
        """What a raw file says of an id, as JSON: a whole file here; empty for what is not JSON."""
        whole = raw.suffix == ".json" and line is None
        return raw.read_bytes().decode("utf-8", "replace") if whole else ""

    @abstractmethod
    def files(self, paths: Sequence[Path]) -> list[Path]:
        """The files to read among the paths given, sorted. Raises NoSuchPath when there are none."""

    def reread(self, new: Sequence[Path], files: Sequence[Path]) -> list[Path]:
        """Of all `files` those that are read once more with `new` ones that belong to them."""
        return []

    @abstractmethod
    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Read the files, stage rows and rejects, and count `staging.rows_read` (rejected records too)."""
