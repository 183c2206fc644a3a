"""The rows that a bench adds to every comparison: its references and, in the simulated world, the oracle.

Their answers are read from the bench (benchmark.stored_references.py); no run can replace them.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import polars as pl

from benchmark.bench import Bench
from benchmark.references.chance import RANDOM
from benchmark.tasks.registry import references as all_references
from benchmark.tasks.registry import task_named
from corpus.files.parquet_frames import read_frame

ORACLE = "oracle"
REFERENCE_KINDS = ("trivial", "oracle")


def is_reference(name: str) -> bool:
    """Whether a name is that of a reference or the oracle, in any case and Unicode form."""
    return unicodedata.normalize("NFKC", name).strip().casefold() in {*all_references(), ORACLE}


def provided_kinds(bench: Bench, task: str) -> dict[str, str]:
    """Kinds of the predictors that the bench provides for a task, by name."""
    kinds = {reference.name: "trivial" for reference in task_named(task).references}
    return kinds | ({ORACLE: "oracle"} if oracle_path(bench, task).is_file() else {})


def oracle_path(bench: Bench, task: str) -> Path:
    """Path of the best possible answers in the private part of a simulated bench: instance_id, values, scores."""
    return bench.root / "private" / task / "oracle.parquet"


def provided_answers(bench: Bench, task: str, name: str, questions: pl.DataFrame) -> pl.DataFrame:
    """Answers of a predictor that the bench provides to some test questions: instance_id and values."""
    path = oracle_path(bench, task)
    answers = read_frame(path).drop("scores", strict=False) if name == ORACLE else bench.reference(task, name)
    return questions.select("instance_id").join(answers, "instance_id", "left", maintain_order="left")


def best_reference(bench: Bench, task: str, metric: str) -> str | None:
    """The reference that was chosen as the best when the bench was built; None if none had a value."""
    best: dict[str, str] = bench.tasks[task]["best_reference"]
    return best.get(metric)


def start_reference(bench: Bench, task: str) -> str:
    """The reference that a model may correct: the best by the task's headline metric, else the first but chance."""
    definition = task_named(task)
    others = [reference.name for reference in definition.references if reference != RANDOM]
    return best_reference(bench, task, definition.metrics[0].name) or (others or [RANDOM.name])[0]
