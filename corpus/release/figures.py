"""Open the tables of a release as views over its own files, from which its documents are counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from corpus.files.sql import MEMORY, quote_file
from corpus.printing import number_of
from corpus.schema import TABLES
from corpus.views import COMMENT_AGGREGATE, NEWEST

TOTALS = """SELECT (SELECT count(*) FROM message), (SELECT count(DISTINCT communicator_id) FROM communicator),
    (SELECT min(published_at)::DATE FROM message), (SELECT max(published_at)::DATE FROM message)"""


@contextmanager
def open_tables(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory database with a view for each table of a corpus; a table that the release lacks has no rows."""
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit='{MEMORY}'")
        for name, table in TABLES.items():
            exists = any((folder / name).glob("*.parquet"))
            rows = f"read_parquet({quote_file(folder / name, '/*.parquet')})"
            null_columns = ", ".join(f'NULL::{column.type} AS "{column.name}"' for column in table.columns)
            view = name if name != "communicator" else "communicator_observation"
            connection.execute(
                f"CREATE VIEW {view} AS FROM {rows if exists else f'(SELECT {null_columns} WHERE false)'}"
            )
        connection.execute(f"CREATE VIEW communicator AS {NEWEST}")
        connection.execute(f"CREATE VIEW comment_aggregate AS {COMMENT_AGGREGATE}")
        yield connection


def holdings(connection: duckdb.DuckDBPyConnection) -> str:
    """Sentence on what a release holds, counted in its tables."""
    messages, communicators, first, last = connection.execute(TOTALS).fetchall()[0]
    dates = f", published from {first} to {last}" if first else ""
    counted = f"{number_of(messages, 'message')} of {number_of(communicators, 'communicator')}"
    return f"It holds {counted}{dates}, counted in its files."
