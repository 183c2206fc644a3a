"""What annotating media files would take: time, memory and disk, measured on the beginnings of some of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.annotate.children import Child
from corpus.annotate.media import MediaAnnotator, with_bytes
from corpus.annotate.media_run import MediaFile, ask, labels_of, new_child, source_scenes, unread_files
from corpus.printing import number_of
from corpus.store import Corpus

TRIED, TRIED_S = 3, 20.0  # how many files are tried, and how much of each, in seconds
PROBED = 30  # files whose headers are read; the others are taken to be as long on average


@dataclass(frozen=True)
class MediaPlan:
    """What a run would take; `tried`: how many files its figures rest on. Null where none could be tried."""

    files: int
    media_s: float
    media_bytes: int
    tried: int
    time_s: float | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None


def make_plan(root: Path, annotators: Mapping[str, MediaAnnotator], workers: int) -> MediaPlan:
    """Try the beginnings of a few files, evenly spaced among all that lack an annotation; writes nothing.

    Raises MissingAnnotator, NoSuchPath, WrongVersion.
    """
    corpus = Corpus.open(root)
    files, _ = unread_files(corpus, labels_of(annotators))
    tried_files = spaced(files, TRIED)
    scenes = source_scenes(corpus, tried_files)
    child = new_child(annotators)
    try:
        lengths_s = [length_of(child, file) for file in spaced(files, PROBED)]
        trials = [try_file(child, file, scenes.get(file.message_id, ()), annotators) for file in tried_files]
    finally:
        child.stop()
    tries = [tried for tried in trials if tried is not None]
    media_s = sum(lengths_s) / max(len(spaced(files, PROBED)), 1) * len(files)
    size = sum(file.size for file in files)
    read_s = sum(tried["read_s"] for tried in tries)
    if not read_s:
        return MediaPlan(len(files), media_s, size, 0)
    return MediaPlan(
        files=len(files),
        media_s=media_s,
        media_bytes=size,
        tried=len(tries),
        time_s=sum(tried["time_s"] for tried in tries) / read_s * media_s / max(1, min(workers, len(files))),
        memory_bytes=max(tried["peak_bytes"] for tried in tries) * min(workers, len(files)),
        disk_bytes=round(sum(tried["disk_bytes"] for tried in tries) / read_s * media_s),
    )


def spaced(files: Sequence[MediaFile], count: int) -> list[MediaFile]:
    """At most so many of the files, evenly spaced."""
    step = max(1, -(-len(files) // count))
    return list(files[::step])


def length_of(child: Child, file: MediaFile) -> float:
    """A file's length in seconds; 0 if it cannot be opened."""
    return float(ask(child, file, only_facts=True).get("facts", {}).get("duration_s") or 0.0)


def try_file(
    child: Child, file: MediaFile, scenes: Sequence[tuple[float, float]], annotators: Mapping[str, MediaAnnotator]
) -> dict[str, Any] | None:
    """Annotate the beginning of a file: what it took; None if it cannot be used. A plan opens no file by itself."""
    ask(child, file, scenes, read_s=0.0)  # loads libraries and models
    began = time.monotonic()
    answer = ask(child, file, scenes, read_s=TRIED_S)
    if "rows" not in answer:
        return None
    read_s = min(answer["facts"]["decoded_s"], TRIED_S)
    disk = 0
    for name, rows in answer["rows"].items():
        # Rows about what comes later are there too, as scenes are, but are not of this stretch.
        disk += parquet_bytes(annotators[name].schema, [row for row in rows if (row.get("start_s") or 0) <= read_s])
    return {"time_s": time.monotonic() - began, "read_s": read_s, "disk_bytes": disk, **answer}


def parquet_bytes(schema: pa.Schema, rows: Sequence[Mapping[str, Any]]) -> int:
    """How many bytes rows take in a parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_pylist([with_bytes(dict(row), schema) for row in rows], schema=schema), sink, compression="zstd"
    )
    return int(sink.getvalue().size)


def plan_text(plan: MediaPlan) -> str:
    """A plan in words."""
    of_files = (
        f"{number_of(plan.files, 'media file')}, {plan.media_s / 3600:,.2f} hours, {plan.media_bytes / 1e6:,.1f} MB"
    )
    if plan.time_s is None or plan.memory_bytes is None or plan.disk_bytes is None:
        return f"{of_files} to annotate; none of those tried can be used"
    minutes = f"{plan.time_s / 60:,.1f} minutes"
    memory, disk = f"{plan.memory_bytes / 1e9:,.1f} GB of memory", f"{plan.disk_bytes / 1e6:,.2f} MB of disk"
    return f"{of_files} to annotate: about {minutes}, {memory}, {disk} (from {number_of(plan.tried, 'file')} tried)"
