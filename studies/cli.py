"""Commands of `cbc study`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Studies that need no data: each writes its result as Markdown and JSON.", no_args_is_help=True)


@app.callback()
def study() -> None:
    """Studies that need no data: each writes its result as Markdown and JSON."""


@app.command()
def coverage(
    quick: Annotated[bool, typer.Option("--quick", help="few worlds, for a first look")] = False,
    out: Annotated[Path, typer.Option(help="folder for coverage.md and coverage.json")] = Path("docs/results"),
) -> None:
    """Measure how often intervals hold the truth, and how often equal runs are called apart."""
    from studies.coverage import run_study

    print(run_study(out, quick))
