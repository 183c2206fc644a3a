"""Posts of a crawler's JSON lines to tables and to text: seconds and peak memory at several sizes.

    python -m tests.performance.bench_posts [MILLIONS ...]

Each size is ingested (`table` source with a mapping) and verbalized by the commands a user types, each in a process of
its own whose peak memory is read when it ends. Linear means: seconds a million posts stay what they are at the least.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from pathlib import Path

from studies.results import Part, write_result
from tests.performance.command_cost import run_module
from tests.performance.show import show

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


def measure(*millions: float) -> Part:
    """Ingest and verbalize so many millions of posts, each size in a folder of its own."""
    rows = []
    for size in millions:
        with tempfile.TemporaryDirectory(dir=os.environ.get("CBC_BENCH_DIR")) as folder:
            root = Path(folder)
            (root / "posts.yaml").write_text(MAPPING)
            make_posts(root / "posts.jsonl", int(size * 1e6))
            mapping, corpus = root / "posts.yaml", root / "c"
            ingest_s, peak_mb = run_module(
                "cbc", "corpus", "ingest", "table", root / "posts.jsonl", "--mapping", mapping, "--corpus", corpus
            )
            (root / "posts.jsonl").unlink()
            text_s, text_peak_mb = run_module(
                "cbc", "corpus", "verbalize", "--corpus", corpus, "--out", root / "text.parquet"
            )
            rows.append((int(size * 1e6), ingest_s, ingest_s / size, peak_mb, text_s, text_s / size, text_peak_mb))
            print(*rows[-1], flush=True)
    columns = ["posts", "ingest s", "ingest s/million", "ingest peak MB", "text s", "text s/million", "text peak MB"]
    return Part("Posts to tables and text", columns, rows)


if __name__ == "__main__":
    part = measure(*(float(size) for size in sys.argv[1:] or ("1", "2", "5", "10")))
    show(part)
    print(write_result("posts", "Ten million posts", "make posts", [part]))
