"""Verbalizing posts: our compiled template against `datasets.map` with the same template, parquet to parquet.

    python -m tests.performance.bench_verbalize [ROWS]

Prints seconds, rows/s and ratios, checks that all three wrote the same text, then our peak memory at 1, 2 and 4 times
the rows.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from corpus.verbalize.post import DATE, FORWARD
from corpus.verbalize.verbalize import fill_file

WORDS = np.array(
    ["we", "our", "new", "store", "coffee", "game", "season", "thank", "for", "all", "best", "ever", "soon"]
)


def make_posts(path: Path, rows: int) -> None:
    """Posts of about 200 characters, 200,000 at a time."""
    writer = None
    rng = np.random.default_rng(0)
    for start in range(0, rows, 200_000):
        count = min(200_000, rows - start)
        words = WORDS[rng.integers(0, len(WORDS), (count, 30))]
        numbers = np.arange(start, start + count)
        frame = pl.DataFrame(
            {
                "message_id": [f"p{i}" for i in numbers],
                "company": [f"Company {i % 997}" for i in numbers],
                "account": [f"account{i % 997}" if i % 5 else None for i in numbers],
                "published_at": [datetime(2020, 1, 1) + timedelta(minutes=int(i)) for i in numbers],
                "body": [" ".join(row) for row in words],
            }
        ).to_arrow()
        writer = writer or pq.ParquetWriter(path, frame.schema, compression="zstd")
        writer.write_table(frame)
    assert writer is not None
    writer.close()


def text_of(company: str | None, account: str | None, published_at: datetime | None, body: str) -> str:
    """The same template in Python."""
    told = f"company: {company}\n" if company is not None else ""
    told += f"account: {account}\n" if account is not None else ""
    told += f"published: {published_at:%Y-%m-%d}\n" if published_at is not None else ""
    return told + f"post: {body}\nlikes: <mask>\ndoes this post get high or low likes for its account?\nanswer:"


def one(row: dict[str, Any]) -> dict[str, str]:
    """One row."""
    return {"text": text_of(row["company"], row["account"], row["published_at"], row["body"])}


def batch(rows: dict[str, list[Any]]) -> dict[str, list[str]]:
    """A batch of rows."""
    return {"text": list(map(text_of, rows["company"], rows["account"], rows["published_at"], rows["body"]))}


def with_datasets(source: Path, out: Path, batched: bool) -> None:
    """`datasets.map` from parquet to parquet, without its cache."""
    from datasets import Dataset, disable_caching, disable_progress_bars

    disable_caching()
    disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        posts = Dataset.from_parquet(str(source), cache_dir=cache)
        mapped = posts.map(batch if batched else one, batched=batched, remove_columns=posts.column_names)
        mapped.to_parquet(str(out))


def seconds(work: Callable[[], None]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_mb(source: Path, out: Path) -> float:
    """Peak resident memory of verbalizing a file in a process of its own."""
    code = "import sys; from pathlib import Path; from tests.performance.bench_verbalize import ours; import resource; "
    code += "ours(Path(sys.argv[1]), Path(sys.argv[2])); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(source), str(out)], capture_output=True, text=True, check=True
    )
    return int(done.stdout) / 1024


def ours(source: Path, out: Path) -> None:
    """The compiled template."""
    fill_file(source, FORWARD, out, **DATE)


def main(rows: int = 1_000_000) -> None:
    """Run the three and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        source, outs = Path(folder, "posts.parquet"), [Path(folder, f"out{i}.parquet") for i in range(3)]
        make_posts(source, rows)
        times = {
            "cbc template": min(seconds(lambda: ours(source, outs[0])) for _ in range(3)),
            "datasets.map(batched=True)": seconds(lambda: with_datasets(source, outs[1], True)),
            "datasets.map, row by row": seconds(lambda: with_datasets(source, outs[2], False)),
        }
        text = [pl.read_parquet(out, columns=["text"]) for out in outs]
        assert text[0].equals(text[1]) and text[0].equals(text[2]) and text[0].height == rows
        del text
        for name, took in times.items():
            ratio = took / times["cbc template"]
            print(f"{name:28} {took:7.2f} s {rows / took:12,.0f} rows/s   {ratio:5.1f} x our time")
        for factor in (1, 2, 4):
            make_posts(source, rows * factor)
            print(f"peak memory at {rows * factor:10,} rows: {peak_mb(source, outs[0]):6.0f} MB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
