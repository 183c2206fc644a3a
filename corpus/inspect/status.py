"""Show what a corpus holds, as small tables of figures, and run SQL on it.

cbc corpus status --corpus CORPUS
cbc corpus sql "SELECT metric, avg(value) FROM effect GROUP BY metric" --corpus CORPUS
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import duckdb

from corpus.console import harmless
from corpus.errors import CbcError
from corpus.files.sql import quote, quote_file
from corpus.filters.outcome import newer_note, removed_rows
from corpus.printing import number_of, table_text
from corpus.schema import TABLES
from corpus.store import Corpus

Table = tuple[list[str], Sequence[Sequence[Any]]]


class BadQuery(CbcError):
    """The query fails, or is not a single SELECT."""


FIGURES: dict[str, str] = {
    "rows": " UNION ALL ".join(
        f"SELECT '{name}' AS \"table\", count(*) AS rows FROM "
        + ("communicator_observation" if name == "communicator" else name)
        for name in TABLES
    ),
    "kinds": """SELECT kind, channel, count(*) AS messages, count(DISTINCT communicator_id) AS communicators,
        min(published_at)::DATE AS "first", max(published_at)::DATE AS "last" FROM message GROUP BY ALL ORDER BY ALL""",
    "sources": """SELECT source, count(DISTINCT row_key) FILTER (table_name = 'message') AS messages,
        count(*) FILTER (table_name = 'message') AS observations, min(fetched_at) AS "first fetched",
        max(fetched_at) AS "last fetched" FROM provenance GROUP BY source ORDER BY source""",
    "metrics": """SELECT metric, kind, count(*) AS "values", count(DISTINCT message_id) AS messages,
        round(100.0 * count(DISTINCT message_id) / any_value(of_kind), 1) AS "% of kind", min(value) AS lowest,
        median(value) AS median, max(value) AS highest
        FROM effect JOIN (SELECT *, count(*) OVER (PARTITION BY kind) AS of_kind FROM message) USING (message_id)
        GROUP BY metric, kind ORDER BY kind, metric""",
    "rejects": """SELECT source, reason, count(*) AS rows, count(DISTINCT file) AS files, min(file) AS "for example",
        FROM rejects GROUP BY ALL ORDER BY source, rows DESC, reason""",
}
"""Name of a figure -> its SQL."""


def figure(connection: duckdb.DuckDBPyConnection, sql: str) -> Table:
    """Run a query with a small result; returns header and rows."""
    result = connection.execute(sql)
    return [column[0] for column in result.description or []], result.fetchall()


def disk_sizes(root: Path) -> list[tuple[str, int, float]]:
    """Count files and megabytes of each part of the corpus."""
    sizes = []
    for part in ("raw", "tables", "annotations"):
        files = [path.stat().st_size for path in (root / part).rglob("*") if path.is_file()]
        sizes.append((part, len(files), round(sum(files) / 1e6, 3)))
    return sizes


def status(root: Path) -> dict[str, Any]:
    """Compute the figures of a corpus, each with header and rows, and a note if its filters are out of date.

    Raises NoSuchPath, WrongVersion.
    """
    corpus = Corpus.open(root)
    with corpus.connect() as connection:
        figures = {name: figure(connection, sql) for name, sql in FIGURES.items()}
        counted = [
            (name, *(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone() or ()))
            for name in corpus.annotations()
        ]
    figures["annotations"] = ["annotation", "rows"], counted
    figures["removed by filters"] = ["filter", "reason", "messages"], removed_rows(corpus)
    figures["disk"] = ["part", "files", "MB"], disk_sizes(root)
    return {"corpus": root, "ingests": len(corpus.ingests()), "figures": figures, "note": newer_note(corpus)}


def status_rows(status: dict[str, Any]) -> dict[str, Any]:
    """Convert a status to plain values, for programs: each figure is a list of rows by column."""
    rows = {
        name: [dict(zip(header, row, strict=True)) for row in rows]
        for name, (header, rows) in status["figures"].items()
    }
    return {**status, "figures": rows}


def status_text(root: Path) -> str:
    """Format the status of a corpus as text. Raises NoSuchPath, WrongVersion."""
    state = status(root)
    tables = [
        f"{name.upper()}\n{table_text(header, rows)}" for name, (header, rows) in state["figures"].items() if rows
    ]
    head = f"corpus {root}: {number_of(state['ingests'], 'ingest')}"
    return "\n\n".join([head, *tables, *([state["note"]] if state["note"] else [])])


def _run_select(connection: duckdb.DuckDBPyConnection, corpus: Corpus, query: str) -> duckdb.DuckDBPyConnection:
    """Run one SELECT that reads nothing but the corpus. Raises BadQuery.

    DuckDB may only open files below the corpus. It could also write there, so only a SELECT is run.
    """
    root = corpus.root.resolve()
    below = f"{quote(f'{root}/')}, {quote_file(root, '/')}"  # DuckDB compares it with globs as written
    connection.execute(f"SET allowed_directories=[{below}]; SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    try:
        statements = duckdb.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise BadQuery("the query is not a single SELECT", "the corpus can be read, not changed, by SQL")
        return connection.execute(query)
    except duckdb.Error as error:
        raise _bad_query(error) from None


def _bad_query(error: duckdb.Error) -> Exception:
    """Convert an error of DuckDB against a query to one line; too little memory is not a fault of the query."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return error
    message = " ".join(str(error).split("\n\nLINE")[0].split())
    return BadQuery(f"the query failed: {message}", "`SHOW TABLES` and `DESCRIBE message` list names")


