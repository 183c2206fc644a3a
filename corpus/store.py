"""A corpus on disk: the layout of its folder, its views for SQL, its lock and its staging folder.

CORPUS/corpus.json                    format, version, and `overlay`: the order of layers per column
       raw/SOURCE/...                 payloads as received, append only
       tables/INGEST/TABLE.parquet    one folder per ingest, renamed into place when complete, with manifest.json
              INGEST/cells/TABLE.parquet   cells that it filled in rows of earlier ingests
       annotations/NAME@VERSION/INGEST.parquet   by message or by time span of a message
       filtered/removed.parquet       messages that filters removed, and why (corpus/filters), with manifest.json
       rebuilt.json                   which corpus it was rebuilt from, if it was (corpus/ingest/rebuild.py)
       corpus.duckdb                  views over all tables (corpus/views.py), for DuckDB 1.0 and later
       tmp/                           files being written
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa

from corpus.console import command_text
from corpus.errors import BrokenTable, NoSuchPath, WrongVersion, first_line
from corpus.files.atomic import write_json
from corpus.files.locks import hold_lock
from corpus.files.sql import STORAGE, quote
from corpus.schema import FORMAT, VERSION
from corpus.views import Views, annotation_labels


def broken_mend(root: Path) -> str:
    """How to mend a corpus with a damaged file."""
    naming = command_text("cbc", "corpus", "validate", "--corpus", root)
    return f"`{naming}` names it; remove its folder and ingest the raw files again"


def read_manifest(root: Path, what: str, kind: tuple[str, int], make: str, again: str) -> dict[str, Any]:
    """Read the manifest of a folder; `kind` is its format and format version, `make` and `again` are mends.

    Raises NoSuchPath where there is none, WrongVersion where the format is another.
    """
    path = root / "manifest.json"
    if not path.is_file():
        raise NoSuchPath(f"no {what} at {root}", make)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        manifest = None
    fields = manifest if isinstance(manifest, dict) else {}
    if (fields.get("format"), fields.get("format_version", fields.get("version"))) != kind:
        raise WrongVersion(f"{root} is no {what} of this version of cbc", again)
    return fields


def check_place(root: Path) -> None:
    """Check that DuckDB can open the path of a corpus. Raises NoSuchPath."""
    path = str(root.resolve())
    if unsupported := [character for character in "\\?=" if character in path]:
        what = f"{root}: DuckDB cannot work below a folder with {unsupported[0]} in its name"
        raise NoSuchPath(what, "rename that folder")


@dataclass(frozen=True)
class Corpus:
    """A corpus folder; get one by `open` or `create`, which check it."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Corpus:
        """Open an existing corpus. Raises NoSuchPath, WrongVersion."""
        check_place(root)
        marker = root / "corpus.json"
        if not marker.is_file():
            making = command_text("cbc", "corpus", "simulate", "--corpus", root)
            raise NoSuchPath(f"no corpus at {root}", f"make one with `cbc corpus ingest`, or try: {making}")
        try:
            fields = json.loads(marker.read_text(encoding="utf-8"))
        except ValueError:
            fields = {}
        if not isinstance(fields, dict) or (fields.get("format"), fields.get("version")) != (FORMAT, VERSION):
            actual = f"{fields.get('format')} {fields.get('version')}" if isinstance(fields, dict) else "unreadable"
            raise WrongVersion(
                f"{root} is of another version ({actual}; this is {FORMAT} {VERSION})",
                f"rebuild it from its raw files: {command_text('cbc', 'corpus', 'rebuild', root, '--corpus', 'NEW')}",
            )
        return cls(root)

    @classmethod
    def create(cls, root: Path) -> Corpus:
        """Open the corpus at `root`; make an empty one if there is none. Raises NoSuchPath, WrongVersion."""
        check_place(root)
        if not (root / "corpus.json").exists():
            ours = (".lock", "tmp", ".corpus.json.part")  # a killed run may have left these
            foreign = [p.name for p in root.iterdir() if p.name not in ours] if root.is_dir() else []
            if root.is_file() or foreign:
                raise NoSuchPath(f"{root} exists and is no corpus", "give an empty or new folder")
            write_json(root / "corpus.json", {"format": FORMAT, "version": VERSION})
        return cls.open(root)

    @contextmanager
    def lock(self, name: str = ".lock") -> Iterator[None]:
        """Hold the lock for writing, or a lock file of another name. Raises Busy."""
        with hold_lock(self.root / name):
            yield

    @contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """Lend an empty scratch folder on the disk of the corpus; it is removed afterwards."""
        folder = self.root / "tmp" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(self.root / "tmp", ignore_errors=True)

    def ingests(self) -> list[dict[str, Any]]:
        """Manifests of all ingests, sorted by name."""
        paths = sorted((self.root / "tables").glob("*/manifest.json"))
        return [json.loads(path.read_text(encoding="utf-8")) for path in paths]

    def annotations(self) -> list[str]:
        """Labels (NAME@VERSION) of all annotations."""
        return annotation_labels(self.root)

    def views(self, kept: bool = False, base: str | None = None) -> Views:
        """Views of the corpus (corpus/views.py), with absolute paths or with paths that begin with `base`."""
        overlay = json.loads((self.root / "corpus.json").read_text(encoding="utf-8")).get("overlay", {})
        return Views(self.root, f"{self.root.resolve()}/" if base is None else base, kept, overlay)

    def connect(self, kept: bool = False) -> duckdb.DuckDBPyConnection:
        """Open an in-memory connection with a view for each table, each annotation ("NAME@VERSION") and `removed`.

        `communicator` holds the newest observation of each. With `kept`, messages that a filter removed are left out.
        Raises BrokenTable.
        """
        connection = duckdb.connect()
        try:
            for statement in self.views(kept).statements():
                connection.execute(statement)
        except (duckdb.Error, pa.ArrowInvalid) as error:
            what = f"{self.root} holds a file that cannot be read ({first_line(error)})"
            raise BrokenTable(what, broken_mend(self.root)) from None
        return connection

    def refresh(self) -> None:
        """Rewrite corpus.duckdb: the same views for any SQL client, with paths relative to the corpus folder.

        DuckDB 1.0 and later read it from that folder, or after `SET file_search_path = 'CORPUS'`.
        """
        part = self.root / "tmp" / "corpus.duckdb"
        part.parent.mkdir(exist_ok=True)
        part.unlink(missing_ok=True)
        with duckdb.connect() as connection, TemporaryDirectory() as folder:
            link = Path(folder, "corpus")  # a path without characters that DuckDB reads as a glob
            link.symlink_to(self.root.resolve(), target_is_directory=True)
            connection.execute(f"SET file_search_path={quote(link)}")
            connection.execute(f"ATTACH {quote(part.absolute())} AS corpus (STORAGE_VERSION '{STORAGE}'); USE corpus")
            for statement in self.views(base="").statements():
                connection.execute(statement)
            connection.execute("CHECKPOINT")  # closing does the same, but hides the error of a full disk
        part.replace(self.root / "corpus.duckdb")
        shutil.rmtree(self.root / "tmp", ignore_errors=True)
