"""Ingest files: the rows that are new, written to one folder and put in place in one rename.

`cbc corpus ingest SOURCE PATH... --corpus DIR` ends here. Files already ingested by the same source, version and
mapping are left out; rows that the corpus already holds are left out too, so a second run changes nothing. The raw
files go first, then the annotations, then the tables with their manifest in one rename: an ingest that was killed
leaves nothing that a reader sees, and the same command completes it with the same bytes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from corpus.errors import CbcError, NoSuchPath
from corpus.files.archives import decodes
from corpus.files.atomic import replace_folder, write_json
from corpus.files.hashes import file_sha256
from corpus.ingest.comments import Comments, check_comments, comments_wanted, forget_words
from corpus.ingest.deduplicate import check_ranges, open_staging, write_new_rows
from corpus.ingest.forgotten import complete_forgetting
from corpus.ingest.outcomes import contradicted, rejected_by_reason
from corpus.progress import progress
from corpus.schema import TABLES
from corpus.sources.base import Received, Source, Staging
from corpus.store import Corpus
from corpus.withdrawn.blank_raw import blank_file
from corpus.withdrawn.file_names import DIGITS, forget_names
from corpus.withdrawn.gate import reject_withdrawn
from corpus.withdrawn.tombstones import all_ids, withdrawn

LOG = logging.getLogger(__name__)
NAME = re.compile(r"[a-z0-9_]+-[0-9a-f]{16}")
LONGEST_NAME = 200  # bytes of a raw file's own name that are kept, from its end: a file system allows 255 in all


class FileChanged(CbcError):
    """A file was written to while it was being read."""


@dataclass(frozen=True)
class Report:
    """What an ingest did; every record read is in one count (corpus/ingest/outcomes.py says which).

    rows_read = rows_kept + rows_repeated + rows_enriched + rows_contradicting + those rejected, by reason. `tables` are
    the rows of each table, `cells` those that fill empty cells of earlier rows, `contradictions` cells by column;
    `skipped` files were ingested before.
    """

    ingest: str
    files: int = 0
    skipped: int = 0
    rows_read: int = 0
    rows_kept: int = 0
    rows_repeated: int = 0
    rows_enriched: int = 0
    rows_contradicting: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    contradictions: dict[str, int] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)
    cells: dict[str, int] = field(default_factory=dict)

    @property
    def rows_counted(self) -> int:
        """The sum of all counts of records: as many as were read."""
        known = self.rows_repeated + self.rows_enriched + self.rows_contradicting
        return self.rows_kept + known + sum(self.rejected.values())


def check_names(files: Sequence[Path]) -> None:
    """Assert that every path can be written down. Raises NoSuchPath."""
    for path in files:
        if not decodes(str(path)):
            raise NoSuchPath(f"the name of {path} is not UTF-8", "rename the file or its folder")


def readable_sha256(path: Path) -> str:
    """Hex digest of a user's file. Raises NoSuchPath."""
    try:
        return file_sha256(path)
    except OSError as error:
        raise NoSuchPath(f"cannot read {path} ({error.strerror})", "check the path and its permissions") from None


def ingest(source: Source, paths: Sequence[Path], root: Path, comments: str | None = None) -> Report:
    """Bring the files at `paths` into the corpus at `root`; of comments it keeps what `comments` or, without it, the
    environment says. Raises NoSuchPath, WrongVersion, Busy, FileChanged, OtherComments.
    """
    return ingest_files(source, {path: _name_below(path, paths) for path in source.files(paths)}, root, comments)


def ingest_files(source: Source, names: Mapping[Path, str], root: Path, comments: str | None = None) -> Report:
    """Bring files into the corpus at `root` under the names given, as `ingest` does."""
    kept, files = comments_wanted(comments), list(names)
    check_names(files)
    digests = {path: readable_sha256(path) for path in files}
    root_existed = root.exists()
    corpus = Corpus.create(root)
    with corpus.lock():
        complete_forgetting(corpus)
        if source.comments:
            check_comments(corpus, kept)
        known_digests = _known_digests(corpus, source)
        new: dict[str, Path] = {}
        for path, digest in digests.items():
            if digest not in known_digests:
                new.setdefault(digest, path)
        for path in source.reread(list(new.values()), files):
            new.setdefault(digests[path], path)
        _clear_orphans(corpus, source)
        report = Report("", skipped=len(files) - len(new))
        LOG.debug("%s: %d files, %d of them ingested before", source.label, len(files), report.skipped)
        if new or (source.generated and not _generated(corpus, source)):
            with _undone_on_error(corpus, source, root_existed):
                received = [_keep_raw(corpus, source, path, digest, names[path]) for digest, path in new.items()]
                report = _ingest(corpus, source, received, report.skipped, kept)
        corpus.refresh()
    return report


@contextmanager
def _undone_on_error(corpus: Corpus, source: Source, root_existed: bool) -> Iterator[None]:
    """Remove the raw files, and a corpus made for them, where the source cannot read them."""
    raw = corpus.root / "raw" / source.name
    before = set(raw.glob("*"))
    try:
        yield
    except CbcError:
        for path in set(raw.glob("*")) - before:
            path.unlink()
        if not root_existed:
            shutil.rmtree(corpus.root)
        raise


def _known_digests(corpus: Corpus, source: Source) -> set[str]:
    """Digests of the files that this source, version and mapping ingested before."""
    own_manifests = [m for m in corpus.ingests() if (m.get("source"), m.get("digest")) == (source.label, source.digest)]
    return {file["sha256"] for manifest in own_manifests for file in manifest.get("files", [])}