@contextmanager
def run_query(root: Path, query: str) -> Iterator[tuple[list[str], duckdb.DuckDBPyConnection]]:
    """Run a query; yields the columns of its result, and the result. Raises BadQuery, NoSuchPath, WrongVersion."""
    corpus = Corpus.open(root)
    with corpus.connect() as connection:
        result = _run_select(connection, corpus, query)
        yield [column[0] for column in result.description or []], result


def fetch_batches(result: duckdb.DuckDBPyConnection, rows: int = 10_000) -> Iterator[list[Any]]:
    """Yield the remaining rows of a result in batches. Raises BadQuery."""
    while batch := _fetch(result, rows):
        yield batch


def sql_table(root: Path, query: str, limit: int) -> str:
    """Format the first rows of a query's result. Raises BadQuery, NoSuchPath, WrongVersion."""
    with run_query(root, query) as (header, result):
        rows = _fetch(result, limit + 1)
    text = table_text(header, rows[:limit])
    return text if len(rows) <= limit else f"{text}\n(more than {limit} rows; see --limit, --csv and --json)"


def sql_csv(root: Path, query: str, out: TextIO | None = None) -> None:
    """Write a query's whole result as CSV, to stdout by default; lists and structs as JSON.

    For a terminal, control characters are made harmless.

    Raises BadQuery, NoSuchPath, WrongVersion.
    """
    out = out or sys.stdout
    convert = harmless if out.isatty() else str
    with run_query(root, query) as (header, result):
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(map(convert, header))
        for rows in fetch_batches(result):
            writer.writerows([_csv_cell(value, convert) for value in row] for row in rows)


def sql_rows(root: Path, query: str) -> Iterator[dict[str, Any]]:
    """Yield a query's whole result by row; repeated column names get a number.

    Raises BadQuery, NoSuchPath, WrongVersion.
    """
    with run_query(root, query) as (header, result):
        names = [
            name if (earlier := header[:n].count(name)) == 0 else f"{name}_{earlier}" for n, name in enumerate(header)
        ]
        for rows in fetch_batches(result):
            yield from (dict(zip(names, row, strict=True)) for row in rows)


def _fetch(result: duckdb.DuckDBPyConnection, rows: int) -> list[Any]:
    """Fetch up to `rows` rows of a result. Raises BadQuery."""
    try:
        return result.fetchmany(rows)
    except duckdb.Error as error:
        raise _bad_query(error) from None


def _csv_cell(value: Any, convert: Callable[[str], str]) -> Any:
    if isinstance(value, list | dict):
        return convert(json.dumps(value, ensure_ascii=False, default=str))
    return convert(value) if isinstance(value, str) else value
