"""`cbc corpus explain ID`: where each cell of a message, communicator or comment came from.

Its rows, then for each observation the raw payload (file below CORPUS/raw and record in it), when and by which call and
tool it was fetched, which field of the payload became which cell and what it held, and what was done to it on the way,
in the words of the source that did it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from corpus.ids import resolve_id
from corpus.printing import table_text
from corpus.simulate.world import SimulatedWorld
from corpus.sources.base import Source
from corpus.sources.mapping import Mapping as Mapping_
from corpus.sources.registry import MAPPINGS, SOURCES, source_named
from corpus.sources.table import Table
from corpus.store import Corpus

SHOWN, CELL = 1_500, 80  # characters of a raw payload, and of one of its fields
WIDE = 100
QUESTIONS = {
    "message": "FROM message WHERE message_id = $id",
    "communicator": "FROM communicator_observation WHERE communicator_id = $id ORDER BY as_of",
    "effect": """SELECT metric, scene, value, exposure, receiver, observed_at FROM effect WHERE message_id = $id
        ORDER BY observed_at, metric, scene""",
    "comments": "SELECT count(*) AS comments, count(author) AS hashed_authors FROM comment WHERE message_id = $id",
    "comment": "FROM comment WHERE comment_id = $id",
}
PROVENANCE = """SELECT table_name, observed_at, source, raw_sha256, raw_line, fetched_at, tool, licence FROM provenance
    WHERE row_key = $id ORDER BY table_name, observed_at, source, raw_line"""


@dataclass(frozen=True)
class Origin:
    """One observation: its source and table, facts of its raw payload and call, each cell with the field it came from
    and what that held, what the source did, and the payload.
    """

    source: str
    table: str
    facts: dict[str, Any]
    cells: list[tuple[str, str, str | None]]
    done: list[str]
    payload: str


@dataclass(frozen=True)
class Explained:
    """Rows of an id by table (header and rows), and where they came from."""

    rows: dict[str, tuple[list[str], list[tuple[Any, ...]]]]
    origins: list[Origin]


def explained(root: Path, row_id: str) -> Explained:
    """Everything the corpus knows of where an id's rows came from. Raises UnknownId, AmbiguousId."""
    corpus = Corpus.open(root)
    with corpus.connect() as connection:
        row_id = next(iter(resolve_id(connection, row_id, str(root)).values()))
        of = connection.execute("SELECT message_id FROM comment WHERE comment_id = ?", [row_id]).fetchall()
        found = connection.execute(PROVENANCE, {"id": of[0][0] if of else row_id}).fetchall()
        rows = {name: table for name, sql in QUESTIONS.items() if (table := rows_of(connection, sql, row_id))[1]}
    origins = [origin(corpus.root, row_id, *row) for row in found]
    # of the answers about a comment's video only those that hold the comment
    return Explained(rows, [one for one in origins if row_id in origin_text(one)] if of else origins)


def explain(root: Path, row_id: str) -> str:
    """What `explained` gives, as text."""
    found = explained(root, row_id)
    rows = [rows_text(name, *table) for name, table in found.rows.items()]
    return "\n\n".join([*rows, *map(origin_text, found.origins)])


def explained_rows(found: Explained) -> dict[str, Any]:
    """What `explained` gives, for programs."""
    rows = {name: [dict(zip(header, row, strict=True)) for row in rows] for name, (header, rows) in found.rows.items()}
    origins = [
        {**asdict(one), "cells": [{"cell": cell, "field": field, "value": value} for cell, field, value in one.cells]}
        for one in found.origins
    ]
    return {"rows": rows, "origins": origins}


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str, row_id: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Header and rows of a table's rows of the id; no rows where they only count none."""
    result = connection.execute(sql, {"id": row_id})
    header, rows = [column[0] for column in result.description or []], result.fetchall()
    return header, [] if rows == [(0, 0)] else rows


