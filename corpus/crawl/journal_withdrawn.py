"""Remove withdrawn messages from the crawl's journal: payloads, targets and the list of ids that are gone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from secrets import token_hex

import polars as pl

from corpus.withdrawn.blank_raw import pruned_text
from corpus.withdrawn.search_terms import SearchTerms, contains_any

# Columns of the journal with names and texts of communicators.
COLUMNS = (("task", "target"), ("task", "said"), ("payload", "target"), ("gone", "id"))


def drop_withdrawn_payloads(journal: Path, terms: SearchTerms) -> int:
    """Prune payloads that wait in the journal, and leave nothing of them in its free pages; gives how many they were.

    A target that names a withdrawn message is replaced by a random name, so that its calls stay in the ledger.
    """
    ids, words, forms, pruned = terms.values, sorted(terms.pieces), terms.forms, 0
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        for task, body in connection.execute("SELECT task, body FROM payload").fetchall():
            left = pruned_text(body, terms, ids, words)
            if left != body:
                connection.execute("UPDATE payload SET body = ? WHERE task = ?", (left, task))
                pruned += 1
        for table, column in COLUMNS:
            rows = connection.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()
            texts = pl.Series([text for (text,) in rows], dtype=pl.String)
            for text in texts.filter(contains_any(texts, forms)).to_list():
                nameless = f"withdrawn-{token_hex(8)}"
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (nameless, text))
        give_up = "UPDATE task SET state = 'given up', cause = 'opted out' WHERE state = 'waiting'"
        connection.execute(f"{give_up} AND target LIKE 'withdrawn-%'")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return pruned
