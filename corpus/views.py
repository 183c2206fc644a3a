"""SQL of the views of a corpus: tables from parquet files, overlaid with annotations, without removed messages.

A table's files hold each key once. `cells/` holds values that later payloads filled in existing rows. `cut` lists the
messages that a later observation cut into scenes again; only their newest cut is shown. DuckDB 1.0 reads this SQL.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.files.sql import quote, same_key
from corpus.overlay import SOURCE, Layer, overlaid_by_key, overlaid_scene
from corpus.schema import FILLED_BY, LATER, OVERLAID, TABLES, Table

REMOVED = ("message_id", "filter", "reason", "value", "duplicate_of")
COMMENT_AGGREGATE = """SELECT message_id, count(*) AS comments, nullif(count(DISTINCT author), 0) AS authors,
    avg(likes) AS mean_likes, histogram(sentiment) FILTER (sentiment IS NOT NULL) AS sentiments,
    min(published_at) AS first_at, max(published_at) AS last_at FROM comment GROUP BY message_id"""
NAMED = {
    **{"message": "message_source", "scene": "scene_source", "comment": "comment_source"},
    "communicator": "communicator_observation",
}
"""Table -> name of its own view, where the table's name is taken by a view derived from it."""
KNOWN = ", ".join(f'arg_max("{name}", seen_at) AS "{name}"' for name in TABLES["communicator"].names[1:-1])
NEWEST = (  # per column: a newer observation without a company must not erase it
    f"SELECT communicator_id, {KNOWN}, max(as_of) AS as_of FROM (SELECT *, "
    "coalesce(as_of, '-infinity'::TIMESTAMP) AS seen_at FROM communicator_observation) GROUP BY communicator_id"
)
SHOWN_OF_CUT = {
    "scene": "cut_at IS NOT DISTINCT FROM newest_cut",
    "effect": "scene IS NULL OR newest_cut IS NULL OR observed_at >= newest_cut",
}
"""Table -> condition for the rows of a message with several cuts to be shown."""

MEDIA_COLUMNS = {"start_s", "file", "reason"}
"""Columns that only annotations of media files have, all of them."""


