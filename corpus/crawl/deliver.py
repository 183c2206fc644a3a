"""Move payloads from the crawl's journal into the corpus, as files that are ingested like any others.

API answers become parquet segments; each page that yt-dlp reads becomes an info file. A file is written atomically and
ingested (ingest keeps it as received in raw/youtube_api or raw/ytdlp); only then does the journal delete its payloads.
After an interrupt the next run continues with the files that are left.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.crawl.journal import WATCH, Journal
from corpus.crawl.youtube_api import PARTS
from corpus.files.atomic import part_path, write_text
from corpus.ingest.run import ingest
from corpus.sources.youtube_api import SEGMENT, YoutubeApi
from corpus.sources.ytdlp import INFO, YtDlp

LOG = logging.getLogger(__name__)
PAYLOADS = 1_000  # in a segment; with up to 50 videos each, about 100 MB in memory
INFOS = 300  # info files in an ingest; captions of a long video may take a megabyte
API_STAGES = tuple(PARTS)
Payload = tuple[int, str, str, str, float, str]
NAME = re.compile(r"\d{12}-(\d{12}\.parquet|[A-Za-z0-9_-]+" + re.escape(INFO) + ")")  # by the task's number


def is_delivered(name: str) -> bool:
    """Whether a file bears a name that the crawl gives."""
    return NAME.fullmatch(name) is not None


def ingest_payloads(journal: Journal, root: Path, least: int = 1) -> None:
    """Ingest payloads of the API into the corpus at `root`, while the journal holds at least `least`."""
    folder = root / "crawl"
    folder.mkdir(exist_ok=True)
    for left in sorted(folder.glob("*.parquet")):
        ingest_segment(journal, root, left)
    while len(rows := journal.oldest_payloads(PAYLOADS, API_STAGES)) >= max(1, least):
        ingest_segment(journal, root, write_segment(rows, folder))


def write_segment(rows: list[Payload], folder: Path) -> Path:
    """Write payloads into a parquet file that is named by its first and last task."""
    path = folder / f"{rows[0][0]:012}-{rows[-1][0]:012}.parquet"
    part = part_path(path)
    tool = f"google-api-python-client {version('google-api-python-client')}"
    tasks, stages, targets, pages, times, bodies = zip(*rows, strict=True)
    fetched_at = [datetime.fromtimestamp(int(at), UTC).replace(tzinfo=None) for at in times]
    columns = [tasks, stages, targets, pages, fetched_at, [tool] * len(rows), bodies]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SEGMENT, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=SEGMENT), part, compression="zstd")
    part.replace(path)
    return path


def ingest_segment(journal: Journal, root: Path, segment: Path) -> None:
    """Ingest a segment, then delete its payloads from the journal, then remove the file."""
    LOG.debug("ingesting the segment %s", segment.name)
    ingest(YoutubeApi(), [segment], root)
    journal.delete_payloads(pq.read_table(segment, columns=["task"]).column("task").to_pylist())
    segment.unlink()


def ingest_infos(journal: Journal, root: Path, least: int = 1) -> None:
    """Ingest payloads of yt-dlp into the corpus at `root`, while the journal holds at least `least`.

    Payloads of the API are ingested first, whatever was fetched first: the message of the first source stays.
    """
    ingest_payloads(journal, root)
    folder = root / "crawl"
    ingest_info_files(journal, root)
    while len(rows := journal.oldest_payloads(INFOS, (WATCH,))) >= max(1, least):
        for row in rows:
            write_info(row, folder)
        ingest_info_files(journal, root)


def write_info(row: Payload, folder: Path) -> None:
    """Write an info file; its task is part of the name, since ids repeat between sites and rounds."""
    path = folder / f"{row[0]:012}-{name_part(row[2])}{INFO}"
    write_text(path, row[5])


def name_part(target: str) -> str:
    """Part of a file name from a video's id or the end of its address."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", target)[-40:]


def ingest_info_files(journal: Journal, root: Path) -> None:
    """Ingest the info files that are ready, then delete their payloads from the journal, then remove the files."""
    infos = sorted((root / "crawl").glob(f"*{INFO}"))
    if infos:
        ingest(YtDlp(), infos, root)
        journal.delete_payloads(int(path.name.partition("-")[0]) for path in infos)
    for path in infos:
        path.unlink()
