"""Everyone on one condition and metric: skill over the best trivial predictor, who is apart from whom, and ranks.

A run that was asked only some questions is compared on these alone, with the references on these and with whoever was
asked the very same; it has no rank among those that were asked all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from benchmark.answer_key import Answers, answers_of
from benchmark.bench import Bench
from benchmark.intervals import Interval, difference, interval
from benchmark.metrics import Metric
from benchmark.reference_rows import REFERENCE_KINDS, own_answers, own_kinds
from benchmark.run import Run
from benchmark.score import Measured, measure

Row = dict[str, Any]


@dataclass(frozen=True)
class Pair:
    """Two runs whose paired difference (better minus worse, in the metric's unit) excludes zero."""

    better: str
    worse: str
    difference: Interval


@dataclass(frozen=True)
class Comparison:
    """All runs that were asked the same questions, on one condition and metric of a table.

    questions: of the whole test part, which partial runs were asked only in part.
    """

    answers: Answers
    metric: Metric
    kinds: dict[str, str]
    measured: dict[str, Measured]
    questions: int

    @property
    def partial(self) -> bool:
        """Whether only some of the test questions were asked."""
        return self.answers.instances < self.questions

    @cached_property
    def order(self) -> list[str]:
        """Runs with a defined value, the best first."""
        sign = 1 if self.metric.lower_is_better else -1
        defined = [run for run, found in self.measured.items() if np.isfinite(found.value)]
        return sorted(defined, key=lambda run: sign * self.measured[run].value)

    @property
    def best_trivial(self) -> str | None:
        """The trivial predictor with the best value on these instances."""
        return next((run for run in self.order if self.kinds[run] == "trivial"), None)

    @cached_property
    def skills(self) -> dict[str, Interval]:
        """Every run's skill over the best trivial predictor, which is chosen once, not in every resample."""
        if self.best_trivial is None:
            return {}
        base = self.measured[self.best_trivial]
        return {run: self.skill(found, base) for run, found in self.measured.items()}

    def skill(self, found: Measured, base: Measured) -> Interval:
        """Skill of one run over another on the same resamples."""
        value = float(self.metric.gain(np.array(found.value), np.array(base.value)))
        return interval(value, self.metric.gain(found.samples, base.samples), self.answers.clusters)

    @cached_property
    def separable(self) -> list[Pair]:
        """Every pair whose paired interval excludes zero, the better runs first."""
        pairs = []
        for better, worse in combinations(self.order, 2):
            one, two = self.measured[better], self.measured[worse]
            gap = difference(one.value, two.value, one.samples, two.samples, self.answers.clusters)
            if gap.excludes_zero:
                pairs.append(Pair(better, worse, gap))
        return pairs

    @cached_property
    def ranks(self) -> dict[str, int]:
        """Rank of each run: a new rank begins only where every run above is separable from every run below.

        So two runs that are not separable always share a rank; the rank is 1 + the number of runs above it.
        """
        apart = {(pair.better, pair.worse) for pair in self.separable}
        ranks: dict[str, int] = {}
        rank = 1
        for i, run in enumerate(self.order):
            if all((above, below) in apart for above in self.order[:i] for below in self.order[i:]):
                rank = i + 1
            ranks[run] = rank
        return ranks

    def rows(self) -> list[Row]:
        """One row a run; on some of the questions, the references' own rows are left out."""
        return [self.row(run) for run in self.measured if not (self.partial and self.kinds[run] in REFERENCE_KINDS)]

    def row(self, run: str) -> Row:
        """A run's value and skill, each with its 95 % bounds."""
        found = self.measured[run]
        skill = self.skills.get(run, Interval(None, None, None))
        return {
            "table": self.answers.task.table.name,
            "condition": self.answers.task.condition,
            "metric": self.metric.name,
            "run": run,
            "kind": self.kinds[run],
            "value": found.interval.value,
            "low": found.interval.low,
            "high": found.interval.high,
            "skill": skill.value,
            "skill_low": skill.low,
            "skill_high": skill.high,
            "rank": None if self.partial else self.ranks.get(run),
            "n": self.answers.instances,
            "questions": self.questions,
            "partial": self.partial,
            "clusters": self.answers.clusters,
            "unparsed": found.unparsed,
        }


def compare(bench: Bench, task: str, runs: Sequence[Run]) -> list[Comparison]:
    """Every metric of a task: on all its questions first, then on each part of them that partial runs were asked."""
    questions = bench.public(task, "test")
    groups: dict[tuple[str, ...], list[Run]] = {tuple(questions["instance_id"]): []}
    for run in runs:
        if task in run.tasks:
            groups.setdefault(tuple(run.questions(task)["instance_id"]), []).append(run)
    compared = []
    for asked, members in groups.items():
        part = questions.filter(pl.col("instance_id").is_in(asked)) if len(asked) < len(questions) else questions
        compared += compare_on(bench, task, part, members, len(questions))
    return compared


def compare_on(bench: Bench, task: str, asked: pl.DataFrame, runs: Sequence[Run], questions: int) -> list[Comparison]:
    """Every metric of a task, for some runs and the bench's own rows, on the questions that they were all asked."""
    answers = answers_of(bench, task, asked)
    own = own_kinds(bench, task)
    kinds = {run.name: run.kind for run in runs} | own
    judged = {run.name: answers.judge(run.predictions(task)) for run in runs}
    judged |= {name: answers.judge(own_answers(bench, task, name, asked)) for name in own}
    measured = measure(answers, judged)
    return [Comparison(answers, metric, kinds, measured[metric.name], questions) for metric in answers.task.metrics]
