"""Posts of a crawler's JSON lines to tables and to text: seconds and peak memory at several sizes.

    python -m tests.performance.bench_posts [MILLIONS ...]

Each size is ingested (`table` source with a mapping) and verbalized by the commands a user types, each in a process of
its own whose peak memory is read when it ends. Linear means: seconds a million posts stay what they are at the least.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MAPPING = """channel: twitter
kind: post
message: {message_id: id, body: text, published_at: created_at, language: lang}
communicator: {communicator_id: user.id, name: user.name, audience: user.followers}
effects:
  - {metric: likes, at: fetched_at, value: likes}
  - {metric: shares, at: fetched_at, value: reposts}
"""
WORDS = [
    "we",
    "our",
    "new",
    "store",
    "coffee",
    "game",
    "season",
    "thank",
    "for",
    "all",
    "best",
    "ever",
    "soon",
    "today",
    "only",
    "with",
    "you",
    "more",
    "here",
]


def make_posts(path: Path, rows: int) -> None:
    """JSON lines of some 300 bytes, from 1,000 accounts."""
    rng = random.Random(0)
    bodies = [" ".join(rng.choices(WORDS, k=rng.randint(8, 30))) for _ in range(5_000)]
    with path.open("w") as file:
        for n in range(rows):
            day = f"20{10 + n % 13}-{1 + n % 12:02}-{1 + n % 28:02}T{n % 24:02}:{n % 60:02}:00Z"
            user = {"id": f"u{n % 1000}", "name": f"brand {n % 1000}", "followers": 1000 + n % 1000}
            post = {"id": f"post{n}", "text": f"{bodies[n % 5000]} {n}", "created_at": day, "lang": "en", "user": user}
            counts = {"likes": n * 7919 % 5000, "reposts": n * 104729 % 900, "fetched_at": "2024-01-01T00:00:00Z"}
            file.write(json.dumps({**post, **counts}) + "\n")


def run(*arguments: str | Path) -> tuple[float, float]:
    """Seconds and peak memory in MB of one command."""
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "cbc", "corpus", *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0, arguments
    return time.perf_counter() - start, used.ru_maxrss / 1024


def main(*millions: float) -> None:
    """Run each size and print a row."""
    print(
        f"{'posts':>12} {'ingest s':>9} {'s/million':>10} {'peak MB':>8} {'text s':>8} {'s/million':>10} {'peak MB':>8}"
    )
    for size in millions:
        with tempfile.TemporaryDirectory(dir=os.environ.get("CBC_BENCH_DIR")) as folder:
            root = Path(folder)
            (root / "posts.yaml").write_text(MAPPING)
            make_posts(root / "posts.jsonl", int(size * 1e6))
            took, peak = run(
                "ingest", "table", root / "posts.jsonl", "--mapping", root / "posts.yaml", "--corpus", root / "c"
            )
            (root / "posts.jsonl").unlink()
            text, peak_text = run("verbalize", "--corpus", root / "c", "--out", root / "text.parquet")
            figures = f"{took:9.1f} {took / size:10.1f} {peak:8.0f} {text:8.1f} {text / size:10.1f} {peak_text:8.0f}"
            print(f"{int(size * 1e6):12,} {figures}", flush=True)


if __name__ == "__main__":
    main(*(float(one) for one in sys.argv[1:] or ("1", "2", "5", "10")))
