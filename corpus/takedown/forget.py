"""`cbc corpus forget INGEST --corpus DIR`: take an ingest back, so that its mapping can be mended.

Its rows, rejects, annotations and raw files go. It is refused where other ingests rest on it: their files hold rows
that were left out because this ingest had brought them, or measure messages that it alone brought.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from corpus.crawl.deliver import is_delivered
from corpus.errors import CbcError
from corpus.files.sql import quote_file
from corpus.ingest.deduplicate import open_staging
from corpus.ingest.forgotten import complete_forgetting, forget_ingest
from corpus.ingest.kept_source import source_of
from corpus.schema import DATA_TABLES, TABLES
from corpus.sources.base import Staging
from corpus.store import Corpus
from corpus.takedown.reread_raw import AT_ONCE, received


class UnknownIngest(CbcError):
    """The corpus has no ingest of that name."""


class RestsOnIt(CbcError):
    """Other ingests, or a crawl, need what an ingest brought."""


@dataclass(frozen=True)
class Forgotten:
    """An ingest that was taken back: rows by table, raw files removed."""

    ingest: str
    tables: dict[str, int]
    raw_files: int


def forget(root: Path, name: str) -> Forgotten:
    """Take an ingest out of the corpus at `root`. Raises UnknownIngest, RestsOnIt, NoSuchPath, WrongVersion, Busy."""
    corpus = Corpus.open(root)
    with corpus.lock(), corpus.lock("crawl.lock"):
        if complete_forgetting(corpus) == name:  # an earlier try was stopped
            return Forgotten(name, {}, 0)
        manifests = {manifest["ingest"]: manifest for manifest in corpus.ingests()}
        if name not in manifests:
            known = ", ".join(manifests) or "it has none"
            raise UnknownIngest(f"{root} has no ingest {name} ({known})", "name one that `cbc corpus ingests` lists")
        check_not_crawled(corpus, manifests[name])
        check_nothing_rests(corpus, name, [one for other, one in manifests.items() if other != name])
        raw = forget_ingest(corpus, manifests[name])
        return Forgotten(name, manifests[name]["tables"], len(raw))


def forgotten_text(found: Forgotten) -> str:
    """What went, as lines."""
    rows = ", ".join(f"{count:,} {table}" for table, count in found.tables.items()) or "completed what was stopped"
    return f"forgotten: {found.ingest}\nrows removed: {rows}\nraw files removed: {found.raw_files:,}"


def check_not_crawled(corpus: Corpus, manifest: dict[str, Any]) -> None:
    """Refuse payloads of the crawl, whose only copy is the corpus' own. Raises RestsOnIt."""
    if (corpus.root / "crawl.sqlite").is_file() and any(is_delivered(file["name"]) for file in manifest["files"]):
        raise RestsOnIt(
            f"{manifest['ingest']} was crawled, and its payloads lie nowhere else",
            "take single ids out with `cbc corpus takedown`",
        )


def check_nothing_rests(corpus: Corpus, name: str, others: list[dict[str, Any]]) -> None:
    """Refuse where other ingests rest on this one. Raises RestsOnIt."""
    resting = sorted({*measuring(corpus, name), *repeating(corpus, name, others)})
    if resting:
        raise RestsOnIt(
            f"{', '.join(resting)} rest on {name}: without it they would lack rows",
            "forget them first, and ingest their files again afterwards",
        )


def measuring(corpus: Corpus, name: str) -> list[str]:
    """The ingests with rows, or annotations, of messages that this one alone brought."""
    own = corpus.root / "tables" / name / "message.parquet"
    if not own.is_file():
        return []
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TEMP TABLE alone AS SELECT DISTINCT message_id FROM {rows([own])}")
        kept = [path for path in sorted(corpus.root.glob("tables/*/message.parquet")) if path != own]
        if kept:
            connection.execute(f"DELETE FROM alone WHERE message_id IN (SELECT message_id FROM {rows(kept)})")
        return [
            ingest
            for ingest, path in rows_of_messages(corpus)
            if ingest != name and count(connection, f"{rows([path])} SEMI JOIN alone USING (message_id)")
        ]


def rows_of_messages(corpus: Corpus) -> Iterator[tuple[str, Path]]:
    """Files with a row, or an annotation, of a message, each with its ingest."""
    for table in ("scene", "effect", "comment"):
        yield from ((path.parent.name, path) for path in sorted(corpus.root.glob(f"tables/*/{table}.parquet")))
    for table in ("message", "scene", "comment"):
        filled = sorted(corpus.root.glob(f"tables/*/cells/{table}.parquet"))
        yield from ((path.parent.parent.name, path) for path in filled)
    for place in ("", "cells/"):
        brought = sorted(corpus.root.glob(f"annotations/*@*/{place}*.parquet"))
        yield from ((path.stem, path) for path in brought if (corpus.root / "tables" / path.stem).is_dir())


def repeating(corpus: Corpus, name: str, others: list[dict[str, Any]]) -> Iterator[str]:
    """The ingests that left out rows as known which this one alone brought: their files are staged again."""
    for manifest in others:
        source = source_of(manifest)
        left_out = manifest["rows_read"] - manifest["rows_kept"] - sum(manifest["rejected"].values())
        if source is None or source.generated or not left_out:
            continue
        files = [file for entry in manifest["files"] if (file := received(corpus, source, entry))]
        for start in range(0, len(files), AT_ONCE):
            with corpus.staging("forget") as folder, open_staging(folder) as connection:
                staging = Staging(connection, folder, source.label)
                source.stage(files[start : start + AT_ONCE], staging)
                staging.flush()
                if any(brought_alone(corpus, connection, table, name) for table in DATA_TABLES):
                    yield manifest["ingest"]
                    break


def brought_alone(corpus: Corpus, connection: duckdb.DuckDBPyConnection, table: str, name: str) -> int:
    """How many staged rows of a table stand in this ingest and in no other."""
    own = corpus.root / "tables" / name / f"{table}.parquet"
    if not own.is_file():
        return 0
    kept = [path for path in sorted(corpus.root.glob(f"tables/*/{table}.parquet")) if path != own]
    same = " AND ".join(f's."{key}" IS NOT DISTINCT FROM c."{key}"' for key in TABLES[table].key)
    elsewhere = f"ANTI JOIN {rows(kept)} c ON {same}" if kept else ""
    mine = f'(SELECT s.* FROM "{table}" s SEMI JOIN {rows([own])} c ON {same})'
    return count(connection, f"{mine} s {elsewhere}")


def rows(paths: list[Path]) -> str:
    """SQL of the rows of parquet files."""
    return f"read_parquet([{', '.join(map(quote_file, paths))}], union_by_name=true)"


def count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """The number of rows."""
    return int(connection.execute(f"SELECT count(*) FROM {sql}").fetchall()[0][0])
