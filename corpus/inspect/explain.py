"""`cbc corpus explain ID`: where each cell of a message, communicator or comment came from.

Its rows, then for each observation the raw payload (file below CORPUS/raw and record in it), when and by which call and
tool it was fetched, which field of the payload became which cell and what it held, and what was done to it on the way,
in the words of the source that did it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import yaml

from corpus.errors import BrokenTable
from corpus.ids import resolve, split_id
from corpus.printing import table_text
from corpus.sources.mapping import Mapping as Mapping_
from corpus.sources.registry import MAPPINGS, SOURCES, source_named
from corpus.sources.youtube_api import YoutubeApi
from corpus.store import BROKEN_MEND, Corpus

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


def explain(root: Path, row_id: str) -> str:
    """Everything the corpus knows of where an id's rows came from.

    Raises UnknownId, AmbiguousId, NoSuchPath, WrongVersion.
    """
    corpus = Corpus.open(root)
    with corpus.connect() as connection:
        row_id = next(iter(resolve(connection, row_id, str(root)).values()))
        of = connection.execute("SELECT message_id FROM comment WHERE comment_id = ?", [row_id]).fetchall()
        found = connection.execute(PROVENANCE, {"id": of[0][0] if of else row_id}).fetchall()
        parts = [told for name, sql in QUESTIONS.items() if (told := rows_text(connection, name, sql, row_id))]
    origins = [origin(corpus.root, row_id, *row) for row in found]
    # of the answers about a comment's video only those that hold the comment
    return "\n\n".join([*parts, *([one for one in origins if row_id in one] if of else origins)])


def rows_text(connection: duckdb.DuckDBPyConnection, name: str, sql: str, row_id: str) -> str:
    """A table's rows of the id, a line a column where there is one row; nothing without rows."""
    result = connection.execute(sql, {"id": row_id})
    header, rows = [column[0] for column in result.description or []], result.fetchall()
    if not rows or rows == [(0, 0)]:
        return ""
    if len(rows) == 1:
        header, rows = ["column", "value"], list(zip(header, rows[0], strict=True))
    return f"{name.upper()}\n{table_text(header, rows, WIDE)}"


def origin(root: Path, row_id: str, table: str, observed_at: Any, source: str, sha256: str | None, *rest: Any) -> str:
    """One observation: its raw payload, its call and what was done to it."""
    line, fetched_at, tool, licence = rest
    name = source.split("@")[0]
    raw = next(iter(sorted((root / "raw" / name).glob(f"{(sha256 or '')[:16]}-*"))), None) if sha256 else None
    facts = [
        ("observed", observed_at),
        ("fetched", fetched_at),
        ("by", tool),
        ("licence", licence),
        ("raw payload", f"{raw.relative_to(root)}, sha256 {sha256}" if raw else "none: it was generated"),
        ("record", line),
        *call_of(raw, name, line),
    ]
    told = [f"FROM {source} ({table})", *(f"{key + ':':13}{value}" for key, value in facts if value is not None)]
    found = received(raw, name, line, row_id)
    told += ["cells:", *cells(root, source, table, found)]
    told += ["done to it:", *(f"    {text}" for text in transformations(name))]
    return "\n".join([*told, *payload(found)])


def cells(root: Path, source: str, table: str, found: str) -> list[str]:
    """Which field of the payload became which cell, and what it held where the payload is JSON."""
    own = (f"{table}.", "scene", "effect.", "comment") if table == "message" else (f"{table}.",)
    try:
        items = json.loads(found) if found else None
    except ValueError:
        items = None
    item = items[0] if isinstance(items, list) and len(items) == 1 else items
    return [
        f"    {cell:28} <- {field}{held(item, field)}"
        for cell, field in cells_of(root, source).items()
        if cell.startswith(own)
    ] or ["    as generated, by the law that the source states"]


def cells_of(root: Path, source: str) -> Mapping[str, str]:
    """What the source says of its cells; that of a mapping is kept with the ingests it made."""
    name = source.split("@")[0]
    if name in SOURCES:
        return source_named(name).cells
    for manifest in Corpus.open(root).ingests():
        if manifest.get("source") == source and manifest.get("settings"):
            return Mapping_.model_validate(yaml.safe_load(manifest["settings"])).cells()
    return {}


def held(item: Any, field: str) -> str:
    """What the first field of several with a value holds in a JSON object, cut where it is long."""
    for path in field.split("|"):
        value = item
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            text = json.dumps(value, ensure_ascii=False)
            return f" = {text[:CELL]}{'…' if len(text) > CELL else ''}"
    return ""


def transformations(name: str) -> list[str]:
    """What a source does to its payloads: its own description, or the mapping that ships under its name."""
    if (MAPPINGS / f"{name}.yaml").is_file():
        return [f"columns mapped by corpus/sources/mappings/{name}.yaml, read by corpus/sources/table.py"]
    module = (
        SOURCES[name][0]
        if name in SOURCES
        else "corpus.simulate.world"
        if name == "simulate"
        else "corpus.sources.table"
    )
    return (import_module(module).__doc__ or "").strip().splitlines()


def segment_row(raw: Path, line: int) -> dict[str, Any]:
    """A page of a segment of API answers."""
    for batch in pq.ParquetFile(raw).iter_batches(256):
        if line <= len(batch):
            row: dict[str, Any] = batch.slice(line - 1, 1).to_pylist()[0]
            return row
        line -= len(batch)
    raise BrokenTable(f"{raw} ends before record {line}", BROKEN_MEND)


def call_of(raw: Path | None, name: str, line: int | None) -> list[tuple[str, str]]:
    """The call that brought a page of API answers."""
    if raw is None or line is None or name != YoutubeApi.name:
        return []
    row = segment_row(raw, line)
    return [("call", f"{row['stage']}.list of {row['target']}" + (f", page {row['page']}" if row["page"] else ""))]


def received(raw: Path | None, name: str, line: int | None, row_id: str) -> str:
    """The payload as JSON: the items of an API answer that name the id, or a whole file; empty for other kinds."""
    if raw is None:
        return ""
    if name == YoutubeApi.name and line is not None:
        items, native = json.loads(segment_row(raw, line)["body"]).get("items", []), split_id(row_id)[1]
        told = [json.dumps(item, ensure_ascii=False) for item in items]
        return f"[{', '.join(one for one in told if json.dumps(native, ensure_ascii=False) in one)}]"
    if raw.suffix == ".json" and line is None:
        return raw.read_bytes().decode("utf-8", "replace")
    return ""


def payload(text: str) -> list[str]:
    """The payload itself, cut where it is long."""
    cut = f"… ({len(text):,} characters in all)" if len(text) > SHOWN else ""
    return [f"payload:     {text[:SHOWN]}{cut}"] if text else []
