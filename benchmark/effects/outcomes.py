"""The answers whose effects are compared: what the law expects, what happened, the bench's own rows, and the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmark.answer_key import AnswerKey, count_unparsed, read_answer_key
from benchmark.answers.base import flatten
from benchmark.bench import Bench
from benchmark.metrics import Array, Index
from benchmark.reference_rows import ORACLE, best_reference, oracle_path, provided_answers
from benchmark.run import Run
from benchmark.tasks.base import Task
from benchmark.tasks.planted import EffectScale
from corpus.errors import CbcError
from corpus.files.parquet_frames import read_frame

TRUTH, SHUFFLED = "true outcomes", "shuffled outcomes"


class NoLaw(CbcError):
    """The bench does not hold what the law of its world expects."""


@dataclass(frozen=True)
class Outcome:
    """Answers to the same questions: values end to end, on the task's scale: [values]."""

    name: str
    kind: str
    values: Array
    unparsed: int = 0


@dataclass(frozen=True)
class Asked:
    """Some test questions of a task, their key, what the law expects, and all answers to them that are compared.

    planted: [values], on the task's scale.
    """

    task: Task
    scale: EffectScale
    questions: pl.DataFrame
    key: AnswerKey
    planted: Array
    outcomes: list[Outcome]

    @property
    def instance(self) -> Index:
        """The question of each value: [values]."""
        return self.key.right.instance


def asked_parts(bench: Bench, task: str, runs: Sequence[Run]) -> list[tuple[pl.DataFrame, list[Run]]]:
    """Each set of test questions that a run was asked, with all runs that were asked these; all, where no run is given.

    So a run that answers the panel alone is compared on it with those that answer everything.
    """
    if not runs:
        return [(bench.public(task, "test"), [])]
    questions = {run.name: run.questions(task) for run in runs if task in run.tasks}
    asked = {name: frozenset(frame["instance_id"]) for name, frame in questions.items()}
    parts = {asked[name]: frame for name, frame in questions.items()}
    return [(frame, [run for run in runs if asked.get(run.name, frozenset()) >= ids]) for ids, frame in parts.items()]


def outcomes_of(bench: Bench, task: Task, scale: EffectScale, questions: pl.DataFrame, runs: Sequence[Run]) -> Asked:
    """Read the answers to some questions. Raises NoLaw, NoAnswers, and what reading a run raises."""
    planted = expected_means(bench, task.name, questions)
    key = read_answer_key(bench, task.name, questions)
    truth = scale.of(key.right.truth)
    outcomes = [
        Outcome(TRUTH, "truth", truth),
        Outcome(SHUFFLED, "truth", shuffle(truth, key.right.instance, scale.within_question)),
    ]
    for name, kind in ((ORACLE, "oracle"), (best_reference(bench, task.name, task.metrics[0].name), "trivial")):
        if name is not None:
            answers = provided_answers(bench, task.name, name, questions)
            outcomes.append(Outcome(name, kind, *judged_values(key, scale, answers)))
    ids = questions.select("instance_id")
    for run in runs:
        answers = ids.join(run.predictions(task.name), "instance_id", "left", maintain_order="left")
        outcomes.append(Outcome(run.name, run.kind, *judged_values(key, scale, answers)))
    return Asked(task, scale, questions, key, planted, outcomes)


def judged_values(key: AnswerKey, scale: EffectScale, answers: pl.DataFrame) -> tuple[Array, int]:
    """Answers as they are judged for the headline metric, [values] on the scale, and how many were not read.

    A random legal answer stands in for each of these.
    """
    judged = key.judge(answers)[key.task.metrics[0].name]
    return scale.of(judged.predicted), count_unparsed(judged)


def expected_means(bench: Bench, task: str, questions: pl.DataFrame) -> Array:
    """What the law expects of each asked value, on the task's scale: [values]. Raises NoLaw."""
    path = oracle_path(bench, task)
    mend = "build the bench again from its corpus, with all of it simulated by this version of cbc"
    if not path.is_file():
        raise NoLaw(f"{bench.root} holds no law of its messages for {task}", mend)
    answers = read_frame(path)
    if "means" not in answers.columns or answers["means"].null_count():
        raise NoLaw(f"{bench.root} does not hold what the law expects of {task}", mend)
    joined = questions.select("instance_id").join(answers, "instance_id", "left", maintain_order="left")
    return flatten(joined["means"])


def shuffle(values: Array, question: Index, within_question: bool) -> Array:
    """The values in random order, within each question or over all; always the same order."""
    rng = np.random.default_rng(0)
    if not within_question:
        return rng.permutation(values)
    return values[np.lexsort((rng.random(len(values)), question))]
