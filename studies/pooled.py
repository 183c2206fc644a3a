"""The answers to several benches of one corpus as if they were one: over all folds every group is tested.

Questions, right answers and predictions of the benches are laid end to end and judged by the task's own key, so values
and intervals are those of `cbc benchmark score`. With several split seeds a group is there several times; it stays one
group, so that intervals do not take repeated questions for new ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from benchmark.answer_key import AnswerKey, answer_key, with_answers
from benchmark.bench import Bench
from benchmark.folds import Fold
from benchmark.mask_draws import draws_in
from benchmark.metrics import Judged
from benchmark.reference_rows import best_reference, provided_answers, provided_kinds
from benchmark.run import Run
from benchmark.score import Measured, measure
from benchmark.tasks.registry import task_named

BEST = "best reference"


@dataclass(frozen=True)
class Split:
    """A bench that tests one fold under one split seed, and the runs that answer it."""

    seed: int
    fold: Fold
    bench: Bench
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Pooled:
    """A task over several splits: its key, and metric -> name -> measurement; BEST is each fold's best reference."""

    key: AnswerKey
    measured: dict[str, dict[str, Measured]]
    best: dict[str, Counter[str]]


def pool(splits: Sequence[Split], task: str) -> Pooled:
    """Measure runs, references and oracle on the questions of all splits that have the task, one or more.

    Only who answers in all of them is measured. Raises NoAnswers and what reading raises.
    """
    asked = [split for split in splits if task in split.bench.tasks]
    questions = with_equal_draws([split.bench.public(task, "test") for split in asked])
    keyed = [with_answers(split.bench, task, frame) for split, frame in zip(asked, questions, strict=True)]
    key = answer_key(task_named(task), pl.concat(keyed, how="diagonal"))

    def judge(names: Sequence[str]) -> dict[str, Judged]:
        parts = zip(asked, names, questions, strict=True)
        answers = [answers_of(split, task, name, frame) for split, name, frame in parts]
        return key.judge(pl.concat(answers, how="diagonal"))

    judged = {name: judge([name] * len(asked)) for name in names_of(asked, task)}
    judged[BEST] = {}
    best: dict[str, Counter[str]] = {}
    for metric in key.task.metrics:
        named = [name for split in asked if (name := best_reference(split.bench, task, metric.name))]
        if len(named) == len(asked):
            judged[BEST][metric.name] = judge(named)[metric.name]
        best[metric.name] = Counter(named)
    return Pooled(key, measure(key, judged), best)


def with_equal_draws(questions: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """The questions of several benches with as many draws of masks of each video as the bench with the fewest has."""
    least = min(draws_in(frame) for frame in questions)
    return [frame.filter(pl.col("draw") < least) if "draw" in frame.columns else frame for frame in questions]


def names_of(splits: Sequence[Split], task: str) -> list[str]:
    """Who answers the task in all splits: runs, then what the benches provide."""
    answering = [
        [*(run.name for run in split.runs if task in run.tasks), *provided_kinds(split.bench, task)] for split in splits
    ]
    return list(dict.fromkeys(name for name in answering[0] if all(name in others for others in answering)))


def answers_of(split: Split, task: str, name: str, questions: pl.DataFrame) -> pl.DataFrame:
    """The answers of a reference, the oracle or a run to some test questions of a split, in their order."""
    if name in provided_kinds(split.bench, task):
        return provided_answers(split.bench, task, name, questions)
    run = next(run for run in split.runs if run.name == name)
    asked = questions.select("instance_id")
    return asked.join(run.predictions(task), on="instance_id", how="left", maintain_order="left")
