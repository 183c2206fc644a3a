"""A corpus on disk: where its parts lie, how they are opened for SQL, and how a part is put in place whole.

CORPUS/corpus.json                    format, version, and `overlay`: for a column what goes before what
       raw/SOURCE/...                 payloads as received, append only
       tables/INGEST/TABLE.parquet    one folder an ingest, renamed into place whole, with its manifest.json
              INGEST/cells/TABLE.parquet   what it filled in rows of earlier ingests
       annotations/NAME@VERSION/INGEST.parquet   by message or by stretch of its time
       filtered/removed.parquet       what filters removed and why (corpus/filters), with its manifest.json
       corpus.duckdb                  views over all of it (corpus/views.py), for DuckDB 1.0 and later
       tmp/                           what is being written
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa

from corpus.errors import BrokenTable, NoSuchPath, WrongVersion
from corpus.files.atomic import write_json
from corpus.files.locks import hold_lock
from corpus.files.sql import STORAGE, quote
from corpus.schema import FORMAT, VERSION
from corpus.views import Views, annotation_labels

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
                f"rebuild it from its raw files: cbc corpus rebuild {shlex.quote(str(root))} --corpus NEW",
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
        with hold_lock(self.root / name):
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
        return annotation_labels(self.root)

    def views(self, kept: bool = False, base: str | None = None) -> Views:
        """The views of the corpus (corpus/views.py), by absolute paths or by paths that begin with `base`."""
        overlay = json.loads((self.root / "corpus.json").read_text(encoding="utf-8")).get("overlay", {})
        return Views(self.root, f"{self.root.resolve()}/" if base is None else base, kept, overlay)

    def connect(self, kept: bool = False) -> duckdb.DuckDBPyConnection:
        """A connection in memory with a view for each table (`communicator` is the newest observation of each), each
        annotation ("NAME@VERSION") and `removed`. With `kept`, messages that a filter removed are in no table.
        """
        connection = duckdb.connect()
        try:
            for statement in self.views(kept).statements():
                connection.execute(statement)
        except (duckdb.Error, pa.ArrowInvalid) as error:
            told = str(error).splitlines()[0]
            raise BrokenTable(f"{self.root} holds a file that cannot be read ({told})", BROKEN_MEND) from None
        return connection

    def refresh(self) -> None:
        """Write corpus.duckdb anew: the same views for anyone's SQL, by paths that move with the folder.

        DuckDB 1.0 and later read it from the corpus' folder, or after `SET file_search_path = 'CORPUS'`.
        """
        beside = self.root / "tmp" / "corpus.duckdb"
        beside.parent.mkdir(exist_ok=True)
        beside.unlink(missing_ok=True)
        with duckdb.connect() as connection, TemporaryDirectory() as folder:
            here = Path(folder, "corpus")  # a name without what DuckDB takes for a pattern or the end of a path
            here.symlink_to(self.root.resolve(), target_is_directory=True)
            connection.execute(f"SET file_search_path={quote(here)}")
            connection.execute(f"ATTACH {quote(beside.absolute())} AS corpus (STORAGE_VERSION '{STORAGE}'); USE corpus")
            for statement in self.views(base="").statements():
                connection.execute(statement)
            connection.execute("CHECKPOINT")  # closing would do it too, but say nothing of a full disk
        beside.replace(self.root / "corpus.duckdb")
        shutil.rmtree(self.root / "tmp", ignore_errors=True)
