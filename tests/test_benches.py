"""The benches under tests/performance are run by hand; that they still fit the code is looked at here."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

NAMES = sorted(path.stem for path in (Path(__file__).parent / "performance").glob("*_*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", NAMES)
def test_a_bench_fits_the_code(name):
    pytest.importorskip("torch", reason="needs the extra `train`")
    assert callable(importlib.import_module(f"tests.performance.{name}").measure)
