"""Rows on their way in, set-wise: what is new of them, and the parquet files it becomes.

Everything here is SQL over the staging tables (`corpus.sources.base.Staging`); memory is bounded, and the rows keep the
order in which their records were read, so that the same files give the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import duckdb

from corpus.errors import CbcError
from corpus.files.sql import MEMORY, PARQUET, quote, quote_file
from corpus.schema import DATA_TABLES, METRICS, TABLES
from corpus.store import Corpus


class BrokenSource(CbcError):
    """A source staged what it should have rejected."""


def open_staging(folder: Path) -> duckdb.DuckDBPyConnection:
    """A database for staging that spills into `folder`, with an empty table for each table of the schema.

    Each statement runs on one thread: how DuckDB shares rows out among threads shows in the bytes of a parquet file.
    """
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit='{MEMORY}'; SET temp_directory={quote(folder / 'spill')}")
    connection.execute("SET threads=1; SET TimeZone='UTC'; SET preserve_insertion_order=true")
    for name, table in TABLES.items():
        connection.execute(f'CREATE TABLE "{name}" ({table.ddl}, _record BIGINT NOT NULL)')
    return connection


def check_ranges(connection: duckdb.DuckDBPyConnection) -> None:
    """Assert that every effect has a metric of the registry and a value in its range. Raises BrokenSource."""
    connection.execute("CREATE OR REPLACE TEMP TABLE _metric (metric VARCHAR, low DOUBLE, high DOUBLE)")
    rows = [(name, metric.low, metric.high) for name, metric in METRICS.items()]
    connection.executemany("INSERT INTO _metric VALUES (?, ?, ?)", rows)
    bad = connection.execute(
        """SELECT e.message_id, e.metric, e.value FROM effect e LEFT JOIN _metric m USING (metric)
        WHERE m.metric IS NULL OR e.value IS NULL OR NOT isfinite(e.value) OR e.value < m.low
        OR e.value > coalesce(m.high, e.value) OR e.exposure < 0 LIMIT 1"""
    ).fetchone()
    if bad:
        raise BrokenSource(f"effect {bad[1]} = {bad[2]} of {bad[0]} is out of range", "mend the source that staged it")


def _same(keys: tuple[str, ...]) -> str:
    """A join condition in which null equals null."""
    return " AND ".join(f'c."{key}" IS NOT DISTINCT FROM s."{key}"' for key in keys)


def _drop_repeated(connection: duckdb.DuckDBPyConnection, table: str, keys: tuple[str, ...]) -> None:
    """Of rows with the same key keep the first read, with what it lacks filled from the later ones."""
    named = ", ".join(f'"{key}"' for key in keys)
    # Distinct hashes prove distinct keys and cost a tenth of grouping by the keys themselves.
    twice = f'SELECT hash({named}) AS h FROM "{table}" GROUP BY h HAVING count(*) > 1'
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _twice AS {twice}")
    if _one(connection, "SELECT count(*) FROM _twice") == 0:
        return
    several = f'"{table}" WHERE hash({named}) IN (FROM _twice)'
    columns = [row[0] for row in connection.execute(f'DESCRIBE "{table}"').fetchall()]
    merged = ", ".join(
        f'"{name}"' if name in keys else f'arg_min("{name}", _record) AS "{name}"'  # passes over nulls
        for name in columns
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _merged AS SELECT {merged} FROM {several} GROUP BY {named}")
    connection.execute(f"DELETE FROM {several}")
    connection.execute(f'INSERT INTO "{table}" BY NAME FROM _merged ORDER BY _record, {named}')


def _drop_known(connection: duckdb.DuckDBPyConnection, table: str, keys: tuple[str, ...], held: list[Path]) -> None:
    """Drop rows whose key stands in the files `held` already."""
    if held:
        files = ", ".join(quote_file(path) for path in held)
        connection.execute(
            f'DELETE FROM "{table}" WHERE rowid IN (SELECT s.rowid FROM "{table}" s '
            f"JOIN read_parquet([{files}], union_by_name=true) c ON {_same(keys)})"
        )


def settle(
    connection: duckdb.DuckDBPyConnection, corpus: Corpus, annotations: Mapping[str, str], folder: Path
) -> tuple[int, dict[str, int]]:
    """Write what the corpus does not hold yet as FOLDER/TABLE.parquet and FOLDER/NAME@VERSION.parquet.

    Gives the number of records of which something is kept, and the rows of each file written. A table is written
    while the next is looked through.
    """
    rows: dict[str, Future[int]] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:

        def write(table: str, name: str) -> None:
            rows[name] = pool.submit(_write, connection.cursor(), table, folder / f"{name}.parquet")

        for annotation, table in sorted(annotations.items()):
            held = sorted((corpus.root / "annotations" / annotation).glob("*.parquet"))
            _keep_new(connection, table, ("message_id",), held)
            write(table, annotation)
        for table in DATA_TABLES:
            _keep_new(connection, table, TABLES[table].key, sorted(corpus.root.glob(f"tables/*/{table}.parquet")))
            write(table, table)
        kept = _keep_provenance(connection, [*DATA_TABLES, *annotations.values()])
        write("provenance", "provenance")
        write("rejects", "rejects")
    return kept, {name: future.result() for name, future in rows.items() if future.result()}


def reject_other_scenes(connection: duckdb.DuckDBPyConnection, corpus: Corpus) -> None:
    """Reject records that cut a message into other scenes than the corpus does: their values would name other spans."""
    held = sorted(corpus.root.glob("tables/*/scene.parquet"))
    if not held:
        return
    files = ", ".join(quote_file(path) for path in held)
    cut = "SELECT message_id, count(*) AS scenes, max(end_s) AS end_s FROM {} GROUP BY message_id"
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _other AS SELECT DISTINCT _record, message_id FROM scene WHERE message_id IN (
        SELECT message_id FROM ({cut.format("scene")}) s JOIN ({cut.format(f"read_parquet([{files}])")}) c
        USING (message_id) WHERE s.scenes <> c.scenes OR abs(s.end_s - c.end_s) > 1)"""
    )
    connection.execute(
        """INSERT INTO rejects SELECT any_value(p.source), NULL, any_value(p.raw_line),
        'cuts the message into other scenes than the corpus', o.message_id, o._record
        FROM _other o LEFT JOIN provenance p USING (_record) GROUP BY o.message_id, o._record"""
    )
    for table in DATA_TABLES:
        connection.execute(f'DELETE FROM "{table}" WHERE _record IN (SELECT _record FROM _other)')


