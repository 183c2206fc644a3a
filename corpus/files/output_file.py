"""Check the file that a command is asked to write: its folder exists, and no file of somebody else is overwritten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import NoSuchPath
from corpus.files.sql import quote
from corpus.files.written_once import HoldsOther, excerpt


def check_output(out: Path, what: str, is_earlier: Callable[[Path], bool]) -> None:
    """Check that `out` can be written and is absent or an earlier `what`. Raises NoSuchPath, HoldsOther."""
    if not out.absolute().parent.is_dir():
        raise NoSuchPath(f"cannot write {out}: the folder {out.parent} does not exist", "make it, or name another file")
    if out.is_dir():
        raise NoSuchPath(f"cannot write {out}: it is a folder", "name a file")
    if out.exists() and not (out.is_file() and is_earlier(out)):
        raise HoldsOther(f"{out} exists and is no {what} made by cbc, but {contents_text(out)}", "name another file")


def contents_text(path: Path) -> str:
    """Describe what lies at a path in a few words."""
    if not path.is_file():
        return "no ordinary file"
    if schema := parquet_schema(path):
        return f"a parquet file with the columns {excerpt(schema.names)}"
    if is_database(path):
        return f"a DuckDB file with the tables {excerpt(database_tables(path))}"
    return f"a file of {path.stat().st_size:,} bytes"


def parquet_schema(path: Path) -> pa.Schema | None:
    """Read the schema of a parquet file; None where it is none."""
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowInvalid):
        return None


def is_database(path: Path) -> bool:
    """Whether a file is a DuckDB database."""
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def database_tables(path: Path) -> list[str]:
    """List the tables and views of a DuckDB file; none where it cannot be opened."""
    names_sql = """SELECT table_name FROM duckdb_tables() WHERE database_name = 'held'
        UNION ALL SELECT view_name || ' (view)' FROM duckdb_views() WHERE database_name = 'held' AND NOT internal"""
    try:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {quote(path)} AS held (READ_ONLY)")
            return [name for (name,) in connection.execute(names_sql).fetchall()]
    except duckdb.Error:
        return []
