"""`cbc leaderboard`: build the page, pack, unpack and verify runs. It only parses arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.options import BenchOption
from corpus.console import say, say_json
from corpus.options import Json

app = typer.Typer(no_args_is_help=True, help="Pages that show how runs compare; runs as single files.")


@app.command()
def build(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="run folders, or packed runs, to compare")],
    out: Annotated[Path, typer.Option(metavar="SITE", help="folder of the page; an earlier page there is replaced")],
    bench: Annotated[
        Path | None,
        typer.Option(envvar="CBC_BENCH", help="the runs' bench (default: searched for beside the run folders)"),
    ] = None,
    tables: Annotated[Path | None, typer.Option(help="folder of tables already made from these runs")] = None,
    instances: Annotated[
        int, typer.Option(metavar="N", min=0, help="test instances of each task to look through; 0: none")
    ] = 20,
    json: Json = False,
) -> None:
    """Write a static page: who is better than the references, tables, charts, replay curves, and test instances."""
    from leaderboard.site import build_site

    page = build_site(runs, out, bench, tables, instances)
    say_json({"page": page}) if json else say(f"open {page}")


@app.command()
def pack(
    run: Annotated[Path, typer.Argument(help="the run's folder")],
    bench: BenchOption,
    out: Annotated[Path, typer.Option(metavar="FILE", help="the .zip file to write")],
    json: Json = False,
) -> None:
    """Pack a run into one file for submission; the same run gives the same bytes."""
    from leaderboard.pack import manifest_of
    from leaderboard.pack import pack as run_pack

    line = run_pack(run, bench, out)
    say_json({"file": out, "manifest": manifest_of(out).model_dump(mode="json")}) if json else say(line)


@app.command()
def unpack(
    file: Annotated[Path, typer.Argument(help="a packed run")],
    out: Annotated[Path, typer.Option(metavar="RUN", help="the run's folder to write")],
    json: Json = False,
) -> None:
    """Unpack a packed run into a run folder.

    Checked first: names, sizes and digests of its files, its manifest and name, and the columns and types of its
    predictions. Whether it answers the questions of a bench is checked by `verify`.
    """
    from leaderboard.pack import manifest_of
    from leaderboard.pack import unpack as run_unpack

    line = run_unpack(file, out)
    say_json({"run": out, "manifest": manifest_of(out).model_dump(mode="json")}) if json else say(line)


@app.command()
def verify(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help="packed runs, or folders of them")],
    bench: BenchOption,
) -> None:
    """Check and score packed runs, a line for each; exit code 2 if one of them is wrong."""
    from leaderboard.verify import verify as run_verify

    for line in run_verify(paths, bench):
        say(line)


@app.command()
def bench(out: Annotated[Path, typer.Option(metavar="BENCH", help="folder of the bench to write")]) -> None:
    """Build the small bench of a simulated world that the files in submissions/ answer."""
    from leaderboard.exercise import exercise_bench

    say(f"{out}: bench {exercise_bench(out).fingerprint}")
