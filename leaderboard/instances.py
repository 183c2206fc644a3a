"""Choose test instances to look through, and lay out prompt, truth and each run's answer.

For each task these are the first of the panel (or of the test part) and those on which the runs differ most. Texts are
cut, so that a page stays small. The truth of a hidden bench is never read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from benchmark.bench import Bench, NoAnswers
from benchmark.reference_rows import best_reference, provided_answers
from benchmark.references.base import asked_values
from benchmark.run import Run
from benchmark.tasks.base import Task
from benchmark.tasks.registry import task_named
from leaderboard.words import visible

FIRST, DIFFERING = 20, 10
MOST_RUNS = 12
PROMPT_CHARACTERS, ANSWER_CHARACTERS = 1800, 450  # below what `visible` cuts
Answers = dict[str, "Answer"]


@dataclass(frozen=True)
class Answer:
    """An answer: its values (None: unread), and the text that they were read from, if a run keeps it."""

    values: list[float] | None
    raw: str | None


@dataclass(frozen=True)
class Shown:
    """An answer as the page shows it."""

    name: str
    answer: str
    raw: str


@dataclass(frozen=True)
class Instance:
    """A test instance as the page shows it; `truth` is None where it must not or cannot be shown."""

    instance_id: str
    title: str
    prompt: str
    differing: bool
    truth: str | None
    answers: list[Shown]


@dataclass(frozen=True)
class InstancePage:
    """The instances of a task that can be looked through, and how many were left out."""

    task: str
    instances: list[Instance]
    questions: int
    runs_left_out: int


def instance_pages(bench: Bench, runs: Sequence[Run], first: int = FIRST) -> Iterator[InstancePage]:
    """Yield a page of instances for each task that a run answers: `first` of the panel, and those that differ."""
    for task in bench.tasks:
        answering = [run for run in runs if task in run.tasks]
        if answering and first > 0:
            yield instance_page(bench, task, answering, first)


def instance_page(bench: Bench, task: str, runs: Sequence[Run], first: int) -> InstancePage:
    """Choose and lay out the instances of a task."""
    questions = bench.public(task, "test")
    asked = in_panel_order(questions)
    shown_runs = runs[:MOST_RUNS]
    answers = {run.name: run_answers(run, task) for run in shown_runs}
    differing = most_differing(task_named(task), asked["instance_id"].to_list()[first:], answers)
    chosen = [*asked["instance_id"].to_list()[:first], *differing]
    rows = questions.filter(pl.col("instance_id").is_in(chosen))
    answers |= reference_answers(bench, task, rows)
    truths = true_answers(bench, task)
    by_id = {row["instance_id"]: row for row in rows.iter_rows(named=True)}
    counts = dict(zip(rows["instance_id"], asked_values(rows), strict=True))
    instances = [
        instance_of(
            task_named(task),
            by_id[key],
            counts[key],
            key in differing,
            truths.get(key),
            {name: of_run.get(key) for name, of_run in answers.items()},
        )
        for key in chosen
    ]
    return InstancePage(task, instances, len(questions), len(runs) - len(shown_runs))


def in_panel_order(questions: pl.DataFrame) -> pl.DataFrame:
    """The questions of the panel, first to last; all of them, in the bench's order, where there is no panel."""
    if "panel_rank" not in questions.columns:
        return questions
    panel = questions.filter(pl.col("panel_rank").is_not_null()).sort("panel_rank", maintain_order=True)
    return panel if len(panel) else questions


def run_answers(run: Run, task: str) -> Answers:
    """A run's answers by instance."""
    rows = run.predictions(task).select("instance_id", "values", "raw").iter_rows()
    return {key: Answer(values, raw) for key, values, raw in rows}


def reference_answers(bench: Bench, task: str, questions: pl.DataFrame) -> dict[str, Answers]:
    """The answers of the best reference on the first metric, under a name that says so; empty without one."""
    name = best_reference(bench, task, task_named(task).metrics[0].name)
    if name is None:
        return {}
    rows = provided_answers(bench, task, name, questions).select("instance_id", "values").iter_rows()
    return {f"{name} (best reference)": {key: Answer(values, None) for key, values in rows}}


def true_answers(bench: Bench, task: str) -> dict[str, list[float]]:
    """The truth by instance; empty for a hidden bench, whose answers are private, and where they are not here."""
    if bench.hidden:
        return {}
    try:
        return dict(bench.answers(task).select("instance_id", "target").iter_rows())
    except NoAnswers:
        return {}


def most_differing(task: Task, candidates: Sequence[str], answers: Mapping[str, Answers]) -> list[str]:
    """The instances on which the runs differ most, in that order; equal ones in the order given."""
    spread = {
        key: disagreement(task, [of_run[key].values for of_run in answers.values() if key in of_run])
        for key in candidates
    }
    ordered = sorted((key for key in candidates if spread[key] > 0), key=lambda key: -spread[key])
    return ordered[:DIFFERING]


def disagreement(task: Task, answers: Sequence[list[float] | None]) -> float:
    """How much answers differ: the mean standard deviation of a value, or the share that chose another option.

    Unread answers, and those of another length than most, are left out; 0 for fewer than two.
    """
    lists = [np.array(values, dtype=np.float64) for values in answers if values]
    read = [values for values in lists if task.answer.is_legal(values).all()]
    if len(read) < 2:
        return 0.0
    length = Counter(map(len, read)).most_common(1)[0][0]
    table = np.array([values for values in read if len(values) == length], dtype=np.float64)
    if task.answer.name == "choice":
        return 1 - Counter(table[:, 0]).most_common(1)[0][1] / len(table)
    return float((np.log10(1 + np.abs(table)) if task.spans_decades else table).std(axis=0).mean())


def instance_of(
    task: Task,
    row: Mapping[str, Any],
    count: int,
    differing: bool,
    truth: list[float] | None,
    answers: Mapping[str, Answer | None],
) -> Instance:
    """Lay out an instance that asks for `count` values."""
    options = row.get("options")
    shown = [
        Shown(
            name, answer_text(task, answer, count, options), cut(answer.raw or "", ANSWER_CHARACTERS) if answer else ""
        )
        for name, answer in answers.items()
    ]
    return Instance(
        instance_id=cut(row["instance_id"], 80),
        title=cut(row.get("title") or "(no title)", 120),
        prompt=cut(row["prompt"], PROMPT_CHARACTERS),
        differing=differing,
        truth=None if truth is None else values_text(truth, options),
        answers=shown,
    )


def answer_text(task: Task, answer: Answer | None, count: int, options: Sequence[str] | None) -> str:
    """Write an answer; one that the score counts as unread says so."""
    if answer is None:
        return "not asked"
    if answer.values is None:
        return "unread"
    legal = len(answer.values) == count and task.answer.is_legal(np.array(answer.values, dtype=np.float64)).all()
    return (
        values_text(answer.values, options) if legal else f"unread: {values_text(answer.values, None) or 'no values'}"
    )


def values_text(values: Sequence[float | None], options: Sequence[str] | None) -> str:
    """Write values: the text of an option, or numbers."""
    if options and len(values) == 1 and values[0] is not None:
        return cut(options[int(values[0])], ANSWER_CHARACTERS)
    return cut(", ".join("–" if value is None else f"{value:.4g}" for value in values), ANSWER_CHARACTERS)


def cut(text: str, most: int) -> str:
    """Cut the middle out of a text longer than `most` characters, and say how many are left out."""
    if len(text) <= most:
        return visible(text)
    head, tail = 2 * most // 3, most // 3
    return f"{visible(text[:head])} […{len(text) - head - tail:,} characters…] {visible(text[-tail:])}"
