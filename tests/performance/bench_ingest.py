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

FILE = "youtube_trending/videos_latest.csv.gz"
ROUNDS = 3
TARGET = 2.0


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


def best(task: Callable[[Path, Path], int], source: Path) -> tuple[float, int]:
    """Wall time of one run in a fresh folder, and its rows."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        rows = task(source, Path(folder))
        return time.perf_counter() - start, rows


def main() -> None:
    """Take turns, so that both meet the same machine; the fastest run of each counts."""
    source = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data") / FILE
    if not source.is_file():
        print(f"bench_ingest: skipped, {source} is absent")
        return
    copies, ingests = [], []
    for _ in range(ROUNDS):
        copies.append(best(copy_by_duckdb, source))
        ingests.append(best(ingest_by_cbc, source))
    (copy_s, copied), (ingest_s, read) = min(copies), min(ingests)
    print(f"duckdb copy   {copied:>9,} rows  {copy_s:6.2f} s  {copied / copy_s:>10,.0f} rows/s")
    print(f"cbc ingest    {read:>9,} rows  {ingest_s:6.2f} s  {read / ingest_s:>10,.0f} rows/s")
    print(f"ratio of times {ingest_s / copy_s:.2f} (target: at most {TARGET:.0f})")
    if copied != read:
        print(f"rows differ: duckdb copied {copied:,}, cbc accounts for {read:,}")


if __name__ == "__main__":
    main()
