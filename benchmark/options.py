"""The option that names a bench, for every command that takes one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

BenchOption = Annotated[
    Path, typer.Option("--bench", envvar="CBC_BENCH", help="the bench's folder, made by `cbc benchmark build`")
]
