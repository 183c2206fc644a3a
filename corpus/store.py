"""A corpus on disk: where its parts lie, how they are opened for SQL, and how a part is put in place whole.

CORPUS/corpus.json                    format and version
       raw/SOURCE/...                 payloads as received, append only
       tables/INGEST/TABLE.parquet    one folder an ingest, renamed into place whole, with its manifest.json
       annotations/NAME@VERSION/INGEST.parquet
       filtered/removed.parquet       what filters removed and why (corpus/filters), with its manifest.json
       corpus.duckdb                  views over all of it
       tmp/                           what is being written
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from corpus.errors import BrokenTable, NoSuchPath, WrongVersion
from corpus.files.atomic import write_json
from corpus.files.locks import held
from corpus.files.sql import quote_file
from corpus.schema import FORMAT, TABLES, VERSION

REMOVED = ("message_id", "filter", "reason", "value", "duplicate_of")
COMMENT_AGGREGATE = """SELECT message_id, count(*) AS comments, nullif(count(DISTINCT author), 0) AS authors,
    avg(likes) AS mean_likes, histogram(sentiment) FILTER (sentiment IS NOT NULL) AS sentiments,
    min(published_at) AS first_at, max(published_at) AS last_at FROM comment GROUP BY message_id"""
BROKEN_MEND = "`cbc corpus validate` names it; remove its folder and ingest the raw files again"


def read_manifest(root: Path, what: str, kind: tuple[str, int], make: str, again: str) -> dict[str, Any]:
    """The manifest of a folder of a kind (format and its version). Raises NoSuchPath, WrongVersion."""
    path = root / "manifest.json"
    if not path.is_file():
        raise NoSuchPath(f"no {what} at {root}", make)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        manifest = None
    found = manifest if isinstance(manifest, dict) else {}
    if (found.get("format"), found.get("format_version", found.get("version"))) != kind:
        raise WrongVersion(f"{root} is no {what} of this version of cbc", again)
    return found


def check_place(root: Path) -> None:
    """Assert that DuckDB takes the path of a corpus as it is. Raises NoSuchPath."""
    path = str(root.resolve())
    if bad := [mark for mark in "\\?=" if mark in path]:
        raise NoSuchPath(f"{root}: DuckDB cannot work below a folder with {bad[0]} in its name", "rename that folder")


@dataclass(frozen=True)
class Corpus:
    """A corpus folder; `open` and `create` check what is there."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Corpus:
        """Open an existing corpus. Raises NoSuchPath, WrongVersion."""
        check_place(root)
        marker = root / "corpus.json"
        if not marker.is_file():
            raise NoSuchPath(f"no corpus at {root}", "make one with `cbc corpus simulate` or `cbc corpus ingest`")
        try:
            found = json.loads(marker.read_text(encoding="utf-8"))
        except ValueError:
            found = {}
        if not isinstance(found, dict) or (found.get("format"), found.get("version")) != (FORMAT, VERSION):
            told = f"{found.get('format')} {found.get('version')}" if isinstance(found, dict) else "unreadable"
            raise WrongVersion(
                f"{root} is of another version ({told}; this is {FORMAT} {VERSION})",
                "rebuild it from its raw files with this version of cbc",
            )
        return cls(root)

    @classmethod
    def create(cls, root: Path) -> Corpus:
        """Open the corpus at `root`, making an empty one where nothing stands. Raises NoSuchPath, WrongVersion."""
        check_place(root)
        if not (root / "corpus.json").exists():
            ours = (".lock", "tmp", ".corpus.json.part")  # what a killed run may have left
            foreign = [p.name for p in root.iterdir() if p.name not in ours] if root.is_dir() else []
            if root.is_file() or foreign:
                raise NoSuchPath(f"{root} exists and is no corpus", "give an empty or new folder")
            write_json(root / "corpus.json", {"format": FORMAT, "version": VERSION})
        return cls.open(root)

    @contextmanager
    def lock(self, name: str = ".lock") -> Iterator[None]:
        """Hold the corpus for writing (or, by its own name, what else one process alone may do). Raises Busy."""
        with held(self.root / name):
            yield

    @contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """A fresh folder on the corpus' own disk for what is being written; gone afterwards."""
        folder = self.root / "tmp" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(self.root / "tmp", ignore_errors=True)

    def ingests(self) -> list[dict[str, Any]]:
        """The manifests of all ingests, by name."""
        found = sorted((self.root / "tables").glob("*/manifest.json"))
        return [json.loads(path.read_text(encoding="utf-8")) for path in found]

    def annotations(self) -> list[str]:
        """NAME@VERSION of every annotation."""
        return sorted(path.name for path in (self.root / "annotations").glob("*@*") if any(path.glob("*.parquet")))

    def views(self, kept: bool = False) -> Iterator[str]:
        """SQL that defines a view for each table and annotation, and `removed`; with `kept`, without those removed."""
        removed = self.root.resolve() / "filtered" / "removed.parquet"
        nothing = f"SELECT {', '.join(f'NULL::VARCHAR AS {name}' for name in REMOVED)} WHERE false"
        found = f"FROM read_parquet({quote_file(removed)})" if removed.is_file() else nothing
        yield f"CREATE OR REPLACE VIEW removed AS {found}"
        for name, table in TABLES.items():
            some = any((self.root / "tables").glob(f"*/{name}.parquet"))
            pattern = quote_file(self.root.resolve(), f"/tables/*/{name}.parquet")
            rows = f"FROM read_parquet({pattern})" if some else None
            empty = "SELECT " + ", ".join(f'NULL::{c.type} AS "{c.name}"' for c in table.columns) + " WHERE false"
            if rows and kept and removed.is_file() and "message_id" in table.names:
                rows += " ANTI JOIN removed USING (message_id)"
            view = name if name != "communicator" else "communicator_observation"
            yield f"CREATE OR REPLACE VIEW {view} AS {rows or empty}"
        known = ", ".join(f'arg_max("{c}", seen_at) AS "{c}"' for c in TABLES["communicator"].names[1:-1])
        newest = (  # a source that says nothing of a column takes nothing away: the company stays
            f"SELECT communicator_id, {known}, max(as_of) AS as_of FROM (SELECT *, "
            "coalesce(as_of, '-infinity'::TIMESTAMP) AS seen_at FROM communicator_observation) GROUP BY communicator_id"
        )
        yield f"CREATE OR REPLACE VIEW communicator AS {newest}"
        yield f"CREATE OR REPLACE VIEW comment_aggregate AS {COMMENT_AGGREGATE}"
        for annotation in self.annotations():
            pattern = quote_file(self.root.resolve() / "annotations" / annotation, "/*.parquet")
            yield f'CREATE OR REPLACE VIEW "{annotation}" AS FROM read_parquet({pattern}, union_by_name=true)'

    def connect(self, kept: bool = False) -> duckdb.DuckDBPyConnection:
        """A connection in memory with a view for each table (`communicator` is the newest observation of each), each
        annotation ("NAME@VERSION") and `removed`. With `kept`, messages that a filter removed are in no table.
        """
        connection = duckdb.connect()
        try:
            for statement in self.views(kept):
                connection.execute(statement)
        except duckdb.Error as error:
            told = str(error).splitlines()[0]
            raise BrokenTable(f"{self.root} holds a file that cannot be read ({told})", BROKEN_MEND) from None
        return connection

    def refresh(self) -> None:
        """Write corpus.duckdb anew: the same views, for anyone's SQL."""
        beside = self.root / "tmp" / "corpus.duckdb"
        beside.parent.mkdir(exist_ok=True)
        beside.unlink(missing_ok=True)
        with duckdb.connect(str(beside.absolute())) as connection:
            for statement in self.views():
                connection.execute(statement)
            connection.execute("CHECKPOINT")  # closing would do it too, but say nothing of a full disk
        beside.replace(self.root / "corpus.duckdb")
        shutil.rmtree(self.root / "tmp", ignore_errors=True)
