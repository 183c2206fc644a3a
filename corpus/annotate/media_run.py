"""Annotate media files: find those that are not annotated yet, decode each once in a child process, write the rows.

A message's file is CORPUS/media/ID.EXT, as a crawl names it (corpus/media_names.py). Each annotator's rows go to parts
of its own annotation; a file that cannot be used has a row with the `reason`, which the view `rejects` shows too. A
stopped run loses at most the files since its last part. An engine does the work: `annotate_here` with processes of this
machine, or corpus/annotate/ray_engine.py.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import local
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.annotate.base import Row
from corpus.annotate.children import Child
from corpus.annotate.media import MediaAnnotator, with_bytes
from corpus.annotate.run import add_layers, check_fills, next_part
from corpus.errors import CbcError
from corpus.files.atomic import part_path
from corpus.files.side_by_side import CORES
from corpus.media.clip import Limits
from corpus.media_names import stem_of
from corpus.printing import number_of
from corpus.progress import progress
from corpus.sources.fields import replace_lone_surrogates
from corpus.store import Corpus

IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tiff")
"""What may lie beside a video as its thumbnail."""
NO_MEDIA = (".json", ".txt", ".part", ".ytdl", ".vtt", ".srt", ".temp")
ALL_MEDIA = ("video", "image", "sound")
"""Kinds of messages that are nothing without their file; others may have one."""
AT_ONCE = 1_000  # messages, or files whose scenes are looked up, at a time
PART_FILES, PART_BYTES, PART_S = 32, 200_000_000, 60.0  # a part is written after so many files, bytes or seconds


class MissingAnnotator(CbcError):
    """An annotator that another one rests on is not among those that run."""


@dataclass(frozen=True)
class MediaFile:
    """A media file and its message; `missing`: the annotators that have not read it, `rejected`: those of them that
    could make nothing of it before.
    """

    message_id: str
    path: Path
    size: int
    missing: tuple[str, ...]
    rejected: tuple[str, ...] = ()


@dataclass
class MediaAnnotated:
    """Outcome of a run: files read, rows by label, files by the reason why they gave none, messages without a file."""

    files: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    without_file: int = 0
    peak_bytes: int = 0

    def add(self, other: MediaAnnotated) -> None:
        """Add what another part of the run came to."""
        self.files += other.files
        self.rows += other.rows
        self.reasons += other.reasons
        self.without_file += other.without_file
        self.peak_bytes = max(self.peak_bytes, other.peak_bytes)


@dataclass(frozen=True)
class Work:
    """What an engine is to do: the annotators and their labels by name, and limits; the corpus is locked meanwhile."""

    corpus: Corpus
    annotators: Mapping[str, MediaAnnotator]
    labels: Mapping[str, str]
    workers: int
    memory_bytes: int | None = None


Engine = Callable[[Work, Sequence[MediaFile], MediaAnnotated], Generator[int]]
"""Annotates files, writes their parts, adds to the outcome, and yields how many files are done since it last did."""


def labels_of(annotators: Mapping[str, MediaAnnotator]) -> dict[str, str]:
    """The label of each annotator, by name. Raises MissingAnnotator."""
    labels: dict[str, str] = {}
    for name, annotator in annotators.items():
        if missing := [below for below in annotator.rests_on if below not in labels]:
            raise MissingAnnotator(f"{name} rests on {missing[0]}", f"name {missing[0]} before it")
        labels[name] = annotator.label_over(labels)
    return labels


def annotate_here(work: Work, files: Sequence[MediaFile], outcome: MediaAnnotated) -> Generator[int]:
    """Annotate files with processes of this machine; an `Engine`. Raises NoChild."""
    annotations = work.corpus.root / "annotations"
    parts = Parts(work.annotators, work.labels, lambda label: next_part(annotations / label))
    with closing(answers(work.corpus, files, work.annotators, work.workers, work.memory_bytes)) as answered:
        for file, answer in answered:
            parts.add(file, answer, outcome)
            if parts.full:
                parts.write()
            yield 1
    parts.write()


def annotate_media(
    root: Path,
    annotators: Mapping[str, MediaAnnotator],
    workers: int = CORES,
    memory_bytes: int | None = None,
    again: bool = False,
    engine: Engine = annotate_here,
) -> MediaAnnotated:
    """Annotate the media files that lack one of the annotations, each decoded once, here or by another engine.

    A file that gave nothing is read again if its size has changed since, or `again` asks for it.

    Raises MissingAnnotator, BadAnnotator, NoSuchPath, WrongVersion, Busy, NoChild.
    """
    labels = labels_of(annotators)
    for annotator in annotators.values():
        check_fills(annotator)
    corpus = Corpus.open(root)
    outcome = MediaAnnotated()
    with corpus.lock():  # otherwise a message taken down meanwhile would come back
        files, outcome.without_file = unread_files(corpus, labels, again)
        drop_rejected(root, labels, files)
        work = Work(corpus, annotators, labels, workers, memory_bytes)
        with (
            progress("annotating", "files", len(files)) as shown,
            closing(engine(work, files, outcome)) as steps,
        ):
            for done in steps:
                shown.detail = f"{sum(outcome.reasons.values()):,} faults"
                shown.advance(done)
        for name, annotator in annotators.items():
            add_layers(corpus, annotator, labels[name])
        corpus.refresh()
    return outcome


def unread_files(corpus: Corpus, labels: Mapping[str, str], again: bool = False) -> tuple[list[MediaFile], int]:
    """The media files of messages that lack one of the annotations, sorted by message, and the messages without one.

    An annotation with a reason and no rows is lacking where the file is of another size now, or `again` asks for it.
    """
    paths = media_paths(corpus.root / "media")
    files, without_file = [], 0
    with corpus.connect() as connection:
        read = {name: read_files(connection, label) for name, label in labels.items() if label in corpus.annotations()}
        messages = connection.execute("SELECT message_id, channel, kind FROM message_source ORDER BY message_id")
        while batch := messages.fetchmany(AT_ONCE):
            for message_id, channel, kind in batch:
                path = paths.get(stem_of(channel or "", message_id.partition(":")[2]))
                if path is None:
                    without_file += kind in ALL_MEDIA
                    continue
                size = path.lstat().st_size
                before = {name: of_label.get(message_id) for name, of_label in read.items()}
                rejected = [name for name, seen in before.items() if seen and seen[1] and (again or seen[0] != size)]
                missing = [name for name in labels if before.get(name) is None or name in rejected]
                if missing:
                    files.append(MediaFile(message_id, path, size, tuple(missing), tuple(rejected)))
    return files, without_file


def read_files(connection: duckdb.DuckDBPyConnection, label: str) -> dict[str, tuple[int, bool]]:
    """Messages whose files an annotation has read: the file's size, and whether nothing could be made of it."""
    rows = connection.sql(
        f'SELECT message_id, any_value(file_bytes), bool_and(reason IS NOT NULL) FROM "{label}" GROUP BY message_id'
    )
    return {message_id: (size, rejected) for message_id, size, rejected in rows.fetchall()}


