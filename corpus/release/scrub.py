"""Scrub the words of communicators for a release: titles, texts, speech and on-screen text.

The tables keep the texts of sources as they are (`cbc corpus export` returns the published corpus byte for byte). A
release goes to others: in it, addresses, numbers, mentions and links to people are replaced, whatever the source.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa
from duckdb.func import ARROW, SPECIAL

from corpus.privacy.scrub import scrub_own, scrub_own_texts

TEXT, NESTED = "_scrubbed_text", "_scrubbed_json"


@contextmanager
def scrubbing(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Register the functions that `scrubbed_sql` calls, for the time of the context."""
    for name, function in ((TEXT, _scrub_texts), (NESTED, _scrub_documents)):
        connection.create_function(name, function, ["VARCHAR"], "VARCHAR", type=ARROW, null_handling=SPECIAL)
    try:
        yield
    finally:
        for name in (TEXT, NESTED):
            connection.remove_function(name)


def scrubbed_sql(value: str, type_: str) -> str:
    """SQL of a value with every text in it scrubbed; `type_` is its DuckDB type."""
    return f"{TEXT}({value})" if type_ == "VARCHAR" else f"{NESTED}(to_json({value})::VARCHAR)::JSON::{type_}"


def _scrub_texts(column: pa.ChunkedArray) -> pa.Array:
    """Scrub a column of texts."""
    return pa.array(scrub_own_texts(column.to_pylist()), pa.string())


def _scrub_documents(column: pa.ChunkedArray) -> pa.Array:
    """Scrub every text in a column of JSON documents."""
    documents = column.to_pylist()
    return pa.array(
        [None if document is None else json.dumps(scrub_json(json.loads(document))) for document in documents],
        pa.string(),
    )


def scrub_json(value: Any) -> Any:
    """Scrub the texts in JSON; a changed utterance loses its list of words, which still spell out the original."""
    if isinstance(value, str):
        return scrub_own(value)
    if isinstance(value, list):
        return [scrub_json(item) for item in value]
    if isinstance(value, dict):
        scrubbed = {key: scrub_json(item) for key, item in value.items()}
        return (
            {**scrubbed, "words": None} if "words" in value and scrubbed.get("text") != value.get("text") else scrubbed
        )
    return value