@dataclass(frozen=True)
class Views:
    """The views of the corpus at `root`; with `kept`, without messages that filters removed.

    Paths begin with `base`; it is empty for views that move with their folder. `overlay` maps TABLE.COLUMN to the
    labels of its layers: the first one with a value gives it.
    """

    root: Path
    base: str
    kept: bool = False
    overlay: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def statements(self) -> Iterator[str]:
        """Yield the statements that create the views, each after those it reads."""
        yield _view("removed", self._removed())
        for name in TABLES:
            yield _view(NAMED.get(name, name), self._kept(name, self.current(name)))
        yield _view("communicator", NEWEST)
        for label in annotation_labels(self.root):
            yield _view(label, self.annotation(label))
        yield _view("rejects", self._rejects())
        for name in ("message", "comment"):
            yield _view(name, overlaid_by_key(NAMED[name], TABLES[name], self._layers(name)))
        yield _view("comment_aggregate", COMMENT_AGGREGATE)
        yield _view("scene", overlaid_scene("scene_source", TABLES["scene"], self._layers("scene")))

    def files(self, pattern: str, by_name: bool = False) -> str | None:
        """SQL relation of the parquet files that match a pattern; None if there are none."""
        if not any(self.root.glob(pattern)):
            return None
        paths_sql = quote(glob.escape(self.base) + pattern)
        return f"read_parquet({paths_sql}{', union_by_name = true' if by_name else ''})"

    def rows(self, name: str) -> str:
        """SQL of a table's rows including cells filled later, with every cut of scenes."""
        table, rows = TABLES[name], self.files(f"tables/*/{name}.parquet", by_name=name in LATER)
        empty = f"SELECT {', '.join(_nulls(table))} WHERE false"
        if rows is None:
            return empty
        if name in LATER:
            rows = f"({empty} UNION ALL BY NAME SELECT * FROM {rows})"
        return filled_sql(rows, self.files(f"tables/*/cells/{name}.parquet"), table.key, table.names)

    def annotation(self, label: str) -> str:
        """SQL of an annotation's rows including cells filled later."""
        rows, cells = (self.files(f"annotations/{label}/{files}", by_name=True) for files in ("*.parquet", "cells/*"))
        columns = list(annotation_columns(self.root, label)) if cells else []
        return filled_sql(rows or "", cells, ("message_id",), columns)

    def current(self, name: str) -> str:
        """SQL of a table's current rows: scenes and their effects of each message's newest cut only."""
        rows, cuts = self.rows(name), self.files("tables/*/cut.parquet")
        if cuts is None or name not in SHOWN_OF_CUT:
            return rows
        newest = f"(SELECT message_id, max(cut_at) AS newest_cut FROM {cuts} GROUP BY message_id)"
        relation = f"({rows}) LEFT JOIN {newest} AS newest USING (message_id)"
        return f"SELECT * EXCLUDE (newest_cut) FROM {relation} WHERE {SHOWN_OF_CUT[name]}"

    def _rejects(self) -> str:
        """SQL of rejected records, and of media files of which an annotator could make nothing."""
        parts = [self.current("rejects")]
        for label in annotation_labels(self.root):
            if annotation_columns(self.root, label).keys() >= MEDIA_COLUMNS:
                cells = f"{quote(label)} AS source, file, reason, message_id AS value"
                parts.append(f'SELECT {cells} FROM "{label}" WHERE reason IS NOT NULL')
        return " UNION ALL BY NAME ".join(parts)

    def _removed(self) -> str:
        """SQL of the messages that filters removed."""
        rows = self.files("filtered/removed.parquet")
        empty = f"SELECT {', '.join(f'NULL::VARCHAR AS {name}' for name in REMOVED)} WHERE false"
        return f"SELECT * FROM {rows}" if rows else empty

    def _kept(self, name: str, rows: str) -> str:
        """SQL of a table's rows; with `kept`, without those of messages that filters removed."""
        if not self.kept or "message_id" not in TABLES[name].names or not self.files("filtered/removed.parquet"):
            return rows
        return f"SELECT * FROM ({rows}) ANTI JOIN removed USING (message_id)"

    def _layers(self, table: str) -> dict[str, list[Layer]]:
        """Layers of each column that annotations may fill; annotations that do not exist are skipped."""
        used = {label for labels in self.overlay.values() for label in labels} & set(annotation_labels(self.root))
        types = {label: annotation_columns(self.root, label) for label in used}
        return {
            column: [
                Layer(label, "start_s" in types.get(label, {}), pa.types.is_list(types[label][column]))
                if label != SOURCE
                else Layer(SOURCE)
                for label in self.overlay.get(f"{table}.{column}", (SOURCE,))
                if label == SOURCE or types.get(label, {}).keys() >= {column, *FILLED_BY[table]}
            ]
            for column in OVERLAID[table]
        }


def annotation_labels(root: Path) -> list[str]:
    """Labels (NAME@VERSION) of the annotations of a corpus, sorted."""
    return sorted(path.name for path in (root / "annotations").glob("*@*") if any(path.glob("*.parquet")))


def annotation_columns(root: Path, label: str) -> dict[str, pa.DataType]:
    """The columns of an annotation's files and their types."""
    schemas = [pq.read_schema(path) for path in sorted((root / "annotations" / label).glob("*.parquet"))]
    return {field.name: field.type for schema in reversed(schemas) for field in schema}


def filled_sql(rows: str, cells: str | None, keys: Sequence[str], columns: Sequence[str]) -> str:
    """SQL of rows whose nulls are filled from `cells`, which holds each cell once."""
    if cells is None:
        return f"SELECT * FROM {rows}"
    key_sql = ", ".join(f'"{key}"' for key in keys)
    values_sql = ", ".join(f'any_value("{name}") AS "{name}"' for name in columns if name not in keys)
    columns_sql = ", ".join(
        f'r."{name}"' if name in keys else f'coalesce(r."{name}", c."{name}") AS "{name}"' for name in columns
    )
    return (
        f"SELECT {columns_sql} FROM {rows} AS r "
        f"LEFT JOIN (SELECT {key_sql}, {values_sql} FROM {cells} GROUP BY {key_sql}) AS c "
        f"ON {same_key(keys, 'r', 'c')}"
    )


def _view(name: str, sql: str) -> str:
    return f'CREATE OR REPLACE VIEW "{name}" AS {sql}'


def _nulls(table: Table) -> list[str]:
    return [f'NULL::{column.type} AS "{column.name}"' for column in table.columns]
