"""Plan a takedown: resolve the ids, and collect search terms for their texts and records.

CORPUS/takedown.json holds the plan from before the first row is removed until the final search finds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from corpus.files.atomic import write_json
from corpus.files.parquet_rows import rows_as_json
from corpus.files.sql import quote_file
from corpus.ids import UnknownId, resolve_id
from corpus.sources.registry import paged_sources
from corpus.store import Corpus
from corpus.takedown.reread_raw import reread_records
from corpus.takedown.search import ROWS
from corpus.withdrawn.search_terms import SearchTerms, contains_any, cut_pieces
from corpus.withdrawn.tombstones import KINDS, Ids, all_ids, as_ids, list_withdrawn, union, withdrawn

PENDING = "takedown.json"
TO_REMOVE = {
    "message": "message_id IN (SELECT id FROM _withdrawn_ids WHERE kind = 'message')",
    "communicator": "communicator_id IN (SELECT id FROM _withdrawn_ids WHERE kind = 'communicator')",
    "comment": "message_id IN (SELECT id FROM _withdrawn_ids WHERE kind = 'message') "
    "OR comment_id IN (SELECT id FROM _withdrawn_ids WHERE kind = 'comment')",
    "provenance": "(table_name, row_key) IN (SELECT kind, id FROM _withdrawn_ids)",
}
"""Table -> condition of the rows to remove; those of other tables and annotations are removed with their message."""
TEXTS = {"message": ("title", "body"), "communicator": ("name",), "comment": ("text",)}
"""Table -> columns that hold words; in scenes and annotations, all columns but ids do."""
IDS = ("message_id", "comment_id")
WITHOUT_WORDS = ("provenance", "effect", "cut", "filtered")


def plan(corpus: Corpus, ids: Sequence[str]) -> tuple[Ids, SearchTerms, int]:
    """Plan the removal of ids: the full ids, their search terms, and the number of pieces that other messages share.

    The plan is saved before anything is removed, and includes that of an earlier takedown that was stopped.
    Raises UnknownId, AmbiguousId.
    """
    path = corpus.root / PENDING
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"ids": {}, "pieces": [], "lines": {}}
    unfinished = as_ids(earlier["ids"])
    known = union(unfinished, withdrawn(corpus.root))
    with corpus.connect() as connection:
        wanted = union(unfinished, resolve_ids(connection, ids, corpus.root, known))
        list_withdrawn(connection, wanted)
        texts = frozenset(withdrawn_pieces(corpus, connection))
        shared = shared_pieces(corpus, connection, texts)
        recorded = recorded_lines(connection)
    reread, staged = reread_records(corpus, wanted)
    before = {digits: frozenset(numbers) for digits, numbers in earlier["lines"].items()}
    records = {
        digits: frozenset().union(*(lines.get(digits, frozenset()) for lines in (recorded, reread, before)))
        for digits in {*recorded, *reread, *before}
    }
    terms = SearchTerms(all_ids(wanted), (texts - shared) | frozenset(earlier["pieces"]), records, staged)
    write_json(
        path,
        {
            "ids": {kind: sorted(wanted[kind]) for kind in KINDS},
            "pieces": sorted(terms.pieces),
            "lines": {name: sorted(numbers) for name, numbers in sorted(terms.lines.items())},
        },
    )
    return wanted, terms, len(shared)


def resolve_ids(connection: duckdb.DuckDBPyConnection, ids: Iterable[str], root: Path, known: Ids) -> Ids:
    """Find the full ids of messages, communicators and comments, in the corpus or taken down before.

    A communicator includes its messages. Raises UnknownId, AmbiguousId.
    """
    resolved: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for name in ids:
        for kind, full in find_id(connection, name, root, known).items():
            resolved[kind].add(full)
            if kind == "communicator":
                rows = connection.execute("SELECT message_id FROM message WHERE communicator_id = ?", [full])
                resolved["message"].update(row[0] for row in rows.fetchall())
    return as_ids(resolved)


def find_id(connection: duckdb.DuckDBPyConnection, name: str, root: Path, known: Ids) -> dict[str, str]:
    """Find the full id of each kind that a name has. Raises UnknownId, AmbiguousId."""
    try:
        return resolve_id(connection, name, str(root), known)
    except UnknownId as error:
        mend = f"to keep an id from being fetched, put it on the recipe's opt-out list; {error.mend}"
        raise UnknownId(error.what, mend) from None


def table_files(corpus: Corpus) -> Iterator[tuple[str, Path, str]]:
    """Yield each file of tables and annotations: table, path, and condition of the rows to remove."""
    for path in sorted([*corpus.root.glob("tables/*/*.parquet"), *corpus.root.glob("tables/*/cells/*.parquet")]):
        if path.stem != "rejects":
            yield path.stem, path, TO_REMOVE.get(path.stem, TO_REMOVE["message"])
    for place in ("annotations/*@*/*.parquet", "annotations/*@*/cells/*.parquet", "filtered/*.parquet"):
        for path in sorted(corpus.root.glob(place)):
            about = "comment" if "comment_id" in pq.read_schema(path).names else "message"
            yield path.parent.name, path, TO_REMOVE[about]


def withdrawn_pieces(corpus: Corpus, connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield pieces of all texts in the rows to remove."""
    for table, path, condition in table_files(corpus):
        if table in WITHOUT_WORDS:
            continue
        words = TEXTS.get(table) or [name for name in pq.read_schema(path).names if name not in IDS]
        columns = ", ".join(f'"{name}"' for name in words)
        result = connection.execute(f"SELECT {columns} FROM read_parquet({quote_file(path)}) WHERE {condition}")
        while rows := result.fetchmany(ROWS):
            for text in texts_in(rows):
                yield from cut_pieces(text)


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text inside nested values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from texts_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)


def recorded_lines(connection: duckdb.DuckDBPyConnection) -> dict[str, frozenset[int]]:
    """Records of the rows to remove, from provenance, by file digest (0: the whole file); API answers are left out."""
    rows = connection.execute(
        f"""SELECT substring(raw_sha256, 1, 16), list(DISTINCT coalesce(raw_line, 0)) FROM provenance
        WHERE {TO_REMOVE["provenance"]} AND raw_sha256 IS NOT NULL
        AND table_name = 'message' AND NOT list_contains(?, split_part(source, '@', 1)) GROUP BY 1""",
        [paged_sources()],
    ).fetchall()
    return {digits: frozenset(numbers) for digits, numbers in rows}


def shared_pieces(corpus: Corpus, connection: duckdb.DuckDBPyConnection, texts: frozenset[str]) -> set[str]:
    """Find the pieces that remaining rows hold too."""
    by_form = {json.dumps(piece, ensure_ascii=False)[1:-1]: piece for piece in texts}
    forms, shared = sorted(by_form), set[str]()
    for table, path, condition in table_files(corpus):
        if not forms or table in WITHOUT_WORDS:
            continue
        kept = f"SELECT * FROM read_parquet({quote_file(path)}) WHERE NOT coalesce({condition}, false)"
        for batch in connection.sql(kept).to_arrow_reader(ROWS):
            rows = rows_as_json(batch)
            hits = rows.filter(contains_any(rows, forms)).str.extract_many(forms, overlapping=True).explode()
            shared |= {by_form[form] for form in hits.drop_nulls().unique().to_list()}
    return shared
