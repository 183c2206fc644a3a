"""`cbc corpus takedown ID... --corpus DIR`: remove videos, posts, channels or comments everywhere, and prove it.

The plan is saved first (CORPUS/takedown.json, removed at the end), so that the next takedown completes one that was
stopped. Then follow tombstones, tables and annotations, raw files, the crawl's journal, the recipe, media, benches,
runs and releases, and a search of every byte of them for pieces of the withdrawn text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq

from corpus.crawl.journal_withdrawn import drop_withdrawn_payloads
from corpus.derivatives import derived
from corpus.errors import CbcError, NoSuchPath
from corpus.files.atomic import part_path, write_json, write_text
from corpus.files.sql import PARQUET, quote, quote_file
from corpus.ids import split_id
from corpus.ingest.kept_source import source_of
from corpus.media_names import stem_of
from corpus.printing import number_of
from corpus.progress import progress
from corpus.store import Corpus
from corpus.takedown.derived import drop_withdrawn, find_instances, names_messages
from corpus.takedown.plan import PENDING, plan, table_files
from corpus.takedown.search import Searched, search
from corpus.withdrawn.blank_raw import blank_file
from corpus.withdrawn.file_names import INFO, forget_names, rename_in_tables
from corpus.withdrawn.search_terms import SearchTerms, contains_any
from corpus.withdrawn.tombstones import KINDS, Ids, list_withdrawn, record_withdrawn


class ResidueFound(CbcError):
    """Files still hold a piece of withdrawn text."""


@dataclass
class Taken:
    """Outcome of a takedown.

    `folders`: derived folder -> rows removed; `absent`: derived folders that no longer exist; `pieces`: of text that
    were searched for; `shared`: pieces that other messages hold too.
    """

    ids: Ids
    rows: dict[str, int] = field(default_factory=dict)
    raw_records: int = 0
    media_files: int = 0
    folders: dict[str, int] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    pieces: int = 0
    shared: int = 0
    searched: Searched = field(default_factory=Searched)


def takedown(root: Path, ids: Sequence[str], also: Sequence[Path] = ()) -> Taken:
    """Remove ids from the corpus at `root` and everything made from it (`also`: folders that the corpus does not know).

    Raises UnknownId, ResidueFound, NoSuchPath, WrongVersion, Busy.
    """
    corpus = Corpus.open(root)
    for folder in also:
        if not folder.exists():
            raise NoSuchPath(f"there is no {folder}", "name a bench, run, release or file of texts that exists")
    with corpus.lock(), corpus.lock("crawl.lock"):
        wanted, terms, shared = plan(corpus, ids)
        record_withdrawn(root, wanted)
        taken = Taken(wanted, pieces=len(terms.pieces), shared=shared)
        remove_rows(corpus, wanted, taken)
        blank_raw_files(corpus, terms, taken)
        clean_recipe(root, terms)
        remove_media(corpus, wanted, taken)
        clean_derived(root, also, terms, taken)
        corpus.refresh()
        check_nothing_left(corpus, terms, taken)
        (root / PENDING).unlink()
    return taken


def remove_rows(corpus: Corpus, wanted: Ids, taken: Taken) -> None:
    """Rewrite tables and annotations without the rows."""
    with duckdb.connect() as connection:
        list_withdrawn(connection, wanted)
        for table, path, condition in table_files(corpus):
            removed = drop_rows(connection, path, condition)
            if removed:
                taken.rows[table] = taken.rows.get(table, 0) + removed
    for manifest in sorted(corpus.root.glob("tables/*/manifest.json")):
        update_counts(manifest)  # all of them: a takedown may have stopped between a table and its manifest


def drop_rows(connection: duckdb.DuckDBPyConnection, path: Path, condition: str) -> int:
    """Drop rows from a parquet file, or the file if no row is left; returns their number."""
    rows = f"read_parquet({quote_file(path)})"
    dropped, total = connection.execute(
        f"SELECT count(*) FILTER (coalesce({condition}, false)), count(*) FROM {rows}"
    ).fetchall()[0]
    if dropped == total > 0:
        path.unlink()
    elif dropped:
        part = part_path(path)
        kept = f"SELECT * FROM {rows} WHERE NOT coalesce({condition}, false)"
        connection.execute(f"COPY ({kept}) TO {quote(part)} {PARQUET}")
        part.replace(path)
    return int(dropped)


def update_counts(manifest: Path) -> None:
    """Update the row counts in the manifest of an ingest."""
    content = json.loads(manifest.read_text(encoding="utf-8"))
    counts = {
        part: {
            name: pq.read_metadata(path).num_rows
            for name in content.get(part, {})
            if (path := folder / f"{name}.parquet").is_file()
        }
        for part, folder in (("tables", manifest.parent), ("cells", manifest.parent / "cells"))
    }
    if counts != {part: content.get(part, {}) for part in counts}:
        write_json(manifest, {**content, **counts})


def blank_raw_files(corpus: Corpus, terms: SearchTerms, taken: Taken) -> None:
    """Blank records in raw files, segments not yet ingested and the crawl's journal; rename files named by a title."""
    separators = {
        source.name: source.separator for manifest in corpus.ingests() if (source := source_of(manifest)) is not None
    }
    for path in [*sorted(corpus.root.glob("raw/*/*")), *sorted(corpus.root.glob("crawl/*"))]:
        if path.is_file() and not path.name.startswith("."):
            taken.raw_records += blank_file(path, terms, separators.get(path.parent.name))
    taken.raw_records += sum(not name.endswith(INFO) for name in forget_names(corpus.root).values())
    rename_in_tables(corpus.root, [*terms.values, *terms.forms])
    journal = corpus.root / "crawl.sqlite"
    if journal.is_file():
        taken.raw_records += drop_withdrawn_payloads(journal, terms)


