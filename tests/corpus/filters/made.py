"""Corpora of a few messages, written as one ingest, and what filters say of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from corpus.files.atomic import write_json
from corpus.filters.recipe import load_filter_recipe
from corpus.filters.run import run_filters
from corpus.schema import TABLES
from corpus.store import Corpus

DAY = datetime(2024, 1, 1)


def corpus_of(root: Path, ingest: str = "made-0000000000000000", **tables: Iterable[Mapping[str, Any]]) -> Path:
    """A corpus with these rows; what a row leaves out is null, a message is a post of one day if not said otherwise."""
    Corpus.create(root)
    place = root / "tables" / ingest
    place.mkdir(parents=True)
    with duckdb.connect() as connection:
        for name, rows in tables.items():
            shown = [{"kind": "post", "published_at": DAY, **row} if name == "message" else row for row in rows]
            table = pa.table({column: [row.get(column) for row in shown] for column in TABLES[name].names})
            cast = ", ".join(f'"{column.name}"::{column.type} AS "{column.name}"' for column in TABLES[name].columns)
            connection.register("given", table)
            connection.execute(f"COPY (SELECT {cast} FROM given) TO '{place / f'{name}.parquet'}'")
    write_json(place / "manifest.json", {"ingest": ingest, "source": "made@1", "files": []})
    return root


def posts(*bodies: str | None) -> list[dict[str, Any]]:
    """Posts p0, p1, ... of one day with these texts."""
    return [{"message_id": f"p{n:03}", "body": body} for n, body in enumerate(bodies)]


def recipe(folder: Path, *filters: Any) -> Path:
    """A recipe file."""
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({"filters": list(filters)}), encoding="utf-8")
    return path


def removed(root: Path, *filters: Any) -> dict[str, tuple[Any, ...]]:
    """Run the filters; reason, value and duplicate_of of every message removed."""
    manifest = run_filters(load_filter_recipe(recipe(root.parent, *filters)), root)
    with Corpus.open(root).connect() as connection:
        rows = connection.execute("SELECT message_id, reason, value, duplicate_of FROM removed").fetchall()
    assert manifest["messages"] - manifest["kept"] == len(rows) == len({row[0] for row in rows})
    return {row[0]: row[1:] for row in rows}
