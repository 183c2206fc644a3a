"""Steps killed at several points leave nothing half-written; the same command then gives the bytes of a clean run."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corpus.simulate.world import simulate

ROOT = Path(__file__).resolve().parent.parent
WORLD = "from pathlib import Path; from corpus.simulate.world import simulate; import sys; "
STEPS = {
    "simulate": (WORLD + "simulate(Path(sys.argv[1]) / 'out', brands=6, videos=12, posts=20, emails=2)", "corpus.json"),
    "build": (
        "from pathlib import Path; from benchmark.build import build_bench; import sys; "
        "build_bench(Path(sys.argv[2]), Path(sys.argv[1]) / 'out')",
        "manifest.json",
    ),
}


def digests(root: Path) -> dict[str, str]:
    """Digests of the data below a folder: everything but the views, which hold the folder's path."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name not in ("corpus.duckdb", ".lock") and "tmp" not in path.parts
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("world") / "corpus"
    simulate(root, brands=6, videos=40, posts=20, emails=1)
    return root


def start(step: str, folder: Path, world: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", STEPS[step][0], str(folder), str(world)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ)
    )


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_step_is_completed_by_the_same_command(step, world, tmp_path):
    clean, killed = tmp_path / "clean", tmp_path / "killed"
    clean.mkdir()
    killed.mkdir()
    began = time.monotonic()
    assert start(step, clean, world).wait() == 0
    whole_s = time.monotonic() - began
    for share in (0.3, 0.55, 0.7, 0.8, 0.9, 0.97):
        process = start(step, killed, world)
        time.sleep(share * whole_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        out = killed / "out"
        if (out / "manifest.json").exists():
            assert digests(out) == digests(clean / "out")
    assert start(step, killed, world).wait() == 0
    assert digests(killed / "out") == digests(clean / "out")
    assert sorted(path.name for path in killed.iterdir()) == ["out"]


def test_an_interrupt_is_one_line_and_exit_code_130(tmp_path):
    command = [sys.executable, "-m", "cbc", "corpus", "simulate", "--corpus", str(tmp_path / "c")]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "c" / "tmp").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.strip().splitlines()[-1] == "interrupted; run the same command again to go on"
    assert "Traceback" not in told
    assert not list((tmp_path / "c" / "tables").glob("*/manifest.json"))
