"""What tests share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Read when numpy and torch load, here and in commands that tests run: the workers share the cores already.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")
settings.register_profile("cbc", deadline=None)  # a busy machine is no failure
settings.load_profile("cbc")
ROOT = Path(__file__).resolve().parent.parent


LONG_FIRST = (
    *(
        "tests/test_readme.py",
        "tests/test_bad_paths.py",
        "tests/studies/test_demo.py",
        "tests/benchmark/test_hidden.py",
    ),
    *("tests/leaderboard/test_exercise.py", "tests/corpus/test_console.py", "tests/test_kills.py"),
)
"""Files that take minutes: a worker that begins one of them last keeps all others waiting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; with --no-loadscope-reorder workers take files in this order."""
    place = {ROOT / name: number for number, name in enumerate(LONG_FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data beside the checkout, or a skip that says what is missing."""
    folder = Path(os.environ.get("CBC_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the real files in {folder.name}/ beside the project (see ../shared/data), which are absent")
    return folder


@pytest.fixture(scope="session")
def cbc() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command as a user does; gives exit code, stdout and stderr."""

    def run(*args: object, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cbc", *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **env}, timeout=600)

    return run


@pytest.fixture
def cbc_here(monkeypatch, capsys) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command in this process and folder, which saves a second of imports a call."""
    import cbc

    def run(*args: object) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["cbc", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cbc.main()
        signal.set_wakeup_fd(-1)
        return subprocess.CompletedProcess(sys.argv, ended.value.code or 0, *capsys.readouterr())

    return run
