"""The exercise bench: the same from its seed each time; the commands of submissions/README.md work as written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from benchmark.bench import Bench
from benchmark.tasks.registry import TASKS
from leaderboard.exercise import exercise_bench
from leaderboard.verify import verify

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with the exercise bench, built by the first command of the README."""
    folder = tmp_path_factory.mktemp("exercise")
    assert run(folder, commands()[0]).startswith("bench: bench ")
    return folder


def commands() -> list[str]:
    """The commands of the README's first block, without their comments."""
    block = re.findall(r"```\n(.*?)```", (ROOT / "submissions" / "README.md").read_text(), re.S)[0]
    return [line.split("  #")[0] for line in block.splitlines()]


def run(folder: Path, command: str) -> str:
    program, *arguments = shlex.split(command)
    assert program == "cbc"
    known = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "cbc", *arguments], cwd=folder, env=known, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_it_holds_every_task_and_is_the_same_each_time(place):
    bench = Bench.open(place / "bench")
    assert list(bench.tasks) == list(TASKS) and all(entry["test"] > 100 for entry in bench.tasks.values())
    before = {path: path.stat().st_mtime_ns for path in (place / "bench").rglob("*")}
    assert exercise_bench(place / "bench").fingerprint == bench.fingerprint
    assert {path: path.stat().st_mtime_ns for path in (place / "bench").rglob("*")} == before


@pytest.mark.slow
def test_the_readmes_commands_send_a_run_in(place):
    asked = Bench.open(place / "bench").public("views", "test")
    asked.select("instance_id", answer=pl.lit("about 20 thousand views")).write_csv(place / "answers.csv")
    *_, verified = (run(place, command) for command in commands())
    assert verified.startswith("ok submissions/my-model.zip: my-model, views rmse_log10 ")


@pytest.mark.slow
def test_what_lies_in_submissions_is_verified(place):
    lines = list(verify([ROOT / "submissions"], place / "bench"))
    assert lines[-1].startswith("no packed runs (*.zip) in ") or "packed runs verified" in lines[-1]
