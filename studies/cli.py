"""Commands of `cbc study`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.options import comma_separated

app = typer.Typer(help="Studies: each writes its result as Markdown and JSON.", no_args_is_help=True)


@app.callback()
def study() -> None:
    """Studies: each writes its result as Markdown and JSON."""


@app.command()
def coverage(
    quick: Annotated[bool, typer.Option("--quick", help="few worlds, for a first look")] = False,
    out: Annotated[Path, typer.Option(help="folder for coverage.md and coverage.json")] = Path("docs/results"),
) -> None:
    """Measure how often intervals hold the truth, and how often equal runs are called apart."""
    from studies.coverage import run_study

    print(run_study(out, quick))


@app.command()
def folds(
    corpus: Annotated[Path, typer.Argument(readable=False, help="the corpus's folder")],
    folds: Annotated[int, typer.Option(min=2, help="parts into which the groups are dealt")] = 5,
    split_seeds: Annotated[int, typer.Option(min=1, help="ways in which they are dealt")] = 4,
    tasks: Annotated[str | None, typer.Option(help="comma-separated tasks (default: replay curves)")] = None,
    predictors: Annotated[str, typer.Option(help="comma-separated predictors")] = "linear,boosted",
    name: Annotated[str, typer.Option(help="name of the result's files, without their endings")] = "folds",
    out: Annotated[Path, typer.Option(help="folder for them")] = Path("docs/results"),
) -> None:
    """Test every group of a corpus once under each split seed, and measure how much one split decides."""
    from studies.folds import Asked, curve_tasks, run_study

    chosen = curve_tasks() if tasks is None else comma_separated(tasks) or ()
    print(run_study(Asked(corpus, folds, split_seeds, chosen, comma_separated(predictors) or (), name), out))


@app.command()
def null(
    worlds: Annotated[int, typer.Option(min=1, help="number of worlds, a seed each")] = 50,
    out: Annotated[Path, typer.Option(help="folder for null.md and null.json")] = Path("docs/results"),
) -> None:
    """Count how often tables call a run better or worse than the references in worlds where nothing can be learned."""
    from studies.null_worlds import run_study

    print(run_study(out, worlds))
