"""A pre-trained language model on a bench: as it comes, shown examples, tuned on content, shuffled and true behavior.

    make smol
    python -m studies.smol real/bench-small --out smol [--steps 200] [--precision bf16]    # docs/results/smol.md

The bench has a panel of 200 questions a task, since an answer of a model of this size takes a core a second or more.
Writes OUT/models runs tables. After an interrupt the same command continues: a training from its last checkpoint.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from baselines.base import Settings
from baselines.lcbm.recipe import Precision
from baselines.lcbm.train import train
from baselines.packaged_weights import MODEL
from baselines.predict import predict_run
from benchmark.bench import Bench
from benchmark.score import write_scores
from benchmark.tables import make_tables
from corpus.errors import CbcError
from studies.results import FOLDER, write_result

RECIPES = ("smol-base", "smol-control", "smol-lcbm", "smol-random")
SHOTS = 2
TASKS = ("like_view_ratio", "views", "tweet_likes_brand", "tweet_likes_time")
SETTINGS = Settings(tasks=TASKS, panel=True, batch_size=16)  # one long answer holds up fewer others


def run_smol(
    bench: Path,
    weights: Path,
    out: Path,
    steps: int | None = None,
    precision: Precision | None = None,
    folder: Path = FOLDER,
) -> Path:
    """Train, ask and compare; gives the path of the result. Raises the errors of the steps."""
    changed = {name: value for name, value in (("steps", steps), ("precision", precision)) if value is not None}
    asked = tuple(task for task in TASKS if task in Bench.open(bench).tasks)
    settings = replace(SETTINGS, tasks=asked)
    runs = []

    def answer(model: str, name: str, shots: int = 0) -> None:
        run = out / "runs" / name
        print(predict_run(model, bench, run, replace(settings, shots=shots)), flush=True)
        runs.append(run)

    answer(str(weights), f"{weights.name}-0shot")
    for recipe in RECIPES:
        model = train(recipe, bench, out / "models" / recipe, overrides={"base": str(weights), **changed})
        answer(str(model), recipe)
    answer(str(weights), f"{weights.name}-{SHOTS}shot", SHOTS)  # last, since it takes longest
    for run in runs:
        write_scores(run, bench)
    make_tables(runs, bench, out / "tables")
    command = " ".join([f"python -m studies.smol {bench}", *(f"--{name} {value}" for name, value in changed.items())])
    notes = "On the questions of the panel; one training seed."
    return write_result(
        "smol", f"{weights.name} on a bench", command, tables=out / "tables", notes=notes, folder=folder
    )


def main(
    bench: Annotated[Path, typer.Argument(help="folder of the bench")],
    weights: Annotated[Path, typer.Option(help="folder of the model as it comes")] = Path("weights", MODEL),
    out: Annotated[Path, typer.Option(help="folder for models, runs and tables")] = Path("smol"),
    steps: Annotated[int | None, typer.Option(min=1, help="training steps; by default the recipes'")] = None,
    precision: Annotated[Precision | None, typer.Option(help="bf16 where the processor has it")] = None,
) -> None:
    """Train, ask and compare."""
    try:
        print(run_smol(bench, weights, out, steps, precision))
    except CbcError as error:
        print(f"error: {error}")
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
