"""`cbc corpus forget INGEST --corpus DIR`: undo an ingest, so that its mapping can be corrected.

Its rows, rejects, annotations and raw files are removed. The command refuses if other ingests depend on it, because
they skipped rows that this ingest had already, or measure messages that it alone holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from corpus.console import command_text
from corpus.crawl.deliver import is_delivered
from corpus.errors import CbcError
from corpus.files.sql import quote_file, same_key
from corpus.ingest.deduplicate import open_staging
from corpus.ingest.forgotten import complete_forgetting, forget_ingest
from corpus.ingest.kept_source import source_of
from corpus.schema import DATA_TABLES, TABLES
from corpus.sources.base import Staging
from corpus.store import Corpus
from corpus.takedown.reread_raw import AT_ONCE, received_file


class UnknownIngest(CbcError):
    """The corpus has no ingest of that name."""


class RestsOnIt(CbcError):
    """Other ingests, or a crawl, depend on the ingest."""


@dataclass(frozen=True)
class Forgotten:
    """An ingest that was undone: rows by table, and the number of raw files removed."""

    ingest: str
    tables: dict[str, int]
    raw_files: int


def forget(root: Path, name: str) -> Forgotten:
    """Undo an ingest of the corpus at `root`. Raises UnknownIngest, RestsOnIt, NoSuchPath, WrongVersion, Busy."""
    corpus = Corpus.open(root)
    with corpus.lock(), corpus.lock("crawl.lock"):
        if complete_forgetting(corpus) == name:  # an earlier run was stopped
            return Forgotten(name, {}, 0)
        manifests = {manifest["ingest"]: manifest for manifest in corpus.ingests()}
        if name not in manifests:
            known = ", ".join(manifests) or "it has none"
            listing = command_text("cbc", "corpus", "ingests", "--corpus", root)
            raise UnknownIngest(f"{root} has no ingest {name} ({known})", f"name one that `{listing}` lists")
        check_not_crawled(corpus, manifests[name])
        check_no_dependents(corpus, name, [manifest for other, manifest in manifests.items() if other != name])
        raw = forget_ingest(corpus, manifests[name])
        return Forgotten(name, manifests[name]["tables"], len(raw))


def forgotten_text(forgotten: Forgotten) -> str:
    """Format the outcome as lines."""
    removed = ", ".join(f"{count:,} {table}" for table, count in forgotten.tables.items())
    removed = removed or "completed what was stopped"
    return f"forgotten: {forgotten.ingest}\nrows removed: {removed}\nraw files removed: {forgotten.raw_files:,}"


def check_not_crawled(corpus: Corpus, manifest: dict[str, Any]) -> None:
    """Refuse payloads of the crawl, since the corpus holds their only copy. Raises RestsOnIt."""
    if (corpus.root / "crawl.sqlite").is_file() and any(is_delivered(file["name"]) for file in manifest["files"]):
        raise RestsOnIt(
            f"{manifest['ingest']} was crawled, and its payloads lie nowhere else",
            f"take single ids out with `{command_text('cbc', 'corpus', 'takedown', 'ID', '--corpus', corpus.root)}`",
        )


def check_no_dependents(corpus: Corpus, name: str, others: list[dict[str, Any]]) -> None:
    """Refuse if other ingests depend on this one. Raises RestsOnIt."""
    resting = sorted({*list_measuring(corpus, name), *find_repeating(corpus, name, others)})
    if resting:
        raise RestsOnIt(
            f"{', '.join(resting)} rest on {name}: without it they would lack rows",
            "forget them first, and ingest their files again afterwards",
        )


def list_measuring(corpus: Corpus, name: str) -> list[str]:
    """The ingests with rows, or annotations, of messages that this one alone brought."""
    own = corpus.root / "tables" / name / "message.parquet"
    if not own.is_file():
        return []
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TEMP TABLE alone AS SELECT DISTINCT message_id FROM {rows_sql([own])}")
        kept = [path for path in sorted(corpus.root.glob("tables/*/message.parquet")) if path != own]
        if kept:
            connection.execute(f"DELETE FROM alone WHERE message_id IN (SELECT message_id FROM {rows_sql(kept)})")
        return [
            ingest
            for ingest, path in message_files(corpus)
            if ingest != name and count_rows(connection, f"{rows_sql([path])} SEMI JOIN alone USING (message_id)")
        ]


def message_files(corpus: Corpus) -> Iterator[tuple[str, Path]]:
    """Yield the files with rows or annotations of messages, each with its ingest."""
    for table in ("scene", "effect", "comment"):
        yield from ((path.parent.name, path) for path in sorted(corpus.root.glob(f"tables/*/{table}.parquet")))
    for table in ("message", "scene", "comment"):
        cell_files = sorted(corpus.root.glob(f"tables/*/cells/{table}.parquet"))
        yield from ((path.parent.parent.name, path) for path in cell_files)
    for place in ("", "cells/"):
        annotation_files = sorted(corpus.root.glob(f"annotations/*@*/{place}*.parquet"))
        yield from ((path.stem, path) for path in annotation_files if (corpus.root / "tables" / path.stem).is_dir())


def find_repeating(corpus: Corpus, name: str, others: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the ingests that skipped rows which this one alone holds; their files are staged again to find out."""
    for manifest in others:
        source = source_of(manifest)
        skipped = manifest["rows_read"] - manifest["rows_kept"] - sum(manifest["rejected"].values())
        if source is None or source.generated or not skipped:
            continue
        files = [file for entry in manifest["files"] if (file := received_file(corpus, source, entry))]
        for start in range(0, len(files), AT_ONCE):
            with corpus.staging("forget") as folder, open_staging(folder) as connection:
                staging = Staging(connection, folder, source.label)
                source.stage(files[start : start + AT_ONCE], staging)
                staging.flush()
                if any(count_only_here(corpus, connection, table, name) for table in DATA_TABLES):
                    yield manifest["ingest"]
                    break


def count_only_here(corpus: Corpus, connection: duckdb.DuckDBPyConnection, table: str, name: str) -> int:
    """Count the staged rows of a table that are in this ingest and in no other."""
    own = corpus.root / "tables" / name / f"{table}.parquet"
    if not own.is_file():
        return 0
    kept = [path for path in sorted(corpus.root.glob(f"tables/*/{table}.parquet")) if path != own]
    same_keys = same_key(TABLES[table].key, "s", "c")
    elsewhere = f"ANTI JOIN {rows_sql(kept)} c ON {same_keys}" if kept else ""
    own_rows = f'(SELECT s.* FROM "{table}" s SEMI JOIN {rows_sql([own])} c ON {same_keys})'
    return count_rows(connection, f"{own_rows} s {elsewhere}")


def rows_sql(paths: list[Path]) -> str:
    """SQL of the rows of parquet files."""
    return f"read_parquet([{', '.join(map(quote_file, paths))}], union_by_name=true)"


def count_rows(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """Count the rows of a relation."""
    return int(connection.execute(f"SELECT count(*) FROM {sql}").fetchall()[0][0])
