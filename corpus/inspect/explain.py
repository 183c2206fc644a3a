"""`cbc corpus explain ID`: show where each cell of a message, communicator or comment came from.

It prints the rows, then for each observation: the raw payload (a file below CORPUS/raw and a record in it), when and by
which call and tool it was fetched, which field of the payload became which cell, with its value, and the description of
the source that converted it.
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

SHOWN, CELL = 1_500, 80  # characters shown of a raw payload, and of one of its fields
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
    """An observation.

    `facts`: about its raw payload and call; `cells`: cell, the field it came from, and its value as JSON; `done`:
    what the source does to payloads, as lines; `payload`: text of the raw payload.
    """

    source: str
    table: str
    facts: dict[str, Any]
    cells: list[tuple[str, str, str | None]]
    done: list[str]
    payload: str


@dataclass(frozen=True)
class Explanation:
    """Rows of an id by table (header and rows), and their origins."""

    rows: dict[str, tuple[list[str], list[tuple[Any, ...]]]]
    origins: list[Origin]


def explain_id(root: Path, row_id: str) -> Explanation:
    """Find the rows of an id and their origins. Raises UnknownId, AmbiguousId, NoSuchPath, WrongVersion."""
    corpus = Corpus.open(root)
    with corpus.connect() as connection:
        row_id = next(iter(resolve_id(connection, row_id, str(root)).values()))
        videos = connection.execute("SELECT message_id FROM comment WHERE comment_id = ?", [row_id]).fetchall()
        provenance = connection.execute(PROVENANCE, {"id": videos[0][0] if videos else row_id}).fetchall()
        rows = {name: table for name, sql in QUESTIONS.items() if (table := rows_of(connection, sql, row_id))[1]}
    origins = [read_origin(corpus.root, row_id, *row) for row in provenance]
    if videos:  # of all answers about the comment's video, only those that hold the comment
        origins = [origin for origin in origins if row_id in origin_text(origin)]
    return Explanation(rows, origins)


def explain(root: Path, row_id: str) -> str:
    """Format the rows of an id and their origins as text."""
    explanation = explain_id(root, row_id)
    rows = [rows_text(name, *table) for name, table in explanation.rows.items()]
    return "\n\n".join([*rows, *map(origin_text, explanation.origins)])


def explained_rows(explanation: Explanation) -> dict[str, Any]:
    """Convert an explanation to plain values, for programs."""
    rows = {
        name: [dict(zip(header, row, strict=True)) for row in rows] for name, (header, rows) in explanation.rows.items()
    }
    origins = [
        asdict(origin)
        | {"cells": [{"cell": cell, "field": field, "value": value} for cell, field, value in origin.cells]}
        for origin in explanation.origins
    ]
    return {"rows": rows, "origins": origins}


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str, row_id: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Header and rows of a query about an id; no rows if it only counts zeros."""
    result = connection.execute(sql, {"id": row_id})
    header, rows = [column[0] for column in result.description or []], result.fetchall()
    return header, [] if rows == [(0, 0)] else rows


def rows_text(name: str, header: list[str], rows: list[tuple[Any, ...]]) -> str:
    """Format a table's rows of an id; a single row is shown column by column."""
    if len(rows) == 1:
        header, rows = ["column", "value"], list(zip(header, rows[0], strict=True))
    return f"{name.upper()}\n{table_text(header, rows, WIDE)}"


def read_origin(
    root: Path, row_id: str, table: str, observed_at: Any, source: str, sha256: str | None, *details: Any
) -> Origin:
    """Read an observation's raw payload, and describe its call and cells."""
    line, fetched_at, tool, licence = details
    name = source.split("@")[0]
    raw = next(iter(sorted((root / "raw" / name).glob(f"{(sha256 or '')[:16]}-*"))), None) if sha256 else None
    source_type = source_class(name)
    facts = {
        "observed": observed_at,
        "fetched": fetched_at,
        "by": tool,
        "licence": licence,
        "raw payload": f"{raw.relative_to(root)}, sha256 {sha256}" if raw else "none: it was generated",
        "record": line,
        "call": source_type.call(raw, line) if raw and line is not None else None,
    }
    payload = source_type.payload(raw, line, row_id) if raw else ""
    known_facts = {key: value for key, value in facts.items() if value is not None}
    return Origin(source, table, known_facts, cells(root, source, table, payload), transformations(name), payload)


def origin_text(origin: Origin) -> str:
    """Format an observation as lines."""
    lines = [
        f"FROM {origin.source} ({origin.table})",
        *(f"{key + ':':13}{value}" for key, value in origin.facts.items()),
    ]
    mapped = [
        f"    {cell:28} <- {field}" + (f" = {shortened(value)}" if value is not None else "")
        for cell, field, value in origin.cells
    ] or ["    as generated, by the law that the source states"]
    lines += ["cells:", *mapped, "done to it:", *(f"    {text}" for text in origin.done)]
    return "\n".join([*lines, *payload_lines(origin.payload)])


def cells(root: Path, source: str, table: str, payload: str) -> list[tuple[str, str, str | None]]:
    """List each cell, the field that it came from, and its value as JSON (None if the payload is not JSON)."""
    prefixes = (f"{table}.", "scene", "effect.", "comment") if table == "message" else (f"{table}.",)
    try:
        items = json.loads(payload) if payload else None
    except ValueError:
        items = None
    item = items[0] if isinstance(items, list) and len(items) == 1 else items
    mapped = cells_of(root, source).items()
    return [(cell, field, field_value(item, field)) for cell, field in mapped if cell.startswith(prefixes)]


def cells_of(root: Path, source: str) -> Mapping[str, str]:
    """Map the cells of a source to fields; a mapping is read from the manifest of an ingest it made."""
    name = source.split("@")[0]
    if name in SOURCES:
        return source_named(name).cells
    for manifest in Corpus.open(root).ingests():
        if manifest.get("source") == source and manifest.get("settings"):
            return Mapping_.model_validate(yaml.safe_load(manifest["settings"])).cells()
    return {}


def field_value(item: Any, field: str) -> str | None:
    """Value of the first of several fields (`|` between them) that has one in a JSON object, as JSON; None without."""
    for path in field.split("|"):
        value = item
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            return json.dumps(value, ensure_ascii=False)
    return None


def shortened(text: str) -> str:
    """Cut a text to CELL characters."""
    return f"{text[:CELL]}{'…' if len(text) > CELL else ''}"


def transformations(name: str) -> list[str]:
    """Describe how a source converts payloads: its module's docstring, or the shipped mapping of its name."""
    if (MAPPINGS / f"{name}.yaml").is_file():
        return [f"columns mapped by corpus/sources/mappings/{name}.yaml, read by corpus/sources/table.py"]
    return (sys.modules[source_class(name).__module__].__doc__ or "").strip().splitlines()


def source_class(name: str) -> type[Source]:
    """Class of a source by its name in provenance; other names are those of mappings."""
    generated = {SimulatedWorld.name: SimulatedWorld}
    return SOURCES[name] if name in SOURCES else generated.get(name, Table)


def payload_lines(text: str) -> list[str]:
    """Format a payload, cut to SHOWN characters."""
    cut = f"… ({len(text):,} characters in all)" if len(text) > SHOWN else ""
    return [f"payload:     {text[:SHOWN]}{cut}"] if text else []
