"""Near duplicates among synthetic posts: our filter against a plain loop over datasketch's MinHashLSH, in one run.

    python -m tests.performance.bench_dedupe [POSTS [MORE_POSTS]]

Prints seconds, posts/s, the ratio and how many near duplicates each removed of those planted; then our time and peak
memory at MORE_POSTS, in a process of its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
from datasketch import MinHash, MinHashLSH

from corpus.files.atomic import write_json
from corpus.filters.near import NearDuplicates
from corpus.filters.pool import normalised
from corpus.filters.recipe import FilterRecipe
from corpus.filters.run import run_filters
from corpus.schema import TABLES
from corpus.store import Corpus
from studies.results import Part
from tests.performance.show import show

PLANTED = 10  # one post of so many repeats an earlier one but for its last word
THRESHOLD, SIZE = 0.8, 5
RECIPE = FilterRecipe("bench", (NearDuplicates(threshold=THRESHOLD, shingle="character", size=SIZE),))


def make_posts(count: int) -> list[str]:
    """Posts of about 150 characters; every tenth is a near duplicate of an earlier one."""
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    vocabulary = np.array(["".join(rng.choice(letters, rng.integers(3, 10))) for _ in range(20_000)])
    posts: list[str] = []
    for start in range(0, count, 10_000):
        for words in vocabulary[rng.integers(0, len(vocabulary), (min(10_000, count - start), 22))]:
            planted = len(posts) % PLANTED == PLANTED - 1
            earlier = posts[int(rng.integers(len(posts)))].rpartition(" ")[0] + " " if planted else ""
            posts.append(earlier + words[0] if planted else " ".join(words))
    return posts


def make_corpus(root: Path, posts: list[str]) -> None:
    """A corpus of one ingest with these posts."""
    Corpus.create(root)
    place = root / "tables" / "bench-0000000000000000"
    place.mkdir(parents=True)
    columns = {name: pl.lit(None, pl.String) for name in TABLES["message"].names}
    frame = pl.DataFrame({"message_id": [f"p{n:08}" for n in range(len(posts))], "body": posts})
    shown = {
        "kind": pl.lit("post"),
        "published_at": pl.lit(datetime(2024, 1, 1)),
        "duration_s": pl.lit(None, pl.Float64),
    }
    frame.select(**{**columns, **shown, "message_id": pl.col("message_id"), "body": pl.col("body")}).write_parquet(
        place / "message.parquet"
    )
    write_json(place / "manifest.json", {"ingest": place.name})


def ours(posts: list[str]) -> tuple[float, int]:
    """Seconds of the whole command's work on a corpus, and how many it removed."""
    with tempfile.TemporaryDirectory() as folder:
        make_corpus(Path(folder, "corpus"), posts)
        start = time.perf_counter()
        manifest = run_filters(RECIPE, Path(folder, "corpus"))
        return time.perf_counter() - start, manifest["messages"] - manifest["kept"]


def by_datasketch(posts: list[str]) -> tuple[float, int]:
    """Seconds of the loop that its documentation shows: hash, query, insert if new; and how many were not new."""
    start = time.perf_counter()
    index, removed = MinHashLSH(threshold=THRESHOLD, num_perm=128), 0
    for number, post in enumerate(posts):
        text = normalised(post)
        sketch = MinHash(num_perm=128)
        sketch.update_batch([text[i : i + SIZE].encode() for i in range(max(1, len(text) - SIZE + 1))])
        if index.query(sketch):
            removed += 1
        else:
            index.insert(number, sketch)
    return time.perf_counter() - start, removed


def alone(count: int) -> tuple[float, int, float]:
    """Seconds, posts removed and peak memory in MB, in this process; the posts are on disk by then."""
    with tempfile.TemporaryDirectory() as folder:
        code = (
            "import sys; from tests.performance.bench_dedupe import *; make_corpus(Path(sys.argv[1]), make_posts(%d))"
        )
        subprocess.run([sys.executable, "-c", code % count, f"{folder}/corpus"], check=True)
        start = time.perf_counter()
        manifest = run_filters(RECIPE, Path(folder, "corpus"))
        seconds, removed = time.perf_counter() - start, manifest["messages"] - manifest["kept"]
    return seconds, removed, own_peak_mb()


def own_peak_mb() -> float:
    """Peak memory of this process in MB; what getrusage gives begins with the peak of the process that forked it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def measure(count: int = 20_000, more: int = 1_000_000) -> Part:
    """Both on the same posts, then ours on many more in a process of its own."""
    posts = make_posts(count)
    runs = {"cbc near_duplicates": ours(posts), "datasketch, post by post": by_datasketch(posts)}
    base = runs["cbc near_duplicates"][0]
    rows: list[tuple[str | float | None, ...]] = [
        (name, count, seconds, count / seconds, seconds / base, removed, count // PLANTED, None)
        for name, (seconds, removed) in runs.items()
    ]
    code = f"from tests.performance.bench_dedupe import alone; print(*alone({more}))"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    seconds, removed, peak_mb = map(float, printed.split()[-3:])
    rows.append(("cbc near_duplicates", more, seconds, more / seconds, None, int(removed), more // PLANTED, peak_mb))
    columns = ["what", "posts", "seconds", "posts/s", "times ours", "removed", "planted", "peak MB"]
    return Part("Near duplicates", columns, rows)


if __name__ == "__main__":
    show(measure(*map(int, sys.argv[1:])))
