"""What a model has read: how well it answers where a part of each question is that of another message.

    python -m studies.what_is_read real/bench real/models/real-lcbm-seed0 [MODEL ...]    # docs/results/what_is_read.md

Each part is dealt anew among the questions of the panel, all its columns together, and the prompts are written again;
the right answers stay. What a model loses by that, it had from this part: one that is as good with another's words has
read no words.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
import typer

from baselines.base import Settings
from baselines.predict import predict_run
from benchmark.bench import Bench
from benchmark.score import score
from benchmark.tasks.base import Task
from benchmark.tasks.registry import task_named
from corpus.errors import CbcError
from corpus.files.parquet_frames import write_frame
from studies.results import Part, write_result

PARTS = {
    "words": ("title", "body", "text", "scene_seen", "scene_speech"),
    "channel": ("company", "account"),
    "labels": ("category", "country", "language", "flags", "tag_count"),
    "followers": ("audience",),
    "age and time": ("age_days", "published_at", "observed_at"),
    "views shown": ("views",),
    "length": ("duration_s",),
}
"""Columns of a question that are dealt together."""
MEASURES = (
    ("like_view_ratio", "r2"),
    ("like_view_ratio", "rmse"),
    ("views", "rmse_log10"),
    ("tweet_likes_brand", "accuracy"),
    ("tweet_likes_time", "accuracy"),
)


def dealt(task: Task, questions: pl.DataFrame, part: Sequence[str], seed: int) -> pl.DataFrame:
    """The questions with the columns of a part dealt anew among them, and prompts that say so."""
    columns = [name for name in part if name in questions.columns]
    order = np.random.default_rng(seed).permutation(len(questions))
    changed = questions.with_columns(questions[order].select(columns))
    return task.render(task.recover_behavior(changed)).select(questions.columns)


def bench_with(bench: Bench, questions: Mapping[str, pl.DataFrame], folder: Path) -> Path:
    """The bench with other test questions of some tasks, in a new folder; its other files are links."""
    for task, test in questions.items():
        public = folder / "public" / task
        public.mkdir(parents=True)
        for path in (bench.root / "public" / task).iterdir():
            if path.name != "test.parquet":
                (public / path.name).symlink_to(path.resolve())
        write_frame(test, public / "test.parquet")
    (folder / "manifest.json").symlink_to((bench.root / "manifest.json").resolve())
    return folder


def values_of(model: str, bench: Bench, questions: Mapping[str, pl.DataFrame]) -> dict[tuple[str, str], float]:
    """The metrics of a model's answers to other test questions, by task and name; the right answers are the bench's."""
    with tempfile.TemporaryDirectory() as folder:
        other, run = bench_with(bench, questions, Path(folder, "bench")), Path(folder, "run")
        predict_run(model, other, run, Settings(tasks=tuple(questions), panel=True))
        return {(row["task"], row["metric"]): row["value"] for row in score(run, bench.root)}


def rows_of(model: str, bench: Bench, tasks: Sequence[str], seed: int) -> Iterator[tuple[Any, ...]]:
    """A row for the questions as they are, and for each part dealt anew: model, part, and the measures of the tasks."""
    panels = {task: bench.panel(task) for task in tasks}
    for part, columns in {"nothing": (), **PARTS}.items():
        shown = {task: panel for task, panel in panels.items() if part_shown(panel, columns)}
        questions = {task: dealt(task_named(task), panel, columns, seed) for task, panel in shown.items()}
        values = values_of(model, bench, questions) if questions else {}
        yield (Path(model).name, part, *(values.get(measured, "-") for measured in measures(tasks)))


def part_shown(questions: pl.DataFrame, columns: Sequence[str]) -> bool:
    """Whether questions have the columns of a part with anything in them; true of no columns."""
    return not columns or any(name in questions.columns and questions[name].drop_nulls().len() for name in columns)


def measures(tasks: Sequence[str]) -> list[tuple[str, str]]:
    """What is measured of these tasks."""
    return [measured for measured in MEASURES if measured[0] in tasks]


def measure(models: Sequence[str], bench: Bench, seed: int = 0) -> Part:
    """The table of all models and parts. Raises what predicting raises."""
    tasks = [task for task in dict.fromkeys(task for task, _ in MEASURES) if task in bench.tasks]
    rows = []
    for model in models:
        for row in rows_of(model, bench, tasks, seed):
            print(*row, flush=True)
            rows.append(row)
    heads = [f"{task} {metric}" for task, metric in measures(tasks)]
    return Part("A part of each question is another message's", ["model", "part", *heads], rows)


def main(
    bench: Annotated[Path, typer.Argument(help="folder of the bench")],
    models: Annotated[list[str], typer.Argument(help="folders of models")],
) -> None:
    """Ask the models and write the table."""
    try:
        part = measure(models, Bench.open(bench))
    except CbcError as error:
        print(f"error: {error}")
        raise typer.Exit(2) from None
    command = f"python -m studies.what_is_read {bench} {' '.join(models)}"
    notes = "On the questions of the panel. `-`: the questions do not show this part."
    print(write_result("what_is_read", "What models have read", command, [part], notes=notes))


if __name__ == "__main__":
    typer.run(main)