def source_scenes(corpus: Corpus, files: Sequence[MediaFile]) -> dict[str, list[tuple[float, float]]]:
    """The time spans of the scenes that the sources of files cut, in seconds."""
    ids = pa.table({"message_id": [file.message_id for file in files]})
    with corpus.connect() as connection:
        connection.register("asked", ids)
        rows = connection.sql(
            """SELECT message_id, list([start_s, end_s] ORDER BY scene) FROM scene_source JOIN asked USING (message_id)
            WHERE start_s IS NOT NULL AND end_s IS NOT NULL GROUP BY message_id"""
        ).fetchall()
    return {message_id: [(start_s, end_s) for start_s, end_s in spans] for message_id, spans in rows}


def drop_rejected(root: Path, labels: Mapping[str, str], files: Sequence[MediaFile]) -> None:
    """Drop the rows of files that are read again, which hold reasons alone."""
    for name, label in labels.items():
        ids = pa.array([file.message_id for file in files if name in file.rejected], pa.string())
        for path in sorted((root / "annotations" / label).glob("*.parquet")) if len(ids) else ():
            table = pq.read_table(path)
            kept = table.filter(pc.invert(pc.is_in(table["message_id"], ids)))
            if len(kept) < len(table):
                pq.write_table(kept, part_path(path), compression="zstd")
                part_path(path).replace(path)


def media_paths(folder: Path) -> dict[str, Path]:
    """The media files of a folder by the part of their name before the first dot."""
    names = sorted(folder.iterdir()) if folder.is_dir() else []
    media = [path for path in names if path.suffix.lower() not in NO_MEDIA]
    media.sort(key=lambda path: path.suffix.lower() not in IMAGES)  # a video takes the place of its thumbnail
    return {path.name.partition(".")[0]: path for path in media}


def answers(
    corpus: Corpus,
    files: Sequence[MediaFile],
    annotators: Mapping[str, MediaAnnotator],
    workers: int,
    memory_bytes: int | None,
) -> Generator[tuple[MediaFile, dict[str, Any]]]:
    """Yield the answer about each file in their order; at most two files a worker wait to be taken."""
    children: list[Child] = []
    of_thread = local()

    def annotate_file(file: MediaFile, scenes: Sequence[tuple[float, float]]) -> dict[str, Any]:
        if not hasattr(of_thread, "child"):
            of_thread.child = new_child(annotators, memory_bytes)
            children.append(of_thread.child)
        child: Child = of_thread.child
        return ask(child, file, scenes)

    pool = ThreadPoolExecutor(workers)
    waiting: deque[tuple[MediaFile, Future[dict[str, Any]]]] = deque()
    try:
        for batch in batched(files, AT_ONCE):
            scenes = source_scenes(corpus, batch)
            for file in batch:
                waiting.append((file, pool.submit(annotate_file, file, scenes.get(file.message_id, ()))))
                if len(waiting) > 2 * workers:
                    first, future = waiting.popleft()
                    yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in children:
            child.stop()


