"""An interrupt while DuckDB, Polars or torch works: exit code 130, one line; the same command completes later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml

from benchmark.build import build_bench
from corpus.simulate.world import simulate
from tests.test_full_disk import RECIPE

ROOT = Path(__file__).resolve().parent.parent
LINE = "interrupted; run the same command again to go on"
TICKS = os.sysconf("SC_CLK_TCK")
ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"


def start(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cbc", *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def busy_s(process: subprocess.Popen[str]) -> float:
    """Seconds of computing that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def interrupt_when(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
    """Interrupt a process once it is where it should be; it must still run then."""
    while not ready():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, ""), err
    assert err.strip().splitlines()[-1] == LINE
    assert err.count(LINE) == 1 and "Traceback" not in err


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("made")
    simulate(root / "corpus", brands=9, videos=40, posts=30, emails=1)
    build_bench(root / "corpus", root / "bench")
    return root


@pytest.mark.parametrize("shape", [[], ["--csv"], ["--json"]], ids=["table", "csv", "json"])
def test_a_query_that_would_not_end(made, shape):
    process = start("corpus", "sql", ENDLESS, "--corpus", made / "corpus", *shape)
    interrupt_when(process, lambda: busy_s(process) > 3)


def test_an_ingest(tmp_path):
    rows = "SELECT range AS id, 'some words of post number ' || range AS text, range % 1000 AS n FROM range(500000)"
    duckdb.execute(f"COPY ({rows}) TO '{tmp_path}/posts.csv'")
    (tmp_path / "m.yaml").write_text("channel: web\nkind: post\nmessage: {message_id: id, body: text}\n")
    words = ("table", tmp_path / "posts.csv", "--mapping", tmp_path / "m.yaml", "--corpus", tmp_path / "c")
    process = start("corpus", "ingest", *words)
    began: list[float] = []

    def ready() -> bool:
        if not began and (tmp_path / "c" / "tmp").exists():
            began.append(busy_s(process))
        return bool(began) and busy_s(process) - began[0] > 0.5

    interrupt_when(process, ready)
    assert not list((tmp_path / "c" / "tables").glob("*"))
    again = start("corpus", "ingest", *words)
    assert again.wait() == 0, again.communicate()


def test_texts(tmp_path):
    simulate(tmp_path / "corpus", brands=24, videos=60, posts=400, emails=4)
    (tmp_path / "out").mkdir()
    words = ("corpus", "verbalize", "--corpus", tmp_path / "corpus", "--out", tmp_path / "out" / "texts.parquet")
    process = start(*words)
    interrupt_when(process, (tmp_path / "out" / ".texts.parquet.part").exists)
    assert not list((tmp_path / "out").iterdir())
    assert not (tmp_path / "corpus" / "derived.txt").exists()
    again = start(*words)
    assert again.wait() == 0, again.communicate()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["texts.parquet"]


def test_a_build(made, tmp_path):
    process = start("benchmark", "build", "--corpus", made / "corpus", "--out", tmp_path / "bench")
    interrupt_when(process, (tmp_path / ".bench.part").exists)
    assert not (tmp_path / "bench").exists()
    again = start("benchmark", "build", "--corpus", made / "corpus", "--out", tmp_path / "bench")
    assert again.wait() == 0, again.communicate()


def test_a_training(made, tmp_path):
    recipe = {**RECIPE, "steps": 100_000, "save_every_steps": 100_000, "eval_every_steps": 100_000}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump({**recipe, "log_every_steps": 1}))
    process = start("baselines", "train", tmp_path / "small.yaml", "--bench", made / "bench", "--out", tmp_path / "m")
    interrupt_when(process, (tmp_path / "m.part" / "log.jsonl").exists)
    assert not (tmp_path / "m").exists()


SLEEPER = """import signal, threading, sys, cbc
from corpus.cli import app
@app.command()
def stuck():
    signal.pthread_sigmask(signal.SIG_BLOCK, [])
    print("ready", file=sys.stderr, flush=True)
    lock = threading.Lock(); lock.acquire()
    while True:
        try:
            lock.acquire()
        except KeyboardInterrupt:
            pass
sys.argv = ["cbc", "corpus", "stuck"]
cbc.GRACE_S = float(sys.stdin.readline())
cbc.main()
"""


@pytest.mark.parametrize(("grace_s", "interrupts"), [(0.2, 1), (1000, 2)], ids=["after some seconds", "at the second"])
def test_what_does_not_heed_an_interrupt_ends_all_the_same(grace_s, interrupts):
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdin.write(f"{grace_s}\n")
    process.stdin.flush()
    assert process.stderr.readline() == "ready\n"
    for _ in range(interrupts):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, f"{LINE}\n")
