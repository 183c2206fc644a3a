"""What a corpus holds, as small tables of figures, and anyone's SQL on it.

cbc corpus status --corpus CORPUS
cbc corpus sql "SELECT metric, avg(value) FROM effect GROUP BY metric" --corpus CORPUS
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import duckdb

from corpus.errors import CbcError
from corpus.files.sql import quote
from corpus.filters.outcome import newer_note, removed_rows
from corpus.ingest.run import Report
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


def status_text(root: Path) -> str:
    """Rows, kinds, sources, metrics, rejects, annotations and sizes as text. Raises NoSuchPath, WrongVersion."""
    corpus = Corpus.open(root)
    with corpus.connect() as connection:
        parts = {name: figure(connection, sql) for name, sql in FIGURES.items()}
        counted = [
            (name, *(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone() or ()))
            for name in corpus.annotations()
        ]
    parts["annotations"] = ["annotation", "rows"], counted
    parts["removed by filters"] = ["filter", "reason", "messages"], removed_rows(corpus)
    parts["disk"] = ["part", "files", "MB"], disk_sizes(root)
    note = newer_note(corpus)
    told = [f"{name.upper()}\n{table_text(header, rows)}" for name, (header, rows) in parts.items() if rows]
    return "\n\n".join([f"corpus {root}: {len(corpus.ingests())} ingests", *told, *([note] if note else [])])


def report_text(report: Report) -> str:
    """What an ingest did: every record read is in one count."""
    counts = [("kept", report.rows_kept), ("repeated", report.rows_repeated)]
    counts += [("enriched", report.rows_enriched), ("contradicting", report.rows_contradicting)]
    counts = [(what, rows) for what, rows in counts if rows or what == "kept"]
    counts += [(f"rejected: {reason}", rows) for reason, rows in sorted(report.rejected.items())]
    told = [f"{report.files} files, {report.skipped} more ingested before", f"{report.rows_read:,} rows read:"]
    told += [f"  {rows:>12,}  {what}" for what, rows in counts]
    told += [f"  -> {rows:,} rows in {table}" for table, rows in report.tables.items()]
    told += [f"  -> {rows:,} rows of {table} filled up" for table, rows in report.cells.items()]
    told += [f"  {cells:,} contradictions of {column} (see rejects)" for column, cells in report.contradictions.items()]
    return "\n".join(told)


def _result(connection: duckdb.DuckDBPyConnection, corpus: Corpus, query: str) -> duckdb.DuckDBPyConnection:
    """Run one SELECT that reads nothing but the corpus. Raises BadQuery.

    DuckDB is told to open files below the corpus only; since it would also write there, nothing but SELECT is run.
    """
    root = str(corpus.root.resolve())
    connection.execute(f"SET allowed_directories=[{quote(root + '/')}]; SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    try:
        statements = duckdb.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise BadQuery("the query is not a single SELECT", "the corpus can be read, not changed, by SQL")
        return connection.execute(query)
    except duckdb.Error as error:
        told = " ".join(str(error).split("\n\nLINE")[0].split())
        raise BadQuery(f"the query failed: {told}", "`SHOW TABLES` and `DESCRIBE message` tell names") from None


def sql_table(root: Path, query: str, limit: int) -> str:
    """The first rows of a query's result as text. Raises BadQuery, NoSuchPath, WrongVersion."""
    corpus = Corpus.open(root)
    with corpus.connect() as connection:
        result = _result(connection, corpus, query)
        header, rows = [column[0] for column in result.description or []], result.fetchmany(limit + 1)
    text = table_text(header, rows[:limit])
    return text if len(rows) <= limit else f"{text}\n(more than {limit} rows; see --limit and --csv)"


def sql_csv(root: Path, query: str, out: TextIO = sys.stdout) -> None:
    """A query's whole result as CSV; lists and structs as JSON. Raises BadQuery, NoSuchPath, WrongVersion."""
    corpus = Corpus.open(root)
    with corpus.connect() as connection:
        result = _result(connection, corpus, query)
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(column[0] for column in result.description or [])
        while rows := result.fetchmany(10_000):
            writer.writerows([_plain(value) for value in row] for row in rows)


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value