def _generated(corpus: Corpus, source: Source) -> bool:
    """Whether the corpus holds an ingest of this source, which needs no files."""
    return any((m.get("source"), m.get("digest")) == (source.label, source.digest) for m in corpus.ingests())


def _clear_orphans(corpus: Corpus, source: Source) -> None:
    """Remove what a killed ingest left behind: partly copied raw files, annotations without tables."""
    for path in (corpus.root / "raw" / source.name).glob(".*.part"):
        path.unlink()
    for path in [*corpus.root.glob("annotations/*@*/*"), *corpus.root.glob("annotations/*@*/cells/*")]:
        if NAME.fullmatch(path.stem.lstrip(".")) and not (corpus.root / "tables" / path.stem).is_dir():
            path.unlink()


def _name_below(path: Path, paths: Iterable[Path]) -> str:
    """The name of a file in rejects and manifest: relative to the folder of `paths` that holds it."""
    for folder in paths:
        if folder.is_dir() and path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.name


def _keep_raw(corpus: Corpus, source: Source, path: Path, digest: str, name: str) -> Received:
    """Copy a file as received to raw/SOURCE/SHA-NAME with its time. Raises FileChanged."""
    LOG.debug("keeping %s as received, sha256 %s", name, digest[:16])
    ending = os.fsencode(path.name)[-LONGEST_NAME:].decode("utf-8", "ignore")
    place = corpus.root / "raw" / source.name / f"{digest[:16]}-{ending}"
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        raise FileChanged(f"{path} went away while it was read", "run again when it is back") from None
    if not place.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{digest[:16]}.part")
        shutil.copyfile(path, beside)
        if file_sha256(beside) != digest:
            beside.unlink()
            raise FileChanged(f"{path} changed while it was read", "run again when it is complete")
        os.utime(beside, ns=(changed, changed))
        beside.replace(place)
    modified = datetime.fromtimestamp(changed // 1_000_000_000, UTC).replace(tzinfo=None)
    return Received(path, place, name, digest, modified)


def _ingest(corpus: Corpus, source: Source, files: Sequence[Received], skipped: int, comments: Comments) -> Report:
    """Stage the files, deduplicate their rows, write the new ones."""
    naming = "\n".join([source.label, source.digest, *(file.sha256 for file in files)])
    name = f"{source.name}-{hashlib.sha256(naming.encode()).hexdigest()[:16]}"
    with corpus.staging(name) as folder, open_staging(folder) as connection:
        with progress("reading", "files", len(files)) as shown:
            staging = Staging(connection, folder, source.label, shown=shown)
            source.stage(files, staging)
            staging.flush()
        LOG.debug("%s: %d records read", name, staging.rows_read)
        if comments is Comments.aggregate:
            forget_words(connection)
        check_ranges(connection)
        files = _without_withdrawn(connection, corpus, source, files, staging)
        tables = folder / "tables"
        tables.mkdir()
        written = write_new_rows(connection, corpus, staging, {file.sha256: file.name for file in files}, tables)
        report = Report(
            name,
            files=len(files),
            skipped=skipped,
            rows_read=staging.rows_read,
            **{f"rows_{outcome}": count for outcome, count in written.outcomes.items() if outcome != "rejected"},
            rejected=rejected_by_reason(connection),
            contradictions=contradicted(connection),
            tables={table: written.rows[table] for table in TABLES if table in written.rows},
            cells={table: n for table in TABLES if (n := written.rows.get(f"cells/{table}"))},
        )
        rejected = sum(report.rejected.values())
        LOG.debug("%s: %d kept, %d rejected; rows %s", name, report.rows_kept, rejected, written.rows)
        _put_in_place(corpus, tables, source, report, files, comments)
    return report


def _without_withdrawn(
    connection: duckdb.DuckDBPyConnection,
    corpus: Corpus,
    source: Source,
    files: Sequence[Received],
    staging: Staging,
) -> Sequence[Received]:
    """Reject withdrawn records, blank them in the raw files that bring them again, and return the files renamed."""
    withdrawn_ids = withdrawn(corpus.root)
    terms = reject_withdrawn(connection, withdrawn_ids, staging) if all_ids(withdrawn_ids) else None
    if not terms:
        return files
    for file in files:
        blank_file(file.raw, terms, source.separator)
    nameless = forget_names(corpus.root, [(file.name, file.sha256) for file in files])
    return [replace(file, name=nameless.get(file.sha256[:DIGITS], file.name)) for file in files]


def _put_in_place(
    corpus: Corpus, tables: Path, source: Source, report: Report, files: Sequence[Received], comments: Comments
) -> None:
    """Move the annotations to their places, then the tables and the manifest in one rename."""
    for path in sorted([*tables.glob("*@*.parquet"), *tables.glob("cells/*@*.parquet")]):
        place = corpus.root / "annotations" / path.stem / path.parent.relative_to(tables) / f"{report.ingest}.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
    if not any((tables / "cells").iterdir()):
        (tables / "cells").rmdir()
    named = [{"name": file.name, "sha256": file.sha256} for file in files]
    counts = {key: value for key, value in asdict(report).items() if key not in ("skipped", "files")}
    how = {"source": source.label, "digest": source.digest, **({"comments": comments} if source.comments else {})}
    if settings := source.settings:
        how["settings"] = settings
    write_json(tables / "manifest.json", {**counts, **how, "files": named})
    replace_folder(tables, corpus.root / "tables" / report.ingest)
