"""A small bench with runs and the page made of them, shared by the tests of this folder, which only read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from leaderboard.site import build_site
from tests.leaderboard.small import write_bench, write_runs


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """bench/, runs/ and the site/ built from them without naming the bench."""
    root = tmp_path_factory.mktemp("small")
    runs = write_runs(root / "runs", write_bench(root / "bench"))
    build_site(runs, root / "site")
    return root


@pytest.fixture(scope="session")
def runs(folder) -> list[Path]:
    return sorted((folder / "runs").iterdir())
