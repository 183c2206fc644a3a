"""The rows that a bench adds to every comparison: its references and, in the simulated world, the oracle.

Their answers are computed here, or read from the bench's private part; no run can replace them.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import polars as pl

from benchmark.bench import Bench
from benchmark.tasks.registry import references as all_references
from benchmark.tasks.registry import task_named

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
    if name != ORACLE:
        return all_references()[name].predictions(bench.public(task, "train"), questions)
    best = pl.read_parquet(oracle_path(bench, task), glob=False).drop("scores", strict=False)
    return questions.select("instance_id").join(best, "instance_id", "left", maintain_order="left")


def reference_answers(bench: Bench, task: str, questions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Answers of every reference of a task, by name, without the oracle."""
    names = [name for name, kind in provided_kinds(bench, task).items() if kind == "trivial"]
    return {name: provided_answers(bench, task, name, questions) for name in names}
