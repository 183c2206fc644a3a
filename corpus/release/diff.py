"""`cbc corpus diff A B`: count rows that only one of two releases holds, and changes in the rows of both.

Rows are compared by key, table by table, over all splits; rows that moved to another split are counted separately.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from corpus.files.sql import quote_file, same_key
from corpus.printing import table_text
from corpus.release.manifest import open_release
from corpus.release.tables import RELEASED

SHOWN = 10


@dataclass(frozen=True)
class TableDiff:
    """Differences in a table: rows only in A, only in B, in both, changed by column, moved to another split."""

    table: str
    only_a: int
    only_b: int
    same: int
    changed: dict[str, int]
    moved: int
    examples: tuple[str, ...]


def diff(a: Path, b: Path) -> list[TableDiff]:
    """Compare two releases table by table. Raises NoSuchPath, WrongVersion, BrokenTable."""
    tables = [open_release(root)["rows"] for root in (a, b)]
    with duckdb.connect() as connection:
        return [compare(connection, table, a, b) for table in dict.fromkeys([*tables[0], *tables[1]])]


def compare(connection: duckdb.DuckDBPyConnection, table: str, a: Path, b: Path) -> TableDiff:
    """Compare a table of both releases; one that a release lacks has no rows there."""
    keys = RELEASED[table].key
    for side, root in (("a", a), ("b", b)):
        path = root / table if (root / table).is_dir() else (b if side == "a" else a) / table
        files = f"read_parquet({quote_file(path, '/*.parquet')}, filename=true)"
        no_rows = "" if path.parent == root else "WHERE false"
        rows = f"(SELECT *, parse_filename(filename, true) AS _split FROM {files} {no_rows})"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW _{side} AS FROM {rows}")
    same_keys = same_key(keys, "a", "b")
    columns = [name for name in RELEASED[table].columns if name not in keys]
    changed = ", ".join(f'count(*) FILTER (a."{name}" IS DISTINCT FROM b."{name}")' for name in columns) or "0"
    joined = f"FROM _a a JOIN _b b ON {same_keys}"
    both, moved, *counts = connection.execute(
        f"SELECT count(*), count(*) FILTER (a._split <> b._split), {changed} {joined}"
    ).fetchall()[0]
    only_a, only_b = [
        connection.execute(f"SELECT count(*) FROM _{x} {x} ANTI JOIN _{y} {y} ON {same_keys}").fetchall()[0][0]
        for x, y in (("a", "b"), ("b", "a"))
    ]
    key_columns = ", ".join(f'a."{key}"' for key in keys)
    missing = f"SELECT {key_columns} FROM _a a ANTI JOIN _b b ON {same_keys} ORDER BY ALL LIMIT {SHOWN}"
    examples = tuple(str(row[0]) for row in connection.execute(missing).fetchall())
    by_column = {name: count for name, count in zip(columns, counts, strict=False) if count}
    return TableDiff(table, only_a, only_b, both, by_column, moved, examples)


def diff_text(differences: list[TableDiff], a: Path, b: Path) -> str:
    """Format the differences as a table, with ids of messages only in A."""
    rows = []
    for difference in differences:
        changed = ", ".join(f"{column} {count:,}" for column, count in difference.changed.items())
        rows.append(
            (difference.table, difference.only_a, difference.only_b, difference.same, difference.moved, changed)
        )
    lines = [table_text(["table", "only in A", "only in B", "in both", "other split", "changed"], rows, widest=200)]
    messages = next((difference for difference in differences if difference.table == "message"), None)
    if messages and messages.examples:
        rest = messages.only_a - len(messages.examples)
        more = f" and {rest:,} more" if rest > 0 else ""
        lines.append(f"messages only in A: {', '.join(messages.examples)}{more}")
    return "\n\n".join([f"A {a}\nB {b}", *lines])
