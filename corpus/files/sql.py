"""SQL literals, and the memory limit and parquet options for DuckDB."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

MEMORY = "2GB"
STORAGE = "v1.0.0"
"""Storage version of the databases we write: the oldest DuckDB that opens them."""
# Version 2's encodings and level 1 write in half the time of the defaults; the files are a few percent larger.
PARQUET = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2, ROW_GROUP_SIZE 122880)"


def not_home(path: Path) -> Path:
    """Make a path that begins with `~` absolute: DuckDB would read it as the home folder."""
    return path.absolute() if str(path).startswith("~") else path


def quote(path: Path | str) -> str:
    """SQL literal of a string or path."""
    return "'" + str(not_home(path) if isinstance(path, Path) else path).replace("'", "''") + "'"


def quote_file(path: Path, inside: str = "") -> str:
    """SQL literal of a path to read; globs in `path` are escaped, those in `inside` (the part below it) are not."""
    return quote(glob.escape(str(not_home(path))) + inside)


def same_key(keys: Sequence[str], left: str, right: str) -> str:
    """A join condition on columns of two relations in which null equals null."""
    return " AND ".join(f'{left}."{key}" IS NOT DISTINCT FROM {right}."{key}"' for key in keys)