def ask(
    child: Child, file: MediaFile, scenes: Sequence[tuple[float, float]] = (), read_s: float | None = None, **more: Any
) -> dict[str, Any]:
    """A child's answer about a file, of which `read_s` seconds are read (null: all). Raises NoChild."""
    about = {"message_id": file.message_id, "scenes": scenes, "file": str(file.path.absolute())}
    return child.annotate({**about, "limits": asdict(Limits(read_s=read_s)), **more}, file.size)


def batched(files: Sequence[MediaFile], size: int) -> Iterator[Sequence[MediaFile]]:
    """Yield the files so many at a time."""
    return (files[start : start + size] for start in range(0, len(files), size))


def new_child(annotators: Mapping[str, MediaAnnotator], memory_bytes: int | None = None) -> Child:
    """A child process for annotators, with as much memory and time as the most demanding of them needs."""
    asked = {name: annotator.settings.model_dump(mode="json") for name, annotator in annotators.items()}
    most = max((annotator.memory_bytes for annotator in annotators.values()), default=MediaAnnotator.memory_bytes)
    patience = max((annotator.patience for annotator in annotators.values()), default=1.0)
    return Child(asked, memory_bytes or most, patience)


class Parts:
    """Rows of each annotation, as a table a file, until they are written as a part of it."""

    def __init__(
        self, annotators: Mapping[str, MediaAnnotator], labels: Mapping[str, str], part_of: Callable[[str], Path]
    ) -> None:
        """Begin without rows; `part_of` gives the path of the next part of a label."""
        self.annotators, self.labels, self.part_of = annotators, labels, part_of
        self._begin()

    def _begin(self) -> None:
        self.tables: dict[str, list[pa.Table]] = {name: [] for name in self.labels}
        self.files, self.bytes, self.written_at = 0, 0, time.monotonic()

    def add(self, file: MediaFile, answer: Mapping[str, Any], outcome: MediaAnnotated) -> None:
        """Add the rows about a file, of the annotations that lack it."""
        outcome.files += 1
        outcome.peak_bytes = max(outcome.peak_bytes, answer.get("peak_bytes", 0))
        about = {
            "message_id": file.message_id,
            "file": replace_lone_surrogates(file.path.name),
            "file_bytes": file.size,
        }
        for name in file.missing:
            rows = answer.get("rows", {}).get(name) or []
            own = answer.get("reasons", {}).get(name)
            try:
                table = self._table(name, rows, about)
            except (pa.ArrowException, ValueError, TypeError, KeyError, AttributeError):  # the child was taken over
                own, table = "its answer cannot be read", self._table(name, [], about)
            if own:
                outcome.reasons[f"{name}: {own}"] += 1
            outcome.rows[self.labels[name]] += len(table)
            reason = answer.get("reason") or own or answer.get("damage")
            rejected = self._table(name, [{"reason": reason}] if reason or not len(table) else [], about)
            self.tables[name] += [table, rejected]
            self.bytes += table.nbytes
        if reason := answer.get("reason") or answer.get("damage"):
            outcome.reasons[reason] += 1
        self.files += 1

    @property
    def full(self) -> bool:
        """Whether it is time to write a part."""
        return self.files >= PART_FILES or self.bytes > PART_BYTES or time.monotonic() - self.written_at > PART_S

    def _table(self, name: str, rows: Sequence[Row], about: Row) -> pa.Table:
        """Rows about a file as a table. Raises what Arrow raises for what is no row."""
        schema = self.annotators[name].schema
        return pa.Table.from_pylist([{**with_bytes(row, schema), **about} for row in rows], schema=schema)

    def write(self) -> None:
        """Write what waits; the annotators that others rest on come first."""
        for name, tables in self.tables.items():
            table = pa.concat_tables(tables) if tables else ()
            if len(table):
                path = self.part_of(self.labels[name])
                pq.write_table(table, part_path(path), compression="zstd")
                part_path(path).replace(path)
        self._begin()


def media_annotated_text(outcome: MediaAnnotated) -> str:
    """Describe a run: files, rows of each annotation, and why files gave none."""
    lines = [f"{number_of(outcome.files, 'media file')} read"]
    lines += [f"  {label}: {number_of(count, 'row')}" for label, count in outcome.rows.items()]
    lines += [
        f"  {number_of(count, 'file')} of which not all is read: {why}" for why, count in outcome.reasons.most_common()
    ]
    if outcome.without_file:
        lines.append(f"  {number_of(outcome.without_file, 'message')} without a file in CORPUS/media")
    return "\n".join(lines)
