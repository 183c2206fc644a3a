"""Speed of `cbc corpus ingest` against DuckDB's own copy of the same CSV file to parquet, side by side in one run.

python -m tests.performance.bench_ingest ../shared/data
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from corpus.ingest.run import ingest
from corpus.sources.registry import source_named
from studies.results import Part
from tests.performance.show import show

FILE = "youtube_trending/videos_latest.csv.gz"
ROUNDS = 5
TARGET = 1.3


def copy_by_duckdb(source: Path, folder: Path) -> int:
    """DuckDB's copy with zstd, as our tables have it; gives the rows it wrote."""
    place = folder / "copy.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM read_csv('{source}')) TO '{place}' (FORMAT parquet, COMPRESSION zstd)")
        return int(connection.execute(f"SELECT count(*) FROM read_parquet('{place}')").fetchall()[0][0])


def ingest_by_cbc(source: Path, folder: Path) -> int:
    """The whole ingest, raw copy, checks, tables, provenance and all; gives the rows accounted for."""
    report = ingest(source_named("youtube_trending"), [source], folder / "corpus")
    assert report.rows_read == report.rows_counted
    return report.rows_read


def timed(task: Callable[[Path, Path], int], source: Path) -> tuple[float, float, int]:
    """Wall time and time of all cores of one run in a fresh folder, and its rows."""
    with tempfile.TemporaryDirectory() as folder:
        start, start_of_cores = time.perf_counter(), time.process_time()
        rows = task(source, Path(folder))
        return time.perf_counter() - start, time.process_time() - start_of_cores, rows


def measure(data: Path) -> Part:
    """Take turns, so that both meet the same machine; the fastest run of each counts."""
    source = data / FILE
    copies, ingests = [], []
    for _ in range(ROUNDS):
        copies.append(timed(copy_by_duckdb, source))
        ingests.append(timed(ingest_by_cbc, source))
    (copy_s, copy_cpu_s, copied), (ingest_s, ingest_cpu_s, read) = min(copies), min(ingests)
    assert copied == read, f"DuckDB copied {copied:,} rows, cbc accounts for {read:,}"
    title = f"Ingest of {read:,} videos (aim: at most {TARGET} times the copy)"
    rows = [
        ("DuckDB's copy to zstd parquet", copy_s, copied / copy_s, 1.0, copy_cpu_s),
        ("cbc corpus ingest", ingest_s, read / ingest_s, ingest_s / copy_s, ingest_cpu_s),
    ]
    return Part(title, ["what", "seconds", "rows/s", "times the copy", "CPU seconds"], rows)


if __name__ == "__main__":
    show(measure(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")))
