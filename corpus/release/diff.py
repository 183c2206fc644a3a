"""`cbc corpus diff A B`: what one release has and the other has not, and what changed in what both have.

Compared by key, table by table, over all splits; ids that moved between splits are told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from corpus.errors import BrokenTable
from corpus.files.sql import quote_file
from corpus.printing import table_text
from corpus.published_shape import PUBLISHED
from corpus.schema import TABLES
from corpus.store import read_manifest

FORMAT, FORMAT_VERSION = "cbc-release", 1
SHOWN = 10


@dataclass(frozen=True)
class TableDiff:
    """One table of two releases: rows only in A, only in B, changed by column, moved to another split."""

    table: str
    only_a: int
    only_b: int
    same: int
    changed: dict[str, int]
    moved: int
    examples: tuple[str, ...]


def open_release(root: Path) -> dict[str, Any]:
    """A release's manifest. Raises NoSuchPath, WrongVersion, BrokenTable."""
    make = "make one with `cbc corpus release --corpus DIR --out REL`"
    manifest = read_manifest(root, "release", (FORMAT, FORMAT_VERSION), make, "release its corpus again")
    lacking = [name for name in manifest["files"] if not (root / name).is_file()]
    if lacking:
        raise BrokenTable(f"{root} lacks {lacking[0]}", "get the release again, and check it with SHA256SUMS")
    return manifest


def diff(a: Path, b: Path) -> list[TableDiff]:
    """The differences of two releases, table by table. Raises NoSuchPath, WrongVersion, BrokenTable."""
    tables = [open_release(root)["rows"] for root in (a, b)]
    with duckdb.connect() as connection:
        return [compare(connection, table, a, b) for table in dict.fromkeys([*tables[0], *tables[1]])]


def compare(connection: duckdb.DuckDBPyConnection, table: str, a: Path, b: Path) -> TableDiff:
    """One table of both; a release without it has no rows of it."""
    keys = ("video_id",) if table == "published" else TABLES[table].key
    columns = list(PUBLISHED) if table == "published" else TABLES[table].names
    for side, root in (("a", a), ("b", b)):
        path = root / table if (root / table).is_dir() else (b if side == "a" else a) / table
        files = f"read_parquet({quote_file(path, '/*.parquet')}, filename=true)"
        none = "" if path.parent == root else "WHERE false"
        rows = f"(SELECT *, parse_filename(filename, true) AS _split FROM {files} {none})"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW _{side} AS FROM {rows}")
    same = " AND ".join(f'a."{key}" IS NOT DISTINCT FROM b."{key}"' for key in keys)
    rest = [name for name in columns if name not in keys]
    changed = ", ".join(f'count(*) FILTER (a."{name}" IS DISTINCT FROM b."{name}")' for name in rest) or "0"
    joined = f"FROM _a a JOIN _b b ON {same}"
    both, moved, *counts = connection.execute(
        f"SELECT count(*), count(*) FILTER (a._split <> b._split), {changed} {joined}"
    ).fetchall()[0]
    only = [
        connection.execute(f"SELECT count(*) FROM _{x} {x} ANTI JOIN _{y} {y} ON {same}").fetchall()[0][0]
        for x, y in (("a", "b"), ("b", "a"))
    ]
    shown = ", ".join(f'a."{key}"' for key in keys)
    some = f"SELECT {shown} FROM _a a ANTI JOIN _b b ON {same} ORDER BY ALL LIMIT {SHOWN}"
    gone = connection.execute(some).fetchall()
    found = {name: n for name, n in zip(rest, counts, strict=False) if n}
    return TableDiff(table, only[0], only[1], both, found, moved, tuple(str(row[0]) for row in gone))


def diff_text(found: list[TableDiff], a: Path, b: Path) -> str:
    """The differences as a table, with ids that are gone."""
    rows = []
    for one in found:
        changed = ", ".join(f"{column} {count:,}" for column, count in one.changed.items())
        rows.append((one.table, one.only_a, one.only_b, one.same, one.moved, changed))
    lines = [table_text(["table", "only in A", "only in B", "in both", "other split", "changed"], rows, widest=200)]
    gone = next((one for one in found if one.table == "message"), None)
    if gone and gone.examples:
        more = f" and {gone.only_a - len(gone.examples):,} more" if gone.only_a > len(gone.examples) else ""
        lines.append(f"messages only in A: {', '.join(gone.examples)}{more}")
    return "\n\n".join([f"A {a}\nB {b}", *lines])
