"""`cbc benchmark`: build a bench out of a corpus, score runs on it, print the tables. It only parses arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Build the benchmark, score predictions, print the paper's tables.")

BenchOption = Annotated[Path, typer.Option("--bench", help="the bench's folder")]


@app.command()
def build(
    corpus: Annotated[Path, typer.Option(help="the corpus' folder")],
    out: Annotated[Path, typer.Option(help="the bench's folder, made anew")],
    seed: Annotated[int, typer.Option(help="what splits and masks are drawn with")] = 0,
) -> None:
    """Make the tasks' instances, split by channel, with the answers of the test part apart."""
    from benchmark.build import build_bench
    from corpus.filters.outcome import newer_note
    from corpus.store import Corpus

    build_bench(corpus, out, seed)
    if note := newer_note(Corpus.open(corpus)):
        typer.echo(note, err=True)


@app.command()
def submit(
    answers: Annotated[Path, typer.Argument(help=".csv, .parquet or .jsonl: instance_id and answer, values or scores")],
    name: Annotated[str, typer.Option(help="the run's name in tables")],
    bench: BenchOption,
    out: Annotated[Path | None, typer.Option(metavar="RUN", help="folder of the run (default: its name)")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="count the answered questions alone; no rank")] = False,
) -> None:
    """Make a run of your own answers, however they were made, that can be scored and compared."""
    from benchmark.submit import submit as run

    typer.echo(run(answers, name, bench, out, partial))


@app.command()
def score(run: Annotated[Path, typer.Argument(readable=False, help="the run's folder")], bench: BenchOption) -> None:
    """Score a run and write RUN/scores.json: every metric with its 95 % interval."""
    from benchmark.score import scores_text, write_scores

    typer.echo(scores_text(write_scores(run, bench)))


@app.command()
def tables(
    runs: Annotated[list[Path], typer.Argument(readable=False, help="the runs' folders")],
    bench: BenchOption,
    out: Annotated[Path, typer.Option(help="folder for TABLE.md, TABLE.csv and TABLE.json")],
) -> None:
    """Print each table of the paper that the bench covers, beside the trivial predictors and the paper's figures."""
    from benchmark.tables import make_tables

    for name in dict.fromkeys(row["table"] for row in make_tables(runs, bench, out)):
        typer.echo((out / f"{name}.md").read_text(encoding="utf-8"))
