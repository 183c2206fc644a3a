"""Deduplicate staged rows and write the new ones as parquet, with the cells that fill empty ones of the corpus.

Everything here is SQL over the staging tables (`corpus.sources.base.Staging`); memory is bounded, and the rows keep the
order in which their records were read, so that the same files give the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb

from corpus.files.side_by_side import all_threads, execute_chains
from corpus.files.sql import PARQUET, quote
from corpus.ingest.merge import NOTES, Target, count, list_repeats, merge
from corpus.ingest.outcomes import BrokenSource, count_outcomes, name_contradictions
from corpus.ingest.recut import choose_cuts
from corpus.schema import DATA_TABLES, METRICS, TABLES
from corpus.sources.base import Staging
from corpus.store import Corpus

MEMORY = "50%"  # of the machine's: staged rows beyond it are spilled, which doubles the time a million takes


@dataclass(frozen=True)
class Written:
    """The records by outcome, and the rows of each file written (TABLE, NAME@VERSION, cells/TABLE)."""

    outcomes: dict[str, int]
    rows: dict[str, int]


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
    with all_threads(connection):
        bad = connection.execute(
            """SELECT e.message_id, e.metric, e.value FROM effect e LEFT JOIN _metric m USING (metric)
            WHERE m.metric IS NULL OR e.value IS NULL OR NOT isfinite(e.value) OR e.value < m.low
            OR e.value > coalesce(m.high, e.value) OR e.exposure < 0 LIMIT 1"""
        ).fetchone()
    if bad:
        raise BrokenSource(f"effect {bad[1]} = {bad[2]} of {bad[0]} is out of range", "mend the source that staged it")


def write_new_rows(
    connection: duckdb.DuckDBPyConnection, corpus: Corpus, staging: Staging, names: Mapping[str, str], folder: Path
) -> Written:
    """Write what the corpus does not hold yet below FOLDER: TABLE.parquet, NAME@VERSION.parquet and cells/.

    `names` are those of files by their digest. A table is written while the next is merged.

    Raises BrokenSource.
    """
    rows: dict[str, Future[int]] = {}
    (folder / "cells").mkdir()
    connection.execute(NOTES)
    choose_cuts(connection, corpus)
    with ThreadPoolExecutor(os.cpu_count()) as pool:

        def write(table: str, name: str) -> None:
            rows[name] = pool.submit(_write, connection.cursor(), table, folder / f"{name}.parquet")

        targets = list(_targets(corpus, staging))
        keys_of = {target.table: target.keys for target in targets} | {"provenance": TABLES["provenance"].key}
        execute_chains(connection, [[list_repeats(table, keys)] for table, keys in keys_of.items()])
        for target in targets:
            merge(connection, target)
            write(target.table, target.place)
            write(target.cells, f"cells/{target.place}")
        name_contradictions(connection, corpus, names)
        outcomes = count_outcomes(connection, corpus, list(staging.annotations.values()), staging.rows_read)
        _keep_provenance(connection, [*DATA_TABLES, *staging.annotations.values()])
        for table in ("cut", "provenance", "rejects"):
            write(table, table)
    return Written(outcomes, {name: future.result() for name, future in rows.items() if future.result()})


def _targets(corpus: Corpus, staging: Staging) -> Iterator[Target]:
    """The annotations and tables of a batch, with the files in which the corpus holds some of each."""
    for label, table in sorted(staging.annotations.items()):
        folder = corpus.root / "annotations" / label
        held = sorted([*folder.glob("*.parquet"), *folder.glob("cells/*.parquet")])
        yield Target(label, table, ("message_id",), held)
    for name in DATA_TABLES:
        held = [path for place in (name, f"cells/{name}") for path in corpus.root.glob(f"tables/*/{place}.parquet")]
        yield Target(name, name, TABLES[name].key, sorted(held))


def _keep_provenance(connection: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> None:
    """Leave only the provenance of records of which something is kept, each row once."""
    if count(connection, "FROM _outcome WHERE rank IN (2, 4)"):
        brought = " UNION ALL ".join(f'SELECT _record FROM "{table}"' for table in tables)
        connection.execute(
            f"""DELETE FROM provenance WHERE _record IN (SELECT _record FROM _outcome WHERE rank IN (2, 4)
            EXCEPT SELECT _record FROM ({brought} UNION ALL FROM _filled))"""
        )
    connection.execute(
        """DELETE FROM provenance WHERE table_name = 'communicator' AND _record NOT IN (FROM _filled) AND NOT EXISTS
        (FROM communicator c WHERE c._record = provenance._record AND c.communicator_id = provenance.row_key)"""
    )
    keys = TABLES["provenance"].key
    if count(connection, 'FROM "provenance repeats"'):
        connection.execute(
            f"""CREATE TABLE _provenance AS FROM provenance
            QUALIFY row_number() OVER (PARTITION BY {", ".join(keys)} ORDER BY _record) = 1 ORDER BY _record;
            DROP TABLE provenance; ALTER TABLE _provenance RENAME TO provenance"""
        )


def _write(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> int:
    """Write a staged table that has rows as parquet; gives their number."""
    with connection:
        rows = count(connection, f'FROM "{table}"')
        if rows:
            order = "ORDER BY _record" if table == "rejects" else ""
            rows_sql = f'SELECT * EXCLUDE (_record) FROM "{table}" {order}'
            connection.execute(f"COPY ({rows_sql}) TO {quote(path)} {PARQUET}")
        return rows