def rows_text(name: str, header: list[str], rows: list[tuple[Any, ...]]) -> str:
    """A table's rows of the id, a line a column where there is one row."""
    if len(rows) == 1:
        header, rows = ["column", "value"], list(zip(header, rows[0], strict=True))
    return f"{name.upper()}\n{table_text(header, rows, WIDE)}"


def origin(
    root: Path, row_id: str, table: str, observed_at: Any, source: str, sha256: str | None, *rest: Any
) -> Origin:
    """One observation: its raw payload, its call and what was done to it."""
    line, fetched_at, tool, licence = rest
    name = source.split("@")[0]
    raw = next(iter(sorted((root / "raw" / name).glob(f"{(sha256 or '')[:16]}-*"))), None) if sha256 else None
    of = source_class(name)
    facts = {
        "observed": observed_at,
        "fetched": fetched_at,
        "by": tool,
        "licence": licence,
        "raw payload": f"{raw.relative_to(root)}, sha256 {sha256}" if raw else "none: it was generated",
        "record": line,
        "call": of.call(raw, line) if raw and line is not None else None,
    }
    payload = of.payload(raw, line, row_id) if raw else ""
    known = {key: value for key, value in facts.items() if value is not None}
    return Origin(source, table, known, cells(root, source, table, payload), transformations(name), payload)


def origin_text(found: Origin) -> str:
    """An observation as lines."""
    lines = [f"FROM {found.source} ({found.table})", *(f"{key + ':':13}{value}" for key, value in found.facts.items())]
    mapped = [
        f"    {cell:28} <- {field}" + (f" = {shortened(value)}" if value is not None else "")
        for cell, field, value in found.cells
    ] or ["    as generated, by the law that the source states"]
    lines += ["cells:", *mapped, "done to it:", *(f"    {text}" for text in found.done)]
    return "\n".join([*lines, *payload_lines(found.payload)])


def cells(root: Path, source: str, table: str, payload: str) -> list[tuple[str, str, str | None]]:
    """Each cell, the field of the payload that became it, and what it held, as JSON, where the payload is JSON."""
    own = (f"{table}.", "scene", "effect.", "comment") if table == "message" else (f"{table}.",)
    try:
        items = json.loads(payload) if payload else None
    except ValueError:
        items = None
    item = items[0] if isinstance(items, list) and len(items) == 1 else items
    mapped = cells_of(root, source).items()
    return [(cell, field, held(item, field)) for cell, field in mapped if cell.startswith(own)]


def cells_of(root: Path, source: str) -> Mapping[str, str]:
    """What the source says of its cells; that of a mapping is kept with the ingests it made."""
    name = source.split("@")[0]
    if name in SOURCES:
        return source_named(name).cells
    for manifest in Corpus.open(root).ingests():
        if manifest.get("source") == source and manifest.get("settings"):
            return Mapping_.model_validate(yaml.safe_load(manifest["settings"])).cells()
    return {}


def held(item: Any, field: str) -> str | None:
    """What the first field of several with a value holds in a JSON object, as JSON."""
    for path in field.split("|"):
        value = item
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            return json.dumps(value, ensure_ascii=False)
    return None


def shortened(text: str) -> str:
    """Text cut where it is long."""
    return f"{text[:CELL]}{'…' if len(text) > CELL else ''}"


def transformations(name: str) -> list[str]:
    """What a source does to its payloads: its own description, or the mapping that ships under its name."""
    if (MAPPINGS / f"{name}.yaml").is_file():
        return [f"columns mapped by corpus/sources/mappings/{name}.yaml, read by corpus/sources/table.py"]
    return (sys.modules[source_class(name).__module__].__doc__ or "").strip().splitlines()


def source_class(name: str) -> type[Source]:
    """The class of a source by its name in provenance; what no source is called is a mapping."""
    known = {SimulatedWorld.name: SimulatedWorld}
    return SOURCES[name] if name in SOURCES else known.get(name, Table)


def payload_lines(text: str) -> list[str]:
    """The payload itself, cut where it is long."""
    cut = f"… ({len(text):,} characters in all)" if len(text) > SHOWN else ""
    return [f"payload:     {text[:SHOWN]}{cut}"] if text else []
