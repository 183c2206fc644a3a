"""Annotate media files: find those that are not annotated yet, decode each once in a child process, write the rows.

A message's file is CORPUS/media/ID.EXT, as a crawl names it (corpus/media_names.py). Each annotator's rows go to parts
of its own annotation; a file that cannot be used has a row with the `reason`, which the view `rejects` shows too. A
stopped run loses at most the files since its last part.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import local
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.annotate.base import Row
from corpus.annotate.children import Child
from corpus.annotate.media import MediaAnnotator
from corpus.annotate.run import add_layers, check_fills, next_part
from corpus.errors import CbcError
from corpus.files.atomic import part_path
from corpus.files.side_by_side import CORES
from corpus.media.clip import Limits
from corpus.media_names import stem_of
from corpus.printing import number_of
from corpus.progress import progress
from corpus.store import Corpus

NO_MEDIA = (".json", ".txt", ".part", ".ytdl", ".vtt", ".srt", ".temp")
PART_FILES, PART_S = 32, 60.0  # a part is written after so many files, or so many seconds
MEMORY_BYTES = 4_000_000_000


class MissingAnnotator(CbcError):
    """An annotator that another one rests on is not among those that run."""


@dataclass(frozen=True)
class MediaFile:
    """A media file and its message; `scenes`: spans that the source cut, in seconds."""

    message_id: str
    path: Path
    size: int
    scenes: tuple[tuple[float, float], ...]
    missing: tuple[str, ...]
    """Names of the annotators that have not read it yet."""


@dataclass
class MediaAnnotated:
    """Outcome of a run: files read, rows by label, files by the reason why they gave none, messages without a file."""

    files: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    peak_bytes: int = 0


def labels_of(annotators: Mapping[str, MediaAnnotator]) -> dict[str, str]:
    """The label of each annotator, by name. Raises MissingAnnotator."""
    labels: dict[str, str] = {}
    for name, annotator in annotators.items():
        if missing := [below for below in annotator.rests_on if below not in labels]:
            raise MissingAnnotator(f"{name} rests on {missing[0]}", f"name {missing[0]} before it")
        labels[name] = annotator.label_over(labels)
    return labels


def annotate_media(
    root: Path, annotators: Mapping[str, MediaAnnotator], workers: int = CORES, memory_bytes: int = MEMORY_BYTES
) -> MediaAnnotated:
    """Annotate the media files that lack one of the annotations, each decoded once.

    Raises MissingAnnotator, BadAnnotator, NoSuchPath, WrongVersion, Busy.
    """
    labels = labels_of(annotators)
    for annotator in annotators.values():
        check_fills(annotator)
    corpus = Corpus.open(root)
    outcome = MediaAnnotated()
    with corpus.lock():  # otherwise a message taken down meanwhile would come back
        files = unread_files(corpus, labels)
        parts = Parts(root, annotators, labels)
        with (
            progress("annotating", "files", len(files)) as shown,
            closing(answers(files, annotators, workers, memory_bytes)) as answered,
        ):
            for file, answer in answered:
                parts.add(file, answer, outcome)
                shown.detail = f"{sum(outcome.reasons.values()):,} without result"
                shown.advance(1)
            parts.write()
        for name, annotator in annotators.items():
            add_layers(corpus, annotator, labels[name])
        corpus.refresh()
    return outcome


def unread_files(corpus: Corpus, labels: Mapping[str, str]) -> list[MediaFile]:
    """The media files of messages that lack one of the annotations, sorted by message."""
    paths = media_paths(corpus.root / "media")
    held = set(corpus.annotations())
    with corpus.connect() as connection:
        messages = connection.sql("SELECT message_id, channel FROM message_source ORDER BY message_id").fetchall()
        spans = connection.sql(
            """SELECT message_id, list([start_s, end_s] ORDER BY scene) FROM scene_source
            WHERE start_s IS NOT NULL AND end_s IS NOT NULL GROUP BY message_id"""
        ).fetchall()
        read = {
            name: {row[0] for row in connection.sql(f'SELECT DISTINCT message_id FROM "{label}"').fetchall()}
            for name, label in labels.items()
            if label in held
        }
    scenes = {message_id: tuple(map(tuple, bounds)) for message_id, bounds in spans}
    files = []
    for message_id, channel in messages:
        path = paths.get(stem_of(channel or "", message_id.partition(":")[2]))
        missing = tuple(name for name in labels if message_id not in read.get(name, ()))
        if path is not None and missing:
            size = path.lstat().st_size
            files.append(MediaFile(message_id, path, size, scenes.get(message_id, ()), missing))
    return files


def media_paths(folder: Path) -> dict[str, Path]:
    """The media files of a folder by the part of their name before the first dot."""
    names = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path.name.partition(".")[0]: path for path in names if path.suffix.lower() not in NO_MEDIA}


def answers(
    files: Sequence[MediaFile], annotators: Mapping[str, MediaAnnotator], workers: int, memory_bytes: int
) -> Generator[tuple[MediaFile, dict[str, Any]]]:
    """Yield the answer about each file in their order; at most two files a worker wait to be taken."""
    asked = {name: annotator.settings.model_dump(mode="json") for name, annotator in annotators.items()}
    children: list[Child] = []
    of_thread = local()

    def annotate_file(file: MediaFile) -> dict[str, Any]:
        if not hasattr(of_thread, "child"):
            of_thread.child = Child(asked, memory_bytes)
            children.append(of_thread.child)
        limits = asdict(Limits())
        request = {
            "file": str(file.path.absolute()),
            "message_id": file.message_id,
            "scenes": file.scenes,
            "limits": limits,
        }
        answer: dict[str, Any] = of_thread.child.annotate(request, file.size)
        return answer

    pool = ThreadPoolExecutor(workers)
    waiting: deque[tuple[MediaFile, Future[dict[str, Any]]]] = deque()
    try:
        for file in files:
            waiting.append((file, pool.submit(annotate_file, file)))
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


class Parts:
    """Rows of each annotation until they are written as its next part."""

    def __init__(self, root: Path, annotators: Mapping[str, MediaAnnotator], labels: Mapping[str, str]) -> None:
        self.root, self.annotators, self.labels = root, annotators, labels
        self.rows: dict[str, list[Row]] = {name: [] for name in labels}
        self.files, self.written_at = 0, time.monotonic()

    def add(self, file: MediaFile, answer: Mapping[str, Any], outcome: MediaAnnotated) -> None:
        """Add the rows about a file, of the annotations that lack it."""
        outcome.files += 1
        outcome.peak_bytes = max(outcome.peak_bytes, answer.get("peak_bytes", 0))
        for name in file.missing:
            rows = answer.get("rows", {}).get(name) or []
            reason = answer.get("reason") or answer.get("reasons", {}).get(name)
            about = {"message_id": file.message_id, "file": file.path.name}
            self.rows[name] += [{**row, **about} for row in rows] or [{**about, "reason": reason}]
            outcome.rows[self.labels[name]] += len(rows)
        if reason := answer.get("reason"):
            outcome.reasons[reason] += 1
        self.files += 1
        if self.files >= PART_FILES or time.monotonic() - self.written_at > PART_S:
            self.write()

    def write(self) -> None:
        """Write what waits; the annotators that others rest on come first."""
        for name, rows in self.rows.items():
            if rows:
                table = pa.Table.from_pylist(rows, schema=self.annotators[name].schema)
                path = next_part(self.root / "annotations" / self.labels[name])
                pq.write_table(table, part_path(path), compression="zstd")
                part_path(path).replace(path)
        self.rows = {name: [] for name in self.labels}
        self.files, self.written_at = 0, time.monotonic()


def media_annotated_text(outcome: MediaAnnotated) -> str:
    """Describe a run: files, rows of each annotation, and why files gave none."""
    lines = [f"{number_of(outcome.files, 'media file')} read"]
    lines += [f"  {label}: {number_of(count, 'row')}" for label, count in outcome.rows.items()]
    lines += [f"  no result for {number_of(count, 'file')}: {why}" for why, count in outcome.reasons.most_common()]
    return "\n".join(lines)
