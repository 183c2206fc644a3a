"""What a corpus holds, as small tables of figures, and anyone's SQL on it.

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
from corpus.printing import table_text
from corpus.schema import TABLES
from corpus.store import Corpus

Table = tuple[list[str], Sequence[Sequence[Any]]]


class BadQuery(CbcError):
    """SQL that DuckDB cannot run, or that would do more than read the corpus."""


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
"""Figures of every corpus, by name."""


def figure(connection: duckdb.DuckDBPyConnection, sql: str) -> Table:
    """Header and rows of a small query."""
    result = connection.execute(sql)
    return [column[0] for column in result.description or []], result.fetchall()


def disk_sizes(root: Path) -> list[tuple[str, int, float]]:
    """Files and megabytes of each part of the corpus."""
    sizes = []
    for part in ("raw", "tables", "annotations"):
        files = [path.stat().st_size for path in (root / part).rglob("*") if path.is_file()]
        sizes.append((part, len(files), round(sum(files) / 1e6, 3)))
    return sizes


def status(root: Path) -> dict[str, Any]:
    """Figures of a corpus by name, each with header and rows, and a note where its filters are out of date.

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


def status_rows(found: dict[str, Any]) -> dict[str, Any]:
    """A status for programs: each figure as a list of rows by column."""
    rows = {
        name: [dict(zip(header, row, strict=True)) for row in rows] for name, (header, rows) in found["figures"].items()
    }
    return {**found, "figures": rows}


def status_text(root: Path) -> str:
    """Rows, kinds, sources, metrics, rejects, annotations and sizes as text. Raises NoSuchPath, WrongVersion."""
    found = status(root)
    tables = [
        f"{name.upper()}\n{table_text(header, rows)}" for name, (header, rows) in found["figures"].items() if rows
    ]
    head = f"corpus {root}: {found['ingests']} ingests"
    return "\n\n".join([head, *tables, *([found["note"]] if found["note"] else [])])


def _result(connection: duckdb.DuckDBPyConnection, corpus: Corpus, query: str) -> duckdb.DuckDBPyConnection:
    """Run one SELECT that reads nothing but the corpus. Raises BadQuery.

    DuckDB is told to open files below the corpus only; since it would also write there, nothing but SELECT is run.
    """
    root = corpus.root.resolve()
    below = f"{quote(f'{root}/')}, {quote_file(root, '/')}"  # DuckDB holds patterns against it as they are written
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
    """What DuckDB says against a query, as a line; too little memory is no fault of the query."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return error
    message = " ".join(str(error).split("\n\nLINE")[0].split())
    return BadQuery(f"the query failed: {message}", "`SHOW TABLES` and `DESCRIBE message` list names")


@contextmanager
def answered(root: Path, query: str) -> Iterator[tuple[list[str], duckdb.DuckDBPyConnection]]:
    """The columns of a query's result, and the result. Raises BadQuery, NoSuchPath, WrongVersion."""
    corpus = Corpus.open(root)
    with corpus.connect() as connection:
        result = _result(connection, corpus, query)
        yield [column[0] for column in result.description or []], result


def batches(result: duckdb.DuckDBPyConnection, rows: int = 10_000) -> Iterator[list[Any]]:
    """The rest of a result, some rows at a time. Raises BadQuery."""
    while found := _fetched(result, rows):
        yield found


def sql_table(root: Path, query: str, limit: int) -> str:
    """The first rows of a query's result as text. Raises BadQuery, NoSuchPath, WrongVersion."""
    with answered(root, query) as (header, result):
        rows = _fetched(result, limit + 1)
    text = table_text(header, rows[:limit])
    return text if len(rows) <= limit else f"{text}\n(more than {limit} rows; see --limit, --csv and --json)"


def sql_csv(root: Path, query: str, out: TextIO | None = None) -> None:
    """Write a query's whole result as CSV, to stdout by default; lists and structs as JSON, on a terminal harmless.

    Raises BadQuery, NoSuchPath, WrongVersion.
    """
    out = out or sys.stdout
    shown = harmless if out.isatty() else str
    with answered(root, query) as (header, result):
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(map(shown, header))
        for rows in batches(result):
            writer.writerows([_csv_cell(value, shown) for value in row] for row in rows)


def sql_rows(root: Path, query: str) -> Iterator[dict[str, Any]]:
    """A query's whole result, row by row; of columns with one name each after the first gets a number.

    Raises BadQuery, NoSuchPath, WrongVersion.
    """
    with answered(root, query) as (header, result):
        names = [name if (seen := header[:n].count(name)) == 0 else f"{name}_{seen}" for n, name in enumerate(header)]
        for rows in batches(result):
            yield from (dict(zip(names, row, strict=True)) for row in rows)


def _fetched(result: duckdb.DuckDBPyConnection, rows: int) -> list[Any]:
    """So many rows of a result that is still being computed. Raises BadQuery."""
    try:
        return result.fetchmany(rows)
    except duckdb.Error as error:
        raise _bad_query(error) from None


def _csv_cell(value: Any, shown: Callable[[str], str]) -> Any:
    if isinstance(value, list | dict):
        return shown(json.dumps(value, ensure_ascii=False, default=str))
    return shown(value) if isinstance(value, str) else value
