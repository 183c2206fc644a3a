"""What a takedown takes: the ids, the rows they stand for, and the marks by which their text is told everywhere.

CORPUS/takedown.json holds it from before the first row goes until the search at the end has found nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from corpus.files.atomic import write_json
from corpus.files.parquet_rows import rows_as_json
from corpus.files.sql import quote_file
from corpus.ids import resolve
from corpus.store import Corpus
from corpus.takedown.reread_raw import records
from corpus.takedown.search import ROWS
from corpus.withdrawn.search_terms import Marks, found_in, pieces
from corpus.withdrawn.tombstones import KINDS, Ids, all_ids, as_ids, list_gone, union, withdrawn

PENDING = "takedown.json"
HELD = {
    "message": "message_id IN (SELECT id FROM _gone WHERE kind = 'message')",
    "communicator": "communicator_id IN (SELECT id FROM _gone WHERE kind = 'communicator')",
    "comment": "message_id IN (SELECT id FROM _gone WHERE kind = 'message') "
    "OR comment_id IN (SELECT id FROM _gone WHERE kind = 'comment')",
    "provenance": "(table_name, row_key) IN (SELECT kind, id FROM _gone)",
}
"""Which rows of a table go; of every other table and annotation those of the messages."""
TEXTS = {"message": ("title", "body"), "communicator": ("name",), "comment": ("text",)}
"""The columns that hold somebody's words; of scenes and annotations all do."""


def resume(corpus: Corpus, ids: Sequence[str]) -> tuple[Ids, Marks, int]:
    """What is to go and how it is told, with what a takedown before left undone; written down before anything goes.

    Raises UnknownId, AmbiguousId.
    """
    path = corpus.root / PENDING
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"ids": {}, "pieces": [], "lines": {}}
    left = as_ids(found["ids"])
    known = union(left, withdrawn(corpus.root))
    with corpus.connect() as connection:
        wanted = union(left, named(connection, ids, corpus.root, known))
        list_gone(connection, wanted)
        pieces_ = frozenset(texts(corpus, connection))
        shared = shared_pieces(corpus, connection, pieces_)
        told = lines(connection)
    again, staged = records(corpus, wanted)
    before = {name: frozenset(numbers) for name, numbers in found["lines"].items()}
    numbers = {
        name: frozenset().union(*(one.get(name, frozenset()) for one in (told, again, before)))
        for name in {*told, *again, *before}
    }
    marks = Marks(all_ids(wanted), (pieces_ - shared) | frozenset(found["pieces"]), numbers, staged)
    write_json(
        path,
        {
            "ids": {kind: sorted(wanted[kind]) for kind in KINDS},
            "pieces": sorted(marks.pieces),
            "lines": {name: sorted(numbers) for name, numbers in sorted(marks.lines.items())},
        },
    )
    return wanted, marks, len(shared)


def named(connection: duckdb.DuckDBPyConnection, ids: Iterable[str], root: Path, known: Ids) -> Ids:
    """What ids stand for in the corpus or among what was taken down before; a communicator takes its messages along.

    Raises UnknownId, AmbiguousId.
    """
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for name in ids:
        for kind, full in resolve(connection, name, str(root), known).items():
            found[kind].add(full)
            if kind == "communicator":
                rows = connection.execute("SELECT message_id FROM message WHERE communicator_id = ?", [full])
                found["message"].update(row[0] for row in rows.fetchall())
    return as_ids(found)


def parts(corpus: Corpus) -> Iterator[tuple[str, Path, str]]:
    """Each file of tables and annotations: its table's name, its path, and the condition for a row to go."""
    for path in sorted([*corpus.root.glob("tables/*/*.parquet"), *corpus.root.glob("tables/*/cells/*.parquet")]):
        if path.stem != "rejects":
            yield path.stem, path, HELD.get(path.stem, HELD["message"])
    for place in ("annotations/*@*/*.parquet", "annotations/*@*/cells/*.parquet", "filtered/*.parquet"):
        for path in sorted(corpus.root.glob(place)):
            yield path.parent.name, path, HELD["message"]


def texts(corpus: Corpus, connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Pieces of all that the rows to go say."""
    for table, path, condition in parts(corpus):
        if table in ("provenance", "effect", "cut", "filtered"):
            continue
        columns = ", ".join(TEXTS.get(table, ())) or "* EXCLUDE (message_id)"
        result = connection.execute(f"SELECT {columns} FROM read_parquet({quote_file(path)}) WHERE {condition}")
        while rows := result.fetchmany(ROWS):
            for said in strings(rows):
                yield from pieces(said)


def strings(value: Any) -> Iterator[str]:
    """Every text inside nested values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from strings(one)


def lines(connection: duckdb.DuckDBPyConnection) -> dict[str, frozenset[int]]:
    """Records that provenance names for the rows to go, by file digest (0: the whole file); not API answers."""
    found = connection.execute(
        f"""SELECT substring(raw_sha256, 1, 16), list(DISTINCT coalesce(raw_line, 0)) FROM provenance
        WHERE {HELD["provenance"]} AND raw_sha256 IS NOT NULL
        AND table_name = 'message' AND NOT regexp_matches(source, '^(youtube|x)_api@') GROUP BY 1"""
    ).fetchall()
    return {name: frozenset(numbers) for name, numbers in found}


def shared_pieces(corpus: Corpus, connection: duckdb.DuckDBPyConnection, marked: frozenset[str]) -> set[str]:
    """Pieces that rows which stay say too."""
    written = {json.dumps(piece, ensure_ascii=False)[1:-1]: piece for piece in marked}
    forms, found = sorted(written), set[str]()
    for table, path, condition in parts(corpus):
        if not forms or table in ("provenance", "effect", "cut", "filtered"):
            continue
        kept = f"SELECT * FROM read_parquet({quote_file(path)}) WHERE NOT coalesce({condition}, false)"
        for batch in connection.sql(kept).to_arrow_reader(ROWS):
            rows = rows_as_json(batch)
            hits = rows.filter(found_in(rows, forms)).str.extract_many(forms, overlapping=True).explode()
            found |= {written[form] for form in hits.drop_nulls().unique().to_list()}
    return found