def remove_media(corpus: Corpus, wanted: Ids, taken: Taken) -> None:
    """Remove the media files of messages."""
    stems = {stem_of(*split_id(name)) for name in wanted["message"]}
    for path in sorted((corpus.root / "media").rglob("*")):
        if path.is_file() and not stems.isdisjoint((path.stem, path.name.partition(".")[0])):
            path.unlink()
            taken.media_files += 1


def clean_recipe(root: Path, terms: SearchTerms) -> None:
    """Drop lines of the kept recipe that name anything withdrawn."""
    path = root / "recipe.yaml"
    if path.is_file():
        lines = pl.Series(path.read_text(encoding="utf-8").splitlines(keepends=True), dtype=pl.String)
        kept = lines.filter(~contains_any(lines, [*terms.forms, *terms.values]))
        if len(kept) < len(lines):
            write_text(path, "".join(kept.to_list()))


def clean_derived(root: Path, also: Sequence[Path], terms: SearchTerms, taken: Taken) -> None:
    """Drop the rows from benches, runs and releases.

    Only a bench may know which message an instance of its runs is about, so benches are read first and changed last:
    if this is stopped, the next run still finds the instances.
    """
    known = [Path(name) for name in derived(root)]
    folders = dict.fromkeys([*known, *(path.resolve() for path in also)])
    instances = frozenset(name for folder in folders for name in find_instances(folder, terms))
    with progress("dropping rows", "folders and files", len(folders)) as shown:
        for folder in sorted(folders, key=names_messages):
            shown.detail = f"now {folder.name}"
            if folder.exists():
                taken.folders[str(folder)] = drop_withdrawn(folder, terms, instances)
            else:
                taken.absent.append(str(folder))
            shown.advance()


def check_nothing_left(corpus: Corpus, terms: SearchTerms, taken: Taken) -> None:
    """Search everything for the pieces. Raises ResidueFound."""
    pending = corpus.root / PENDING
    taken.searched = search([corpus.root, *map(Path, taken.folders)], terms.forms)
    residue = [path for path in taken.searched.hits if path != pending]
    if residue:
        where = ", ".join(str(path) for path in residue[:3]) + (
            f" and {len(residue) - 3} more" if len(residue) > 3 else ""
        )
        raise ResidueFound(
            f"pieces of the withdrawn text still stand in {where}",
            "remove them from these files by hand, then run the command again",
        )


def taken_text(taken: Taken) -> str:
    """Format the outcome as lines."""
    taken_down = ", ".join(f"{number_of(len(taken.ids[kind]), kind)}" for kind in KINDS if taken.ids[kind])
    rows = ", ".join(f"{count:,} {table}" for table, count in sorted(taken.rows.items())) or "none"
    derived_lines = [f"{folder}: {number_of(count, 'row')}" for folder, count in taken.folders.items()] or [
        "none known"
    ]
    lines = [
        f"taken down: {taken_down}",
        f"rows removed: {rows}",
        f"raw records blanked: {taken.raw_records:,}; media files removed: {taken.media_files:,}",
        f"from what was made of the corpus: {'; '.join(derived_lines)}",
        *(f"not there any more: {folder}" for folder in taken.absent),
        searched_text(taken),
    ]
    if taken.shared:
        lines.append(f"{taken.shared:,} more pieces stand in messages that stay, and were left there")
    if taken.folders:
        lines.append("a bench that lost rows has a new fingerprint: runs on it are to be predicted again")
    return "\n".join([*lines, "models that were trained on it keep what they learnt; copies elsewhere are not reached"])


def searched_text(taken: Taken) -> str:
    """Format what was searched for, and where."""
    if not taken.pieces:
        return "no table held a text of its own, so that there was none to search for"
    where = f"{number_of(taken.searched.files, 'file')} ({taken.searched.size_bytes / 1e6:,.1f} MB)"
    return f"searched {where} for {number_of(taken.pieces, 'piece')} of its text: none left"
