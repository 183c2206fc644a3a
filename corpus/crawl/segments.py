"""Payloads on their way from the crawl's journal to the corpus: parquet segments, ingested like any other file.

A segment is written beside its place and renamed, ingested (which keeps it as received in raw/youtube_api), and only
then are its payloads forgotten by the journal. Stopped in between, the next run finds the segment and goes on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.crawl.journal import Journal
from corpus.ingest import ingest
from corpus.sources.youtube_api import SEGMENT, YoutubeApi

PAYLOADS = 1_000  # a segment; of up to 50 videos each, some 100 MB in memory


def put_away(journal: Journal, root: Path, least: int = 1) -> None:
    """Bring payloads into the corpus at `root`, as long as the journal holds at least so many."""
    folder = root / "crawl"
    folder.mkdir(exist_ok=True)
    for left in sorted(folder.glob("*.parquet")):
        settle(journal, root, left)
    while len(rows := journal.payloads(PAYLOADS)) >= max(1, least):
        settle(journal, root, write_segment(rows, folder))


def write_segment(rows: list[tuple[int, str, str, str, float, str]], folder: Path) -> Path:
    """One file of payloads, named by the first and the last task."""
    path = folder / f"{rows[0][0]:012}-{rows[-1][0]:012}.parquet"
    beside = folder / f".{path.name}.part"
    tool = f"google-api-python-client {version('google-api-python-client')}"
    tasks, stages, targets, pages, times, bodies = zip(*rows, strict=True)
    fetched_at = [datetime.fromtimestamp(int(at), UTC).replace(tzinfo=None) for at in times]
    columns = [tasks, stages, targets, pages, fetched_at, [tool] * len(rows), bodies]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SEGMENT, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=SEGMENT), beside, compression="zstd")
    beside.replace(path)
    return path


def settle(journal: Journal, root: Path, segment: Path) -> None:
    """Ingest a segment, then forget its payloads, then remove it."""
    ingest(YoutubeApi(), [segment], root)
    journal.put_away(pq.read_table(segment, columns=["task"]).column("task").to_pylist())
    segment.unlink()
