"""The benches under tests/performance are run by hand; that they still fit the code is looked at here."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

KINDS = ("bench_", "measure_", "soak_")
FILES = sorted((Path(__file__).parent / "performance").glob("*.py"))
NAMES = [path.stem for path in FILES if path.stem.startswith(KINDS)]


@pytest.mark.parametrize("name", NAMES)
def test_a_bench_fits_the_code(name):
    pytest.importorskip("torch", reason="needs the extra `train`")
    assert callable(importlib.import_module(f"tests.performance.{name}").measure)
