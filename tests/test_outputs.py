"""Where the command writes to: closed, read by something that ends early, full, or on a machine short of memory."""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.simulate.world import simulate

ROOT = Path(__file__).resolve().parent.parent
FULL = "error: the disk is full; free some space and run the same command again\n"
MANY = "SELECT range AS n, 'some words of line ' || range AS words FROM range(200000)"
HUGE = "SELECT list(range) AS numbers FROM range(2000000000)"
BYTES = 3 << 30
"""Address space that lets the command start, and holds no list of two thousand million numbers."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("made") / "corpus"
    simulate(root, brands=3, videos=2, posts=2, emails=1)
    return root


def in_shell(line: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which CBC is the command with some words; gives its exit code and what it prints."""
    command = shlex.join([sys.executable, "-m", "cbc", *map(str, words)])
    script = f"set -o pipefail; {line.replace('CBC', command)}"
    return subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("shape", [[], ["--csv"], ["--json"]], ids=["table", "csv", "json"])
def test_a_reader_that_ends_early_is_no_error(corpus, shape):
    many = shape or ["--limit", 200_000]
    done = in_shell("CBC | head -c 20; exit ${PIPESTATUS[0]}", "corpus", "sql", MANY, "--corpus", corpus, *many)
    assert (done.returncode, len(done.stdout), done.stderr) == (0, 20, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-"])
def test_closed_output_does_not_change_what_is_done(corpus, closed, tmp_path):
    out = tmp_path / "videos.parquet"
    done = in_shell(f"CBC {closed}", "corpus", "export", "--corpus", corpus, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert out.stat().st_size > 0
    assert bool(done.stdout) == (">&-" not in closed.split())


def test_an_error_with_closed_output_keeps_its_exit_code(tmp_path):
    done = in_shell("CBC 2>&-", "corpus", "status", "--corpus", tmp_path / "none")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which this system lacks")
@pytest.mark.parametrize(
    "words",
    [["status"], ["validate"], ["sql", MANY, "--csv"], ["sql", MANY, "--json"], ["mapping-help"]],
    ids=["status", "validate", "csv", "json", "mapping-help"],
)
def test_a_full_output_is_one_line(corpus, words):
    about = [] if words == ["mapping-help"] else ["--corpus", corpus]
    done = in_shell("CBC >/dev/full", "corpus", *words, *about)
    assert (done.returncode, done.stderr) == (2, FULL)


def test_errors_that_find_no_room_do_not_change_the_exit_code(tmp_path):
    done = in_shell("CBC 2>/dev/full", "corpus", "status", "--corpus", tmp_path / "none")
    assert (done.returncode, done.stdout) == (2, "")


def test_too_little_memory_is_one_line(corpus):
    command = [sys.executable, "-m", "cbc", "corpus", "sql", HUGE, "--corpus", str(corpus), "--csv"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES)),
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr[-2000:]
    assert done.stderr.startswith("error: not enough memory (") and done.stderr.count("\n") == 1
    assert done.stderr.endswith("end other programs, or do less at once\n")
