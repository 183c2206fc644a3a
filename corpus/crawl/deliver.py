"""Payloads on their way from the crawl's journal to the corpus: files, ingested like any others.

API answers become parquet segments, what yt-dlp told an info file a video. A file is written beside its place and
renamed, ingested (which keeps it as received in raw/youtube_api or raw/ytdlp), and only then are its payloads forgotten
by the journal. Stopped in between, the next run finds the files and goes on.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.crawl.journal import WATCH, Journal
from corpus.crawl.youtube_api import PARTS
from corpus.ingest.run import ingest
from corpus.sources.youtube_api import SEGMENT, YoutubeApi
from corpus.sources.ytdlp import INFO, YtDlp

PAYLOADS = 1_000  # a segment; of up to 50 videos each, some 100 MB in memory
INFOS = 300  # info files an ingest; captions of a long video may have a megabyte
API_STAGES = tuple(PARTS)
Payload = tuple[int, str, str, str, float, str]
NAME = re.compile(r"\d{12}-(\d{12}\.parquet|[A-Za-z0-9_-]+" + re.escape(INFO) + ")")  # by the task's number


def is_delivered(name: str) -> bool:
    """Whether a file bears a name that the crawl gives."""
    return NAME.fullmatch(name) is not None


def put_away(journal: Journal, root: Path, least: int = 1) -> None:
    """Bring payloads into the corpus at `root`, as long as the journal holds at least so many."""
    folder = root / "crawl"
    folder.mkdir(exist_ok=True)
    for left in sorted(folder.glob("*.parquet")):
        settle(journal, root, left)
    while len(rows := journal.payloads(PAYLOADS, API_STAGES)) >= max(1, least):
        settle(journal, root, write_segment(rows, folder))


def write_segment(rows: list[Payload], folder: Path) -> Path:
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


def put_infos_away(journal: Journal, root: Path, least: int = 1) -> None:
    """Bring what yt-dlp told into the corpus at `root`, as long as the journal holds at least so many.

    What the API told of the same videos goes first, whatever came when: of two sources the first one's message stays.
    """
    put_away(journal, root)
    folder = root / "crawl"
    settle_infos(journal, root)
    while len(rows := journal.payloads(INFOS, (WATCH,))) >= max(1, least):
        for row in rows:
            write_info(row, folder)
        settle_infos(journal, root)


def write_info(row: Payload, folder: Path) -> None:
    """One info file, named by its task, so that two sites' videos of one id, or two rounds', do not meet."""
    path = folder / f"{row[0]:012}-{stem_of(row[2])}{INFO}"
    beside = folder / f".{path.name}.part"
    beside.write_text(row[5], encoding="ascii")
    beside.replace(path)


def stem_of(target: str) -> str:
    """A video's id, or the end of its address, as a part of a file name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", target)[-40:]


def settle_infos(journal: Journal, root: Path) -> None:
    """Ingest the info files that stand ready, then forget their payloads, then remove them."""
    infos = sorted((root / "crawl").glob(f"*{INFO}"))
    if infos:
        ingest(YtDlp(), infos, root)
        journal.put_away(int(path.name.partition("-")[0]) for path in infos)
    for path in infos:
        path.unlink()
