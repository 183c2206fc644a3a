"""Command-line options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Corpus = Annotated[Path, typer.Option("--corpus", envvar="CBC_CORPUS", help="the corpus folder")]
Json = Annotated[bool, typer.Option("--json", help="print JSON instead of text")]
