"""A full disk: each command says so in one line and exits with 2, leaves nothing half-written, and then completes.

The disk is a tmpfs of some kilobytes, mounted by the test; where that is not allowed these tests are skipped.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from benchmark.build import build_bench
from corpus.simulate.world import simulate
from tests.corpus.crawl.server import Server, Universe

SAID = "error: the disk is full; free some space and run the same command again"
NOBODY = "SELECT count(*) = 0 AS n FROM message WHERE message_id = 'youtube:sim-v-alvora-1'"
RECIPE = {
    "extends": "nano-lcbm",
    "scratch": {"vocab_size": 1500, "hidden_size": 64, "intermediate_size": 64, "layers": 1, "heads": 2},
    "tasks": ["tweet_likes_brand"],
    "steps": 4,
    "save_every_steps": 2,
    "eval_every_steps": 4,
}


@pytest.fixture
def disk(tmp_path) -> Iterator[Callable[[int], Path]]:
    """Gives a disk of so many kilobytes; called again, makes it larger."""
    place = tmp_path / "disk"
    place.mkdir()

    def sized(kilobytes: int) -> Path:
        options = f"size={kilobytes}k" + (",remount" if place.is_mount() else "")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"needs to mount a small disk, which is not allowed here ({done.stderr.strip()})")
        return place

    yield sized
    if place.is_mount():
        subprocess.run(["umount", "--lazy", place], check=True)


TWICE = ["id,text\n", *(f"{n},our new bike is here and you will like how it rides\n" for n in range(3))]
MAPPING = {"channel": "twitter", "kind": "post", "message": {"message_id": "id", "body": "text"}}
"""Posts that the default filter removes, since they are equal."""


@pytest.fixture(scope="module")
def given(tmp_path_factory, cbc) -> Path:
    """A corpus, a bench, a run and a recipe on a disk with room."""
    root = tmp_path_factory.mktemp("given")
    simulate(root / "corpus", brands=9, videos=40, posts=30, emails=1)
    build_bench(root / "corpus", root / "bench")
    (root / "twice.csv").write_text("".join(TWICE))
    (root / "twice.yaml").write_text(yaml.safe_dump(MAPPING))
    twice = ("corpus", "ingest", "table", root / "twice.csv", "--mapping", root / "twice.yaml")
    assert cbc(*twice, "--corpus", root / "corpus").returncode == 0
    assert cbc("baselines", "predict", "constant", "--bench", root / "bench", "--out", root / "run").returncode == 0
    (root / "small.yaml").write_text(yaml.safe_dump(RECIPE))
    return root


COMMANDS = {  # what is run, the kilobytes that do not suffice, and what stands in place when it is done
    "simulate": (75, "corpus simulate --corpus {disk}/out --brands 9 --videos 40 --posts 30", "out/corpus.duckdb"),
    "views": (200, "corpus simulate --corpus {disk}/out --brands 9 --videos 40 --posts 30", "out/corpus.duckdb"),
    "build": (100, "benchmark build --corpus {given}/corpus --out {disk}/out", "out/manifest.json"),
    "verbalize": (40, "corpus verbalize --corpus {given}/corpus --out {disk}/out.parquet", "out.parquet"),
    "export": (8, "corpus export --format published --corpus {given}/corpus --out {disk}/out.parquet", "out.parquet"),
    "release": (40, "corpus release --content full --corpus {given}/corpus --out {disk}/out", "out/manifest.json"),
    "predict": (12, "baselines predict constant --bench {given}/bench --out {disk}/out", "out/manifest.json"),
    "train": (600, "baselines train {given}/small.yaml --bench {given}/bench --out {disk}/out", "out/training.json"),
    "tables": (8, "benchmark tables {given}/run --bench {given}/bench --out {disk}/out", "out/views.json"),
    "page": (16, "leaderboard build {given}/run --bench {given}/bench --out {disk}/out", "out/index.html"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_said_and_the_same_command_completes_when_there_is_room(name, given, disk, cbc):
    kilobytes, line, there = COMMANDS[name]
    place = disk(kilobytes)
    command = line.format(disk=place, given=given).split()
    full = cbc(*command)
    assert (full.returncode, full.stderr.strip().splitlines()[-1:]) == (2, [SAID]), full.stderr[-2000:]
    assert "Traceback" not in full.stderr
    assert not (place / there).exists()
    disk(200_000)
    again = cbc(*command)
    assert again.returncode == 0, again.stderr[-2000:]
    assert (place / there).stat().st_size > 0


@pytest.mark.parametrize(
    ("command", "done"),
    [("filter default", "SELECT count(*) > 0 AS n FROM removed"), ("takedown sim-v-alvora-1", NOBODY)],
    ids=["filter", "takedown"],
)
def test_what_changes_a_corpus_completes_when_there_is_room(given, disk, cbc, command, done):
    files = [path for path in (given / "corpus").rglob("*") if path.is_file()]
    place = disk(sum(-(-path.stat().st_size // 4096) * 4 for path in files) + 24)
    shutil.copytree(given / "corpus", place / "corpus", ignore=shutil.ignore_patterns("derived.txt"))
    full = cbc("corpus", *command.split(), "--corpus", place / "corpus")
    assert (full.returncode, full.stderr.strip().splitlines()[-1:]) == (2, [SAID]), full.stderr[-2000:]
    assert "Traceback" not in full.stderr
    assert cbc("corpus", "validate", "--corpus", place / "corpus").returncode == 0
    disk(200_000)
    again = cbc("corpus", *command.split(), "--corpus", place / "corpus")
    assert again.returncode == 0, again.stderr[-2000:]
    told = cbc("corpus", "sql", done, "--corpus", place / "corpus", "--csv").stdout
    assert told.split() == ["n", "True"]


def test_a_crawl_on_a_full_disk_says_so_and_goes_on_when_there_is_room(disk, cbc, tmp_path):
    universe, place = Universe(channels=6, videos_per_channel=100), disk(900)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"youtube": {"channels": universe.channel_ids}, "wait_s": 0.01}))
    with Server(universe) as server:
        given = {"CBC_YOUTUBE_API_KEY": server.key, "CBC_YOUTUBE_ENDPOINT": server.url}
        full = cbc("corpus", "crawl", recipe, "--corpus", place / "out", **given)
        assert (full.returncode, full.stderr.strip().splitlines()[-1:]) == (2, [SAID]), full.stderr[-2000:]
        assert "Traceback" not in full.stderr
        disk(200_000)
        again = cbc("corpus", "crawl", recipe, "--corpus", place / "out", **given)
        assert again.returncode == 0, again.stderr[-2000:]
    shown = {v for channel in universe.channel_ids for v in universe.videos_of(channel)} - universe.missing
    told = cbc("corpus", "sql", "SELECT count(*) AS n FROM message", "--corpus", place / "out", "--csv").stdout
    assert told.split() == ["n", str(len(shown))]
