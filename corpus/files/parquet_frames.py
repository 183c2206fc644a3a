"""Read and write parquet files as Polars frames; globs and `~` in the path have no meaning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl


def read_frame(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a file, or only the named columns of it."""
    return pl.read_parquet(path.absolute(), columns=None if columns is None else list(columns), glob=False)


def read_rows(path: Path, where: pl.Expr) -> pl.DataFrame:
    """Read the rows of a file for which an expression is true; parts of the file that hold none are skipped."""
    return pl.scan_parquet(path.absolute(), glob=False).filter(where).collect()


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Write a file."""
    frame.write_parquet(path.absolute())
