"""The views `message` and `scene`: the source's own cells and what annotations say, one going before the other.

An annotation of a stretch of time goes to scenes: speech to the scene in which it begins, what is seen to every scene
that it touches. One without a time is about the whole message, and goes to all its scenes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from corpus.files.sql import quote
from corpus.schema import Table

SOURCE = "source"
"""What the source's own table is called among the layers."""
BEGINS = """(a.start_s IS NULL OR (a.start_s >= s.begins_s AND a.start_s < s.next_s))"""
TOUCHES = """(a.start_s IS NULL OR (a.start_s < coalesce(s.end_s, 'infinity'::DOUBLE)
    AND (a.end_s > coalesce(s.start_s, 0) OR a.start_s >= coalesce(s.start_s, 0))))"""
PLACED = {"speech": BEGINS}
"""How a stretch finds its scenes; what is not named here touches them."""
BOUNDS = """SELECT message_id, scene, start_s, end_s,
    CASE WHEN row_number() OVER following = 1 THEN '-infinity'::DOUBLE ELSE start_s END AS begins_s,
    coalesce(lead(start_s) OVER following, 'infinity'::DOUBLE) AS next_s
    FROM {source} WINDOW following AS (PARTITION BY message_id ORDER BY scene)"""


@dataclass(frozen=True)
class Layer:
    """Where a column is taken from: the source, or an annotation (by stretches of time or not; of lists or not)."""

    label: str
    timed: bool = False
    lists: bool = False


Join = Callable[[str, str, Layer], str]
"""SQL that joins an annotation under an alias, for a column."""


def overlaid_message(source: str, table: Table, layers: Mapping[str, Sequence[Layer]]) -> str:
    """SQL of messages with their layers, and for each column that has some a column that says which one it is from."""

    def joined(alias: str, column: str, layer: Layer) -> str:
        whole = "WHERE start_s IS NULL" if layer.timed else ""
        said = f'any_value("{column}") AS "{column}"'
        rows = f'SELECT message_id, {said} FROM "{layer.label}" {whole} GROUP BY message_id'
        return f"LEFT JOIN ({rows}) AS {alias} ON {alias}.message_id = s.message_id"

    return _overlaid(source, table, layers, joined)


def overlaid_scene(source: str, table: Table, layers: Mapping[str, Sequence[Layer]]) -> str:
    """SQL of scenes, as `overlaid_message` gives messages."""

    def joined(alias: str, column: str, layer: Layer) -> str:
        place = PLACED.get(column, TOUCHES) if layer.timed else "true"
        order = "ORDER BY a.start_s, a.end_s" if layer.timed else ""
        said = f'list(a."{column}" {order})'
        rows = (
            f'SELECT s.message_id, s.scene, {f"flatten({said})" if layer.lists else said} AS "{column}" '
            f'FROM ({BOUNDS.format(source=source)}) AS s JOIN "{layer.label}" AS a ON a.message_id = s.message_id '
            f'AND {place} WHERE a."{column}" IS NOT NULL GROUP BY s.message_id, s.scene'
        )
        return f"LEFT JOIN ({rows}) AS {alias} ON {alias}.message_id = s.message_id AND {alias}.scene = s.scene"

    return _overlaid(source, table, layers, joined)


def _overlaid(source: str, table: Table, layers: Mapping[str, Sequence[Layer]], joined: Join) -> str:
    """SQL of a table with its layers."""
    aliases = {(c, layer.label): f"a{n}" for n, (c, layer) in enumerate(_annotated(layers))}
    origins = {
        column: [(aliases.get((column, layer.label), "s"), layer.label) for layer in several]
        for column, several in layers.items()
    }
    columns = [_value(name, origins[name]) if name in origins else f's."{name}"' for name in table.names]
    columns += [_from(name, several) for name, several in origins.items()]
    joins = [joined(aliases[column, layer.label], column, layer) for column, layer in _annotated(layers)]
    return f"SELECT {', '.join(columns)} FROM {source} AS s {' '.join(joins)}"


def _annotated(layers: Mapping[str, Sequence[Layer]]) -> Iterator[tuple[str, Layer]]:
    """Each column with each annotation it may come from."""
    for column, several in layers.items():
        yield from ((column, layer) for layer in several if layer.label != SOURCE)


def _value(column: str, origins: Sequence[tuple[str, str]]) -> str:
    """The first value of a column among its origins: alias and label."""
    values = ", ".join(f'{alias}."{column}"' for alias, _ in origins)
    return f'coalesce({values}, NULL) AS "{column}"'


def _from(column: str, origins: Sequence[tuple[str, str]]) -> str:
    """The label of the origin that gave the first value."""
    cases = " ".join(f'WHEN {alias}."{column}" IS NOT NULL THEN {quote(label)}' for alias, label in origins)
    return f'CASE {cases} END AS "{column}_from"' if cases else f'NULL::VARCHAR AS "{column}_from"'
