"""Options of several commands: the bench, and lists of names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

BenchOption = Annotated[
    Path, typer.Option("--bench", envvar="CBC_BENCH", help="the bench's folder, made by `cbc benchmark build`")
]


def comma_separated(names: str | None) -> tuple[str, ...] | None:
    """Names between commas; None stays None."""
    return None if names is None else tuple(name.strip() for name in names.split(",") if name.strip())
