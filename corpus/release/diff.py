"""`cbc corpus diff A B`: rows that only one of two releases holds, and what changed in the rows of both.

They are compared by key, table by table, over all splits; rows that moved to another split are counted apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from corpus.files.sql import quote_file
from corpus.printing import table_text
from corpus.release.manifest import open_release
from corpus.release.tables import RELEASED

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


def diff(a: Path, b: Path) -> list[TableDiff]:
    """The differences of two releases, table by table. Raises NoSuchPath, WrongVersion, BrokenTable."""
    tables = [open_release(root)["rows"] for root in (a, b)]
    with duckdb.connect() as connection:
        return [compare(connection, table, a, b) for table in dict.fromkeys([*tables[0], *tables[1]])]


def compare(connection: duckdb.DuckDBPyConnection, table: str, a: Path, b: Path) -> TableDiff:
    """Compare one table of both; a release without it has no rows of it."""
    keys = RELEASED[table].key
    for side, root in (("a", a), ("b", b)):
        path = root / table if (root / table).is_dir() else (b if side == "a" else a) / table
        files = f"read_parquet({quote_file(path, '/*.parquet')}, filename=true)"
        none = "" if path.parent == root else "WHERE false"
        rows = f"(SELECT *, parse_filename(filename, true) AS _split FROM {files} {none})"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW _{side} AS FROM {rows}")
    same = " AND ".join(f'a."{key}" IS NOT DISTINCT FROM b."{key}"' for key in keys)
    rest = [name for name in RELEASED[table].columns if name not in keys]
    changed = ", ".join(f'count(*) FILTER (a."{name}" IS DISTINCT FROM b."{name}")' for name in rest) or "0"
    joined = f"FROM _a a JOIN _b b ON {same}"
    both, moved, *counts = connection.execute(
        f"SELECT count(*), count(*) FILTER (a._split <> b._split), {changed} {joined}"
    ).fetchall()[0]
    only_a, only_b = [
        connection.execute(f"SELECT count(*) FROM _{x} {x} ANTI JOIN _{y} {y} ON {same}").fetchall()[0][0]
        for x, y in (("a", "b"), ("b", "a"))
    ]
    shown = ", ".join(f'a."{key}"' for key in keys)
    missing = f"SELECT {shown} FROM _a a ANTI JOIN _b b ON {same} ORDER BY ALL LIMIT {SHOWN}"
    examples = tuple(str(row[0]) for row in connection.execute(missing).fetchall())
    by_column = {name: count for name, count in zip(rest, counts, strict=False) if count}
    return TableDiff(table, only_a, only_b, both, by_column, moved, examples)


def diff_text(differences: list[TableDiff], a: Path, b: Path) -> str:
    """The differences as a table, with ids of messages that are gone."""
    rows = []
    for each in differences:
        changed = ", ".join(f"{column} {count:,}" for column, count in each.changed.items())
        rows.append((each.table, each.only_a, each.only_b, each.same, each.moved, changed))
    lines = [table_text(["table", "only in A", "only in B", "in both", "other split", "changed"], rows, widest=200)]
    gone = next((each for each in differences if each.table == "message"), None)
    if gone and gone.examples:
        more = f" and {gone.only_a - len(gone.examples):,} more" if gone.only_a > len(gone.examples) else ""
        lines.append(f"messages only in A: {', '.join(gone.examples)}{more}")
    return "\n\n".join([f"A {a}\nB {b}", *lines])
