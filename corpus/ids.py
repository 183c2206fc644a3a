"""Ids of messages and communicators: `medium:id`, so that two media never share one.

`id` is the medium's own name for it (an extractor's name before it where the medium is `other`). YouTube's own ids go
back to the outside world bare: in the published shape, file names, the crawl's frontier and lists of ids.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import duckdb

from corpus.errors import CbcError
from corpus.files.sql import quote
from corpus.schema import MEDIA

BARE = "youtube:"  # what ids lose on their way out


class UnknownId(CbcError):
    """The corpus holds nothing under an id."""


class AmbiguousId(CbcError):
    """An id without its medium names several things."""


def global_id(medium: str, native: str) -> str:
    """The id of what a medium calls `native`."""
    return f"{medium}:{native}"


def split_id(name: str) -> tuple[str, str]:
    """Medium and native id; the medium is empty where the name has none."""
    medium, _, native = name.partition(":")
    return (medium, native) if native and medium in MEDIA else ("", name)


def public_id(name: str) -> str:
    """An id as the outside world writes it: YouTube's bare, all others with their medium."""
    return name.removeprefix(BARE)


def global_id_sql(medium: str, column: str) -> str:
    """SQL of a mapping's id; one that names the medium already is left as it is."""
    prefix = quote(global_id(medium, ""))
    return f"CASE WHEN starts_with({column}, {prefix}) THEN {column} ELSE {prefix} || {column} END"


def public_id_sql(column: str) -> str:
    """SQL of `public_id`."""
    return f"CASE WHEN starts_with({column}, '{BARE}') THEN substring({column}, {len(BARE) + 1}) ELSE {column} END"


def from_public_sql(column: str) -> str:
    """SQL that undoes `public_id`: what begins with no other medium is YouTube's."""
    others = ", ".join(quote(medium) for medium in MEDIA if medium != BARE[:-1])
    known = f"contains({column}, ':') AND split_part({column}, ':', 1) IN ({others})"
    return f"CASE WHEN {known} THEN {column} ELSE '{BARE}' || {column} END"


NAMES = {
    "message": ("message_id", "FROM message"),
    "communicator": (
        "communicator_id",
        "FROM (SELECT communicator_id FROM communicator_observation UNION SELECT communicator_id FROM message)",
    ),
    "comment": ("comment_id", "FROM comment"),
}
"""Where ids of each kind stand."""


def resolve(
    connection: duckdb.DuckDBPyConnection, name: str, where: str, more: Mapping[str, Collection[str]] | None = None
) -> dict[str, str]:
    """The full id under each kind (message, communicator, comment) that a full or bare id names.

    `where` names the corpus in messages, `more` are ids of each kind beside those it holds. Raises UnknownId,
    AmbiguousId.
    """
    names = [name, *(global_id(medium, name) for medium in MEDIA)]
    found: dict[str, list[str]] = {}
    for kind, (column, rows) in NAMES.items():
        asked = f"SELECT DISTINCT {column} {rows} WHERE list_contains($names, {column}) ORDER BY 1"
        held = [row[0] for row in connection.execute(asked, {"names": names}).fetchall()]
        found[kind] = [*held, *(one for one in names if one in (more or {}).get(kind, ()))]
    ids = sorted({one for several in found.values() for one in several})
    if not ids:
        mend = "find ids with `cbc corpus sql`; what shall never be fetched goes on the recipe's opt-out list"
        raise UnknownId(f"{where} holds no message, communicator or comment {name}", mend)
    if name in ids:
        ids = [name]
    if len(ids) > 1:
        raise AmbiguousId(f"{name} names {' and '.join(ids)}", "give the whole id")
    return {kind: ids[0] for kind, several in found.items() if ids[0] in several}
