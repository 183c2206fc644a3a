"""The references of a bench, computed when it is built: public/TASK/references.parquet, and which one is the best.

Each training question is answered from other groups (cross-fitted in five folds), validation and test from all of
training. For each metric the reference that is best on validation is the one that skill is measured over; where
validation has few questions, the best on training and validation together.

Columns: split, reference, instance_id, values (for the headline metric), values_METRIC for each metric that a reference
is adjusted to, quantiles (where single values are asked).
"""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

import numpy as np
import polars as pl
import pyarrow as pa

from benchmark.answers.base import STORED, RightAnswers, judge_by_metric
from benchmark.answers.values import Values
from benchmark.metrics import Index
from benchmark.references.adjust import Adjustment
from benchmark.references.base import Reference, ValueLists
from benchmark.references.chance import RANDOM
from benchmark.sizes import PanelSize, like_panel
from benchmark.tasks.base import Task

FOLDS = 5
ENOUGH = 200
"""Validation messages. Among ten real curves the choice is luck: of 20 benches 7 took a reference that is a point worse
(docs/results/folds.md)."""
SPLITS = ("train", "validation", "test")
BLIND = ("target", "answer")


def reference_frame(task: Task, public: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Answers of every reference of a task to the questions of all splits; `public`: the task's frames by split."""
    frames = [answers_of(reference, task, public) for reference in task.references]
    return pl.concat(frames, how="diagonal")


def answers_of(reference: Reference, task: Task, public: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Answers of one reference to the questions of all splits."""
    train = public["train"]
    values = {"train": cross_fitted(reference, train)}
    values |= {split: reference.values(train, blind(public[split])) for split in SPLITS[1:]}
    answers = {split: as_lists(lists) for split, lists in values.items()}
    single = isinstance(task.answer, Values) and not task.asks_curve
    adjustment = None
    if reference.adjust:
        adjustment = Adjustment(reference, task.metrics, answers["train"], train["target"])
    frames = []
    for split, lists in answers.items():
        columns = adjustment.columns(lists, task.answer, single) if adjustment else {"values": lists}
        ids = public[split]["instance_id"]
        names = {"split": pl.lit(split), "reference": pl.lit(reference.name)}
        frames.append(
            pl.DataFrame([ids, *(column.alias(name) for name, column in columns.items())]).with_columns(**names)
        )
    return pl.concat(frames)


def cross_fitted(reference: Reference, train: pl.DataFrame) -> ValueLists:
    """Answers to the training questions, each from the groups of the other folds; of a single group from its other
    messages, and of a single message from itself.
    """
    fold = folds_by(train["group"] if train["group"].n_unique() > 1 else train["instance_id"])
    answers: list[list[float]] = [[] for _ in range(len(train))]
    for i in np.unique(fold):
        inside, outside = train.filter(pl.Series(fold == i)), train.filter(pl.Series(fold != i))
        values = reference.values(outside if len(outside) else train, blind(inside))
        for row, answer in zip(np.flatnonzero(fold == i), values, strict=True):
            answers[row] = answer
    return answers


def folds_by(names: pl.Series) -> Index:
    """The fold of each name, by a hash; where that gives few names one fold, they are dealt in order."""
    fold = np.array([crc32(f"fold:{name}".encode()) % FOLDS for name in names], np.int64)
    if len(np.unique(fold)) > 1:
        return fold
    return names.rank("dense").to_numpy().astype(np.int64) % FOLDS


def blind(questions: pl.DataFrame) -> pl.DataFrame:
    """Questions without their answers."""
    return questions.with_columns(pl.lit(None, questions.schema[name]).alias(name) for name in BLIND)


def as_lists(values: ValueLists) -> pl.Series:
    """Value lists as a column."""
    return pl.Series(pa.array(values, pa.list_(pa.float64())), dtype=STORED)


def best_references(
    task: Task, public: Mapping[str, pl.DataFrame], answers: pl.DataFrame, panel: PanelSize
) -> dict[str, str]:
    """The name of the best reference for each metric, by its value on validation (with training if that has few).

    Judged on questions that the panel can ask: what is best for long videos need not be for short ones. Chance is no
    candidate beside others: it can only win by luck.
    """
    candidates = [reference for reference in task.references if reference != RANDOM] or task.references
    first = {
        split: like_panel(public[split], panel).select("instance_id", "target") for split in ("train", "validation")
    }
    splits = ["validation"] if len(first["validation"]) >= ENOUGH else list(first)
    asked = pl.concat([first[split] for split in splits])
    right = RightAnswers.of(asked["target"], asked["target"])
    part = answers.filter(pl.col("split").is_in(splits))
    values: dict[str, dict[str, float]] = {metric.name: {} for metric in task.metrics}
    for reference in candidates:
        rows = asked.select("instance_id").join(
            part.filter(pl.col("reference") == reference.name), "instance_id", "left", maintain_order="left"
        )
        judged = judge_by_metric(task.answer, right, rows, task.metrics)
        for metric in task.metrics:
            values[metric.name][reference.name] = metric.value(judged[metric.name])
    return {
        metric.name: min(defined, key=lambda name: (-1 if not metric.lower_is_better else 1) * defined[name])
        for metric in task.metrics
        if (defined := {name: value for name, value in values[metric.name].items() if np.isfinite(value)})
    }
