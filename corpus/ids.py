"""Ids of messages and communicators: `medium:id`, so that two media never share one.

`id` is the id within the medium, prefixed by the extractor's name where the medium is `other`. Outside the tables (the
published shape, file names, the crawl's frontier, lists of ids) YouTube's ids are written without their medium.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import duckdb

from corpus.console import command_text
from corpus.errors import CbcError
from corpus.files.sql import quote
from corpus.schema import MEDIA

BARE = "youtube:"  # prefix that public ids drop


class UnknownId(CbcError):
    """The corpus holds no row with the id."""


class AmbiguousId(CbcError):
    """An id without a medium fits several ids of the corpus."""


def global_id(medium: str, native: str) -> str:
    """Join a medium and its own id."""
    return f"{medium}:{native}"


def split_id(name: str) -> tuple[str, str]:
    """Split an id into medium and native id; the medium is empty if the name has none."""
    medium, _, native = name.partition(":")
    return (medium, native) if native and medium in MEDIA else ("", name)


def public_id(name: str) -> str:
    """Public form of an id: YouTube's without the medium, all others unchanged."""
    return name.removeprefix(BARE)


def global_id_sql(medium: str, column: str) -> str:
    """SQL that prefixes a column's ids with the medium, unless they have it already."""
    prefix = quote(global_id(medium, ""))
    return f"CASE WHEN starts_with({column}, {prefix}) THEN {column} ELSE {prefix} || {column} END"


def public_id_sql(column: str) -> str:
    """SQL of `public_id`."""
    return f"CASE WHEN starts_with({column}, '{BARE}') THEN substring({column}, {len(BARE) + 1}) ELSE {column} END"


def from_public_sql(column: str) -> str:
    """SQL that undoes `public_id`: an id without a medium is YouTube's."""
    media = ", ".join(quote(medium) for medium in MEDIA if medium != BARE[:-1])
    has_medium = f"contains({column}, ':') AND split_part({column}, ':', 1) IN ({media})"
    return f"CASE WHEN {has_medium} THEN {column} ELSE '{BARE}' || {column} END"


NAMES = {
    "message": ("message_id", "FROM message"),
    "communicator": (
        "communicator_id",
        "FROM (SELECT communicator_id FROM communicator_observation UNION SELECT communicator_id FROM message)",
    ),
    "comment": ("comment_id", "FROM comment"),
}
"""Kind -> column of its ids, and the relation that lists them."""


def resolve_id(
    connection: duckdb.DuckDBPyConnection, name: str, where: str, extra: Mapping[str, Collection[str]] | None = None
) -> dict[str, str]:
    """Find the full id of a full or bare id, under each kind (message, communicator, comment) that has it.

    `where` names the corpus in error messages; `extra` are further known ids of each kind.
    Raises UnknownId, AmbiguousId.
    """
    names = [name, *(global_id(medium, name) for medium in MEDIA)]
    ids_by_kind: dict[str, list[str]] = {}
    for kind, (column, rows) in NAMES.items():
        sql = f"SELECT DISTINCT {column} {rows} WHERE list_contains($names, {column}) ORDER BY 1"
        stored = [row[0] for row in connection.execute(sql, {"names": names}).fetchall()]
        ids_by_kind[kind] = [*stored, *(match for match in names if match in (extra or {}).get(kind, ()))]
    ids = sorted({match for matches in ids_by_kind.values() for match in matches})
    if not ids:
        listing = command_text("cbc", "corpus", "sql", "SELECT message_id FROM message", "--corpus", where)
        raise UnknownId(f"{where} holds no message, communicator or comment {name}", f"list ids with: {listing}")
    if name in ids:
        ids = [name]
    if len(ids) > 1:
        raise AmbiguousId(f"{name} may mean {' or '.join(ids)}", "give the whole id")
    return {kind: ids[0] for kind, matches in ids_by_kind.items() if ids[0] in matches}
