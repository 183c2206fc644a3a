"""The answer key of a task: right answers and groups in the order of its test questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmark.answers.base import RightAnswers, judge_by_metric
from benchmark.bench import Bench
from benchmark.intervals import FEWEST_GROUPS, effective_groups
from benchmark.mask_draws import draws_in
from benchmark.metrics import Array, Flags, Index, Judged
from benchmark.references.base import asked_values
from benchmark.tasks.base import Task
from benchmark.tasks.registry import task_named
from corpus.errors import CbcError

Reasons = dict[str, int]


class DamagedBench(CbcError):
    """The private answers of a bench do not match its public questions."""


@dataclass(frozen=True)
class AnswerKey:
    """Right answers to some test questions of a task, in the order of the questions.

    group: [instances], place of each one's group in `names`: [groups]; messages: how many they are about; draws: of
    masks, the most of a message.
    """

    task: Task
    right: RightAnswers
    group: Index
    names: npt.NDArray[np.str_]
    messages: int
    draws: int

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.names)

    @property
    def sizes(self) -> Array:
        """Number of questions in each group: [groups]."""
        return np.bincount(self.group, minlength=self.groups).astype(np.float64)

    @property
    def instances(self) -> int:
        """Number of questions."""
        return self.right.instances

    def judge(self, predictions: pl.DataFrame) -> dict[str, Judged]:
        """Judge a run's predictions for each metric: one row for each question, in its order."""
        return judge_by_metric(self.task.answer, self.right, predictions, self.task.metrics)


def is_unparsed(judged: Judged) -> Flags:
    """Whether each instance lacks a readable answer: [instances]."""
    unparsed: Flags = np.bincount(judged.instance, weights=~judged.parsed, minlength=judged.instances) > 0
    return unparsed


def count_unparsed(judged: Judged) -> int:
    """Count the instances without a readable answer."""
    return int(np.count_nonzero(is_unparsed(judged)))


def unparsed_reasons(key: AnswerKey, judged: Judged, questions: pl.DataFrame, predictions: pl.DataFrame) -> Reasons:
    """Count the unparsed answers of a run by their reason, the most frequent first."""
    counts, options = asked_values(questions), questions["options"].to_list()
    columns = (predictions["values"].to_list(), predictions["raw"].to_list(), counts, options)
    return count_reasons(
        key.task.answer.unread_reason(values, raw, count, texts)
        for unparsed, values, raw, count, texts in zip(is_unparsed(judged), *columns, strict=True)
        if unparsed
    )


def count_reasons(reasons: Iterable[str]) -> Reasons:
    """Count reasons, the most frequent first."""
    return dict(Counter(reasons).most_common())


def reasons_text(reasons: Reasons) -> str:
    """Write counted reasons on one line: `3 no answer, 1 not a number`."""
    return ", ".join(f"{count} {reason}" for reason, count in reasons.items())


def read_answer_key(bench: Bench, task: str, questions: pl.DataFrame | None = None) -> AnswerKey:
    """Read the key of a task's test questions, all or some. Raises NoAnswers, DamagedBench, UnknownName."""
    asked = bench.public(task, "test") if questions is None else questions
    return answer_key(task_named(task), with_answers(bench, task, asked))


def with_answers(bench: Bench, task: str, questions: pl.DataFrame) -> pl.DataFrame:
    """Test questions with target and chance: message_id, group, time_block and draw as far as there are. Raises
    NoAnswers, DamagedBench.
    """
    known = ("instance_id", "message_id", "group", "time_block", "draw")
    names = [name for name in known if name in questions.columns]
    answers = bench.answers(task).select("instance_id", "target", "chance")
    keyed = questions.select(names).join(answers, on="instance_id", how="left", maintain_order="left")
    if len(keyed) != len(questions) or keyed["target"].null_count():
        raise DamagedBench(f"{bench.root} has answers for other questions of {task}", "build the bench again")
    return keyed


def answer_key(task: Task, keyed: pl.DataFrame) -> AnswerKey:
    """The key of questions with their answers (`with_answers`), of one bench or of several folds end to end."""
    names, group = groups_of(keyed)
    right_answers = RightAnswers.of(keyed["target"], keyed["chance"])
    asked_about = keyed["message_id" if "message_id" in keyed.columns else "instance_id"]
    return AnswerKey(task, right_answers, group, names, asked_about.n_unique(), draws_in(keyed))


def groups_of(keyed: pl.DataFrame) -> tuple[npt.NDArray[np.str_], Index]:
    """Names of the groups, and the place of each question's group among them: [questions].

    Where the groups are too few for an interval and the task has time blocks, these are the groups.
    """
    names, group, sizes = np.unique(
        keyed["group"].fill_null("").to_numpy().astype(str), return_inverse=True, return_counts=True
    )
    if effective_groups(sizes.astype(np.float64)) < FEWEST_GROUPS and "time_block" in keyed.columns:
        blocks = keyed.select(pl.format("{}, time block {}", pl.col("group").fill_null(""), "time_block")).to_series()
        names, group = np.unique(blocks.to_numpy().astype(str), return_inverse=True)
    return names, group.astype(np.int64)
