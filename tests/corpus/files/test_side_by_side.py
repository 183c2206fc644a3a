"""Chains of statements at the same time: all run, and an error ends every chain."""

from __future__ import annotations

import time

import duckdb
import pytest

from corpus.files.side_by_side import execute_chains

ENDLESS = "SELECT sum(hash(range)) FROM range(1000000000000)"


def rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple]:
    return connection.execute(f"FROM {table} ORDER BY ALL").fetchall()


def test_statements_of_a_chain_run_in_order_and_all_chains_run():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE a (n INT); CREATE TABLE b (n INT)")
        chains = [["INSERT INTO a VALUES (1)", "UPDATE a SET n = n + 1"], ["INSERT INTO b VALUES (5)"], []]
        execute_chains(connection, chains)
        assert (rows(connection, "a"), rows(connection, "b")) == ([(2,)], [(5,)])


def test_the_first_error_ends_its_chain_and_the_others():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE a (n INT)")
        began = time.monotonic()
        with pytest.raises(duckdb.CatalogException, match="nowhere"):
            execute_chains(connection, [["FROM nowhere", "INSERT INTO a VALUES (1)"], [ENDLESS]])
        assert rows(connection, "a") == [] and time.monotonic() - began < 60
