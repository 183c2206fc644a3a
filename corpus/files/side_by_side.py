"""Chains of SQL statements that run side by side, each on a cursor and a thread of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

import duckdb

CORES = os.cpu_count() or 1
RETRY_S = 0.1


def execute_chains(connection: duckdb.DuckDBPyConnection, chains: Sequence[Sequence[str]]) -> None:
    """Run chains at the same time, the statements of a chain one after the other.

    No two chains may write to the same table. The first error ends them all, as an interrupt does.
    """
    cursors = [connection.cursor() for _ in chains]
    with ThreadPoolExecutor(CORES) as pool:
        futures = [pool.submit(_execute_chain, *pair) for pair in zip(cursors, chains, strict=True)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            _stop(cursors, futures)
            raise
    for cursor in cursors:
        cursor.close()


@contextmanager
def all_threads(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let a statement use all cores of a connection whose statements run on one thread each."""
    connection.execute(f"SET threads={CORES}")
    try:
        yield
    finally:
        connection.execute("SET threads=1")


def _execute_chain(cursor: duckdb.DuckDBPyConnection, statements: Sequence[str]) -> None:
    for statement in statements:
        cursor.execute(statement)


def _stop(cursors: Sequence[duckdb.DuckDBPyConnection], futures: Sequence[Future[None]]) -> None:
    """End what runs, and let nothing more begin."""
    running = {future for future in futures if not future.cancel()}
    while running:
        for cursor in cursors:
            cursor.interrupt()  # without effect on a statement that has not begun yet, so again until all have ended
        running = wait(running, RETRY_S).not_done
