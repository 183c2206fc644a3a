"""Crawling against the local server: the rate reached of the rate that latency and concurrency permit, and rows/s.

    python -m tests.performance.bench_crawl [CHANNELS]

The server (tests/corpus/crawl/server.py) runs in a process of its own and answers after 50 ms; a call brings one page,
so that CONCURRENCY calls at a time permit CONCURRENCY / 0.05 calls/s. Then the same payloads become rows once more.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from corpus.crawl.crawl import api_lanes, open_journal
from corpus.crawl.deliver import ingest_payloads
from corpus.crawl.recipe import load_crawl_recipe
from corpus.crawl.scheduler import Crawler
from corpus.crawl.youtube_api import ENDPOINT_VARIABLE, KEY_VARIABLE, Api, first_tasks
from corpus.ingest.run import ingest
from corpus.sources.youtube_api import YoutubeApi
from corpus.store import Corpus
from studies.results import Part
from tests.corpus.crawl.server import Server, Universe
from tests.performance.show import show

LATENCY_S = 0.05
CONCURRENCY = 4
VIDEOS = 200  # a channel


def serve(channels: int, pipe: Connection) -> None:
    """Serve until told to stop."""
    universe = Universe(channels, VIDEOS)
    with Server(universe, latency_s=LATENCY_S) as server:
        pipe.send((server.url, universe.channel_ids))
        pipe.recv()


def fetch(root: Path, recipe: Path) -> tuple[int, float]:
    """Crawl without the ingest at the end; gives calls and seconds."""
    wanted = load_crawl_recipe(recipe)
    with open_journal(Corpus.create(root)) as journal:
        assert wanted.youtube
        journal.begin_round(first_tasks(wanted.youtube), again=False)
        lanes = api_lanes(Api(), wanted, frozenset(), journal, root)
        crawler = Crawler(journal, lanes, wanted.tries, wanted.wait_s, lambda _: None)
        began = time.perf_counter()
        crawler.run()
        return crawler.totals.calls, time.perf_counter() - began


def normalize(root: Path) -> tuple[int, float]:
    """Ingest the payloads, then the raw segments into an empty corpus; gives records and seconds of the latter."""
    with open_journal(Corpus.open(root)) as journal:
        ingest_payloads(journal, root)
    segments = sorted((root / "raw" / "youtube_api").iterdir())
    assert all(pq.read_schema(path) for path in segments)
    began = time.perf_counter()
    report = ingest(YoutubeApi(), segments, root.with_name("again"))
    return report.rows_read, time.perf_counter() - began


def measure(channels: int = 200) -> Part:
    """Crawl, then read the raw segments once more."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(channels, there))
    process.start()
    url, names = here.recv()
    os.environ |= {ENDPOINT_VARIABLE: url, KEY_VARIABLE: "test-key"}
    permitted = CONCURRENCY / LATENCY_S
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder, "recipe.yaml")
        content = {"youtube": {"channels": names}, "concurrency": CONCURRENCY, "quota": {"units_per_day": 10**6}}
        recipe.write_text(yaml.safe_dump(content))
        calls, crawl_s = fetch(Path(folder, "corpus"), recipe)
        records, tables_s = normalize(Path(folder, "corpus"))
    here.send("stop")
    process.join()
    share = f"{calls / crawl_s / permitted:.0%} of the {permitted:.0f} calls/s permitted (aim: 80 %)"
    rows = [
        ("calls", calls, crawl_s, calls / crawl_s, share),
        ("records to tables", records, tables_s, records / tables_s, "aim: 20,000 records/s"),
    ]
    title = f"Crawl of a local server, {LATENCY_S * 1e3:.0f} ms a call, {CONCURRENCY} at a time"
    return Part(title, ["what", "number", "seconds", "per second", "note"], rows)


if __name__ == "__main__":
    show(measure(*map(int, sys.argv[1:])))
