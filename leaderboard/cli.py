"""Commands of `cbc leaderboard`: they parse arguments and call the library."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpus.console import say, say_json
from corpus.options import Json

app = typer.Typer(no_args_is_help=True, help="Pages that show how runs compare.")


@app.callback()
def group() -> None:
    """Pages that show how runs compare."""


@app.command()
def build(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="run folders to compare")],
    out: Annotated[Path, typer.Option(metavar="SITE", help="folder of the page; replaced whole when it is a page")],
    bench: Annotated[
        Path | None, typer.Option(envvar="CBC_BENCH", help="the runs' bench (default: sought beside the run folders)")
    ] = None,
    tables: Annotated[Path | None, typer.Option(help="folder of tables already made of these runs")] = None,
    json: Json = False,
) -> None:
    """Write a static page: sortable tables with intervals, a chart a task, replay curves."""
    from leaderboard.site import build_site

    page = build_site(runs, out, bench, tables)
    say_json({"page": page}) if json else say(f"open {page}")
