"""Merge staged rows with those of the corpus: new rows stay, new cells fill empty ones, contradictions are noted.

Only rows whose key stands twice, in the batch or in the corpus, are looked at closely; what is new passes untouched.
Of several records the earliest wins, cell by cell, and what the corpus holds wins over all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from corpus.files.sql import quote, quote_file, same_key

NOTES = """
CREATE TABLE _known (_record BIGINT, place VARCHAR);
CREATE TABLE _filled (_record BIGINT);
CREATE TABLE _contradiction (_record BIGINT, reason VARCHAR, value VARCHAR);
"""
"""Records that named a row which was there, that filled a cell of one, that say otherwise."""
CONTRADICTS = "contradicts "
"""How the reason of a contradiction begins; what was contradicted follows."""
SHOWN_CHARACTERS = 80
AGREES = {
    "message.duration_s": "abs({new} - {held}) < 1",
    "message.published_at": "{new}::DATE = {held}::DATE AND ({new} = {held} OR {new} = {new}::DATE "
    "OR {held} = {held}::DATE)",  # a day is no other time than a moment of that day
    "message.language": "split_part(lower({new}), '-', 1) = split_part(lower({held}), '-', 1)",
    "scene.start_s": "abs({new} - {held}) < 1",
    "scene.end_s": "abs({new} - {held}) < 1",
    "comment.likes": "true",  # seen later, without a time of its own
    "effect.exposure": "true",  # its own metric says so
}
"""When two values of a column agree; elsewhere when they are equal."""


@dataclass(frozen=True)
class Target:
    """A staged table, where its rows go, the columns that name one, and the files in which the corpus holds some."""

    place: str
    table: str
    keys: tuple[str, ...]
    held: Sequence[Path]

    @property
    def cells(self) -> str:
        """The staged table of cells that fill rows of the corpus."""
        return f"{self.table} cells"


def list_repeats(table: str, keys: Sequence[str]) -> str:
    """SQL that lists the hashes of keys that stand more than once in a table, in the table `TABLE repeats`."""
    # Distinct hashes prove distinct keys and cost a tenth of grouping by the keys themselves.
    hashes = f'SELECT hash({_names(keys)}) AS h FROM "{table}" GROUP BY h HAVING count(*) > 1'
    return f'CREATE TABLE "{table} repeats" AS {hashes}'


def merge(connection: duckdb.DuckDBPyConnection, target: Target) -> None:
    """Leave rows of new keys, each once, in the target's table, fill its `cells`, and note what records did.

    `list_repeats` has run for the table.
    """
    described = connection.execute(f'DESCRIBE "{target.table}"').fetchall()
    values = [name for name, *_ in described if name not in (*target.keys, "_record")]
    connection.execute(f'CREATE TABLE "{target.cells}" AS FROM "{target.table}" LIMIT 0')
    if not _move_repeated(connection, target):
        return
    _combine(connection, target, values)
    keys, columns = _names(target.keys), _names([*target.keys, *values])
    connection.execute(
        f'INSERT INTO "{target.table}" BY NAME SELECT {columns}, _first AS _record FROM _combined WHERE NOT _is_held '
        f"ORDER BY _first, {keys}"
    )
    _note_outcomes(connection, target, values)


def count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    """The number of rows of "FROM ..."."""
    return int(connection.execute(f"SELECT count(*) {rows}").fetchall()[0][0])


def _move_repeated(connection: duckdb.DuckDBPyConnection, target: Target) -> bool:
    """Move rows whose key is not new, or not alone, to `_again`; says whether there are some."""
    repeats = f'FROM "{target.table} repeats"'
    met = "SELECT NULL::BIGINT AS rowid WHERE false"
    if target.held:
        met = f'SELECT s.rowid FROM "{target.table}" s JOIN {_files(target.held)} h ON {_meets(target.keys)}'
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _met AS {met}")
    if not count(connection, repeats) and not count(connection, "FROM _met"):
        return False
    chosen = f'"{target.table}" WHERE hash({_names(target.keys)}) IN ({repeats}) OR rowid IN (FROM _met)'
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _again AS SELECT * FROM {chosen}")
    connection.execute(f"DELETE FROM {chosen}")
    return True


def _combine(connection: duckdb.DuckDBPyConnection, target: Target, values: Sequence[str]) -> None:
    """Make `_combined`: for each key of `_again` the value of each column, and the record that gives it ("C from")."""
    keys = _names(target.keys)
    once = "".join(f', any_value("{name}") AS "{name}"' for name in values)
    nothing = f"SELECT {_names([*target.keys, *values])} FROM _again LIMIT 0"
    held = f"(SELECT h.* FROM {_files(target.held)} h SEMI JOIN _again s ON {_meets(target.keys)})"
    rows = f"((FROM {held}) UNION ALL BY NAME ({nothing}))" if target.held else f"({nothing})"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _held AS SELECT {keys}, true AS _is_held{once} FROM {rows} GROUP BY {keys}"
    )
    first = "".join(
        f', arg_min("{name}", _record) AS "{name}", min(_record) FILTER ("{name}" IS NOT NULL) AS "{name} from"'
        for name in values  # arg_min passes over nulls
    )
    settled = "".join(
        f', coalesce(h."{name}", s."{name}") AS "{name}", '
        f'CASE WHEN h."{name}" IS NULL THEN s."{name} from" END AS "{name} from"'
        for name in values
    )
    named = ", ".join(f's."{key}"' for key in target.keys)
    batch = f"SELECT {keys}, min(_record) AS _first{first} FROM _again GROUP BY {keys}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _combined AS "
        f"SELECT {named}, _first, coalesce(_is_held, false) AS _is_held{settled} "
        f"FROM ({batch}) s LEFT JOIN _held h ON {_meets(target.keys)}"
    )


def _note_outcomes(connection: duckdb.DuckDBPyConnection, target: Target, values: Sequence[str]) -> None:
    """Stage the cells that are filled, and note who filled some, who named a row that was there, who contradicts."""
    keys, origins = _names(target.keys), [f'"{name} from"' for name in values]
    cells = "".join(f', CASE WHEN "{name} from" IS NOT NULL THEN "{name}" END AS "{name}"' for name in values)
    connection.execute(
        f'INSERT INTO "{target.cells}" BY NAME SELECT {keys}{cells}, least({", ".join(origins)}) AS _record '
        f"FROM _combined WHERE _is_held AND coalesce({', '.join(origins)}) IS NOT NULL ORDER BY _record, {keys}"
    )
    connection.execute(
        f"INSERT INTO _filled SELECT DISTINCT r FROM (SELECT *, unnest([{', '.join(origins)}]) AS r FROM _combined) "
        "WHERE r IS NOT NULL AND (_is_held OR r > _first)"
    )
    connection.execute(f"INSERT INTO _known SELECT DISTINCT _record, {quote(target.place)} FROM _again")
    about = f"concat_ws(' ', {', '.join(f's.{quote_name(key)}::VARCHAR' for key in target.keys)})"
    facts = ", ".join(_fact(target.place, name) for name in values)
    connection.execute(
        f"INSERT INTO _contradiction SELECT _record, {quote(CONTRADICTS)} || f.column_name, "
        f"about || ': ' || f.new || ' against ' || f.held FROM (SELECT s._record, {about} AS about, "
        f"unnest([{facts}]) AS f FROM _again s JOIN _combined t ON {same_key(target.keys, 's', 't')}) WHERE f.differs"
    )


def _fact(place: str, name: str) -> str:
    """A struct that says whether a staged value differs from the settled one."""
    new, held = f's."{name}"', f't."{name}"'
    agrees = AGREES.get(f"{place}.{name}", "{new} = {held}").format(new=new, held=held)
    column = "'effect.' || s.metric" if (place, name) == ("effect", "value") else quote(f"{place}.{name}")
    shown = [f"left(regexp_replace({value}::VARCHAR, '[.]0$', ''), {SHOWN_CHARACTERS})" for value in (new, held)]
    return (
        f"{{'column_name': {column}, 'new': {shown[0]}, 'held': {shown[1]}, "
        f"'differs': {new} IS NOT NULL AND NOT coalesce({agrees}, false)}}"
    )


def quote_name(name: str) -> str:
    """A column's name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _names(columns: Sequence[str]) -> str:
    return ", ".join(map(quote_name, columns))


def _files(paths: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(map(quote_file, paths))}], union_by_name=true)"


def _meets(keys: Sequence[str]) -> str:
    """A join condition on staged `s` and held `h`; the first key is never null, which makes the join a fast one."""
    return " AND ".join([f's."{keys[0]}" = h."{keys[0]}"', *([same_key(keys[1:], "s", "h")] if keys[1:] else [])])
