"""A crawl of 1,000 channels and 40,000 videos, killed 20 times, with faults in a tenth of its calls.

    python -m tests.performance.soak_crawl [CHANNELS] [KILLS]

Its tables must equal those of an undisturbed crawl. Its ledger may exceed the server's own count, never fall short of
it: it also counts calls that were booked when a kill came, and calls that the server refused without a charge.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import yaml

from studies.results import Part, write_result
from tests.corpus.crawl.server import Server, Universe, random_faults
from tests.corpus.crawl.test_crawl import KEY, same, start, tables, units
from tests.performance.show import show

CONCURRENCY = 8
VIDEOS = 40  # a channel


def crawl_all(place: Path, universe: Universe) -> Path:
    """The recipe for all channels, in a folder of its own."""
    place.mkdir()
    path = place / "recipe.yaml"
    youtube = {"channels": universe.channel_ids}
    limits = {"quota": {"units_per_day": 10**6}, "tries": 30, "wait_s": 0.01, "concurrency": CONCURRENCY}
    path.write_text(yaml.safe_dump({"youtube": youtube, **limits}))
    return path


def measure(channels: int = 1000, kills: int = 20) -> Part:
    """Crawl twice and compare."""
    universe, rng = Universe(channels, VIDEOS), random.Random(0)
    os.environ |= {"CBC_YOUTUBE_API_KEY": KEY, "CBC_HASH_KEY": "salt"}
    with tempfile.TemporaryDirectory() as folder:
        clean, disturbed = Path(folder, "clean"), Path(folder, "disturbed")
        with Server(universe, key=KEY) as server:
            os.environ["CBC_YOUTUBE_ENDPOINT"] = server.url
            assert start(clean, crawl_all(clean, universe)).wait() == 0
            needed = len(server.calls)
        with Server(universe, key=KEY, faults=random_faults(0.1, seed=1), latency_s=0.005) as server:
            os.environ["CBC_YOUTUBE_ENDPOINT"] = server.url
            recipe, killed, began = crawl_all(disturbed, universe), 0, time.perf_counter()
            while killed < kills:
                process, wanted = start(disturbed, recipe), len(server.calls) + rng.randint(1, needed // kills)
                while len(server.calls) < wanted and process.poll() is None:
                    time.sleep(0.001)
                killed += process.poll() is None
                process.send_signal(signal.SIGKILL)
                if process.wait() == 0:
                    break
            assert start(disturbed, recipe).wait() == 0
            faults = sum(call.status != 200 for call in server.calls)
            rows = [
                ("kills", killed),
                ("calls refused", faults),
                ("calls made", len(server.calls)),
                ("calls needed", needed),
                ("seconds", time.perf_counter() - began),
                ("tables equal those of the clean crawl", same(tables(clean / "corpus"), tables(disturbed / "corpus"))),
                ("units in the ledger", units(disturbed / "corpus")),
                ("units charged by the server", server.units),
            ]
    return Part(f"{channels:,} channels of {VIDEOS} videos", ["what", "number"], rows)


if __name__ == "__main__":
    part = measure(*map(int, sys.argv[1:]))
    show(part)
    print(write_result("soak", "A crawl that is killed", "make soak", [part]))
