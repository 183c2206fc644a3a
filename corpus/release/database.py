"""Export the tables of a corpus to a DuckDB file, for DuckDB 1.0 and later.

cbc corpus export --duckdb FILE.duckdb --corpus CORPUS
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from corpus.derivatives import remember
from corpus.files.atomic import part_path
from corpus.files.output_file import check_output, database_tables, is_database
from corpus.files.sql import MEMORY, STORAGE, quote
from corpus.store import Corpus

EXPORTED = (
    *("message", "communicator", "communicator_observation", "scene", "effect", "comment", "comment_aggregate"),
    *("provenance", "rejects", "removed"),
)
"""Views that become tables, besides every annotation."""
ROWS = 5_000  # per batch


def export_database(root: Path, out: Path) -> dict[str, int]:
    """Write the tables of a corpus to a file; returns the row count of each.

    Raises NoSuchPath, WrongVersion, BrokenTable, HoldsOther.
    """
    corpus = Corpus.open(root)
    check_output(out, "export of a corpus", is_exported_database)
    part = part_path(out)
    part.unlink(missing_ok=True)
    try:
        with corpus.connect() as connection:
            connection.execute(f"SET memory_limit='{MEMORY}'")
            _attach(connection, part)
            for name in (*EXPORTED, *corpus.annotations()):
                connection.execute(f'CREATE TABLE made."{name}" AS FROM "{name}"')
            rows = dict(connection.execute(SIZES.format(name="made")).fetchall())
            connection.execute("DETACH made")
        remember(root, out)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return rows


SIZES = "SELECT table_name, estimated_size FROM duckdb_tables() WHERE database_name = '{name}' ORDER BY table_oid"


def is_exported_database(path: Path) -> bool:
    """Whether a file is a DuckDB database with the tables of an export, and beside them only annotations."""
    tables = set(database_tables(path)) if is_database(path) else set()
    return tables >= set(EXPORTED) and all("@" in name for name in tables - set(EXPORTED))


def drop_rows(path: Path, marked: Callable[[pa.RecordBatch], pl.Series]) -> int:
    """Rewrite a file without the rows for which `marked` is true; returns their number."""
    part, dropped = part_path(path), 0
    part.unlink(missing_ok=True)
    try:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {quote(path)} AS held (READ_ONLY)")
            _attach(connection, part)
            for name, _ in connection.execute(SIZES.format(name="held")).fetchall():
                connection.execute(f'CREATE TABLE made."{name}" AS FROM held."{name}" LIMIT 0')
                for batch in connection.cursor().sql(f'FROM held."{name}"').to_arrow_reader(ROWS):
                    to_drop = marked(batch)
                    dropped += int(to_drop.sum())
                    connection.register("_kept", pa.table(batch.filter(pa.array((~to_drop).to_list(), pa.bool_()))))
                    connection.execute(f'INSERT INTO made."{name}" FROM _kept')
            connection.execute("DETACH made; DETACH held")
        if dropped:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return dropped


def _attach(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Attach a new database as `made`, in a format that DuckDB 1.0 opens."""
    connection.execute(f"ATTACH {quote(path)} AS made (STORAGE_VERSION '{STORAGE}')")