def _keep_new(connection: duckdb.DuckDBPyConnection, table: str, keys: tuple[str, ...], held: list[Path]) -> None:
    """Leave only rows whose key the corpus does not hold, each key once."""
    _drop_repeated(connection, table, keys)
    _drop_known(connection, table, keys, held)


def _keep_provenance(connection: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> int:
    """Leave only the provenance of records of which something is kept; gives their number."""
    parts = " UNION ALL ".join(f'SELECT _record FROM "{table}"' for table in tables)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _kept AS SELECT DISTINCT _record FROM ({parts})")
    connection.execute("DELETE FROM provenance WHERE NOT EXISTS (FROM _kept k WHERE k._record = provenance._record)")
    connection.execute(
        "DELETE FROM provenance WHERE table_name = 'communicator' AND NOT EXISTS "
        "(FROM communicator c WHERE c._record = provenance._record AND c.communicator_id = provenance.row_key)"
    )
    _drop_repeated(connection, "provenance", TABLES["provenance"].key)
    return _one(connection, "SELECT count(*) FROM _kept")


def _write(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> int:
    """Write a staged table that has rows as parquet; gives their number."""
    with connection:
        rows = _one(connection, f'SELECT count(*) FROM "{table}"')
        if rows:
            order = "ORDER BY _record" if table == "rejects" else ""
            told = f'SELECT * EXCLUDE (_record) FROM "{table}" {order}'
            connection.execute(f"COPY ({told}) TO {quote(path)} {PARQUET}")
        return rows


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(connection.execute(sql).fetchall()[0][0])
