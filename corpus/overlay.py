"""SQL of the views `message`, `comment` and `scene`: cells of the source overlaid with annotations, in a given order.

A timed annotation is assigned to scenes: speech to the scene in which it begins, everything else to every scene that it
overlaps. An annotation without times is about the whole message, and is assigned to all its scenes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from corpus.files.sql import quote
from corpus.schema import Table

SOURCE = "source"
"""Name of the layer that is the source's own table."""
BEGINS = """(a.start_s IS NULL OR (a.start_s >= s.begins_s AND a.start_s < s.next_s))"""
TOUCHES = """(a.start_s IS NULL OR (a.start_s < coalesce(s.end_s, 'infinity'::DOUBLE)
    AND (a.end_s > coalesce(s.start_s, 0) OR a.start_s >= coalesce(s.start_s, 0))))"""
PLACED = {"speech": BEGINS}
"""Column -> condition that assigns a time span to a scene; TOUCHES for columns not listed."""
BOUNDS = """SELECT message_id, scene, start_s, end_s,
    CASE WHEN row_number() OVER following = 1 THEN '-infinity'::DOUBLE ELSE start_s END AS begins_s,
    coalesce(lead(start_s) OVER following, 'infinity'::DOUBLE) AS next_s
    FROM {source} WINDOW following AS (PARTITION BY message_id ORDER BY scene)"""


@dataclass(frozen=True)
class Layer:
    """A place that a column is taken from: the source, or an annotation; `timed`: by time span, `lists`: of lists."""

    label: str
    timed: bool = False
    lists: bool = False


Join = Callable[[str, str, Layer], str]
"""(alias, column, layer) -> SQL of the join with the annotation."""


def overlaid_by_key(source: str, table: Table, layers: Mapping[str, Sequence[Layer]]) -> str:
    """SQL of messages or comments overlaid with their layers; COLUMN_from names the layer each value came from."""
    key = ", ".join(table.key)

    def join_sql(alias: str, column: str, layer: Layer) -> str:
        untimed = "WHERE start_s IS NULL" if layer.timed else ""
        value_sql = f'any_value("{column}") AS "{column}"'
        rows = f'SELECT {key}, {value_sql} FROM "{layer.label}" {untimed} GROUP BY {key}'
        return f"LEFT JOIN ({rows}) AS {alias} ON {' AND '.join(f'{alias}.{name} = s.{name}' for name in table.key)}"

    return _overlaid(source, table, layers, join_sql)


def overlaid_scene(source: str, table: Table, layers: Mapping[str, Sequence[Layer]]) -> str:
    """SQL of scenes overlaid with their layers, as `overlaid_by_key`."""

    def join_sql(alias: str, column: str, layer: Layer) -> str:
        condition = PLACED.get(column, TOUCHES) if layer.timed else "true"
        order = "ORDER BY a.start_s, a.end_s" if layer.timed else ""
        list_sql = f'list(a."{column}" {order})'
        rows = (
            f'SELECT s.message_id, s.scene, {f"flatten({list_sql})" if layer.lists else list_sql} AS "{column}" '
            f'FROM ({BOUNDS.format(source=source)}) AS s JOIN "{layer.label}" AS a ON a.message_id = s.message_id '
            f'AND {condition} WHERE a."{column}" IS NOT NULL GROUP BY s.message_id, s.scene'
        )
        return f"LEFT JOIN ({rows}) AS {alias} ON {alias}.message_id = s.message_id AND {alias}.scene = s.scene"

    return _overlaid(source, table, layers, join_sql)


def _overlaid(source: str, table: Table, layers: Mapping[str, Sequence[Layer]], join_sql: Join) -> str:
    """SQL of a table overlaid with its layers."""
    aliases = {(c, layer.label): f"a{n}" for n, (c, layer) in enumerate(_annotated(layers))}
    origins = {
        column: [(aliases.get((column, layer.label), "s"), layer.label) for layer in column_layers]
        for column, column_layers in layers.items()
    }
    columns = [_value(name, origins[name]) if name in origins else f's."{name}"' for name in table.names]
    columns += [_from(name, places) for name, places in origins.items()]
    joins = [join_sql(aliases[column, layer.label], column, layer) for column, layer in _annotated(layers)]
    return f"SELECT {', '.join(columns)} FROM {source} AS s {' '.join(joins)}"


def _annotated(layers: Mapping[str, Sequence[Layer]]) -> Iterator[tuple[str, Layer]]:
    """Yield each column with each annotation among its layers."""
    for column, column_layers in layers.items():
        yield from ((column, layer) for layer in column_layers if layer.label != SOURCE)


def _value(column: str, origins: Sequence[tuple[str, str]]) -> str:
    """SQL of the first value of a column among its origins (alias, label)."""
    values = ", ".join(f'{alias}."{column}"' for alias, _ in origins)
    return f'coalesce({values}, NULL) AS "{column}"'


def _from(column: str, origins: Sequence[tuple[str, str]]) -> str:
    """SQL of the label of the origin that gave the first value."""
    cases = " ".join(f'WHEN {alias}."{column}" IS NOT NULL THEN {quote(label)}' for alias, label in origins)
    return f'CASE {cases} END AS "{column}_from"' if cases else f'NULL::VARCHAR AS "{column}_from"'
