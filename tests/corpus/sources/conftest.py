"""Both ways in which a table's file is read."""

from __future__ import annotations

import pytest

from corpus.sources import table_reader


@pytest.fixture(params=["record by record", "by DuckDB first"])
def either_reader(request, monkeypatch):
    """Both ways a file is read: big ones go to DuckDB first."""
    if request.param == "by DuckDB first":
        monkeypatch.setattr(table_reader, "BIG_BYTES", 0)
