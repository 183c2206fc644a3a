"""What communicators said, scrubbed on its way into a release: titles, texts, speech and on-screen text.

The tables keep what a source gave (the published corpus is given back byte for byte by `cbc corpus export`); a release
goes to others, so that addresses, numbers, mentions and links to people give way there, whatever the source.
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
from corpus.published_shape import PUBLISHED, STRUCTS
from corpus.schema import TABLES

SAID: dict[str, tuple[str, ...]] = {"message": ("title", "body"), "scene": ("speech", "screen_text")}
SAID_PUBLISHED, SAID_METADATA = ("asr_raw", "asr_grouped", "ocr"), ("title", "description")
TEXT, NESTED = "_scrubbed_text", "_scrubbed_json"


@contextmanager
def scrubbing(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Lend the connection the two functions that `said` uses."""
    for name, function in ((TEXT, _texts), (NESTED, _nested)):
        connection.create_function(name, function, ["VARCHAR"], "VARCHAR", type=ARROW, null_handling=SPECIAL)
    try:
        yield
    finally:
        for name in (TEXT, NESTED):
            connection.remove_function(name)


def said(table: str, rows: str) -> str:
    """SQL of a table's rows with what was said scrubbed."""
    return f"SELECT * REPLACE ({', '.join(columns(table))}) FROM ({rows})" if list(columns(table)) else rows


def columns(table: str) -> Iterator[str]:
    """The columns that are scrubbed, as SQL."""
    if table == "published":
        for name in SAID_PUBLISHED:
            yield f"{NESTED}(to_json({name})::VARCHAR)::JSON::{PUBLISHED[name]} AS {name}"
        fields = (
            f"'{name}': " + (f"{TEXT}(metadata.{name})" if name in SAID_METADATA else f"metadata.{name}")
            for name in STRUCTS["metadata"]
        )
        yield f"CASE WHEN metadata IS NOT NULL THEN {{{', '.join(fields)}}} END AS metadata"
    types = {column.name: column.type for column in TABLES[table].columns} if table in SAID else {}
    for name in SAID.get(table, ()):
        nested = f"{NESTED}(to_json({name})::VARCHAR)::JSON::{types[name]}"
        yield f"{TEXT}({name}) AS {name}" if types[name] == "VARCHAR" else f"{nested} AS {name}"


def _texts(column: pa.ChunkedArray) -> pa.Array:
    """Texts, scrubbed."""
    return pa.array(scrub_own_texts(column.to_pylist()), pa.string())


def _nested(column: pa.ChunkedArray) -> pa.Array:
    """JSON texts with every text in them scrubbed."""
    told = [None if one is None else json.dumps(scrubbed(json.loads(one))) for one in column.to_pylist()]
    return pa.array(told, pa.string())


def scrubbed(value: Any) -> Any:
    """JSON with its texts scrubbed; the words of an utterance that held something go, since they spell it out."""
    if isinstance(value, str):
        return scrub_own(value)
    if isinstance(value, list):
        return [scrubbed(one) for one in value]
    if isinstance(value, dict):
        told = {key: scrubbed(one) for key, one in value.items()}
        return {**told, "words": None} if "words" in value and told.get("text") != value.get("text") else told
    return value
