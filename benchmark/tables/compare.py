"""Compare all runs on one condition and metric: skill over the best reference, who is apart from whom, and ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from benchmark.answer_key import Answers, answers_of
from benchmark.bench import Bench
from benchmark.intervals import Interval, difference, interval
from benchmark.metrics import Judged, Metric
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
    """All runs on one condition and metric of a table."""

    answers: Answers
    metric: Metric
    kinds: dict[str, str]
    measured: dict[str, Measured]

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
        """One row a run."""
        return [self.row(run) for run in self.measured]

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
            "rank": self.ranks.get(run),
            "n": self.answers.instances,
            "clusters": self.answers.clusters,
            "unparsed": found.unparsed,
        }


def compare(bench: Bench, task: str, runs: Sequence[Run]) -> list[Comparison]:
    """Every metric of a task for the runs that answer it and for its references not among them."""
    questions = bench.public(task, "test")
    answers = answers_of(bench, task, questions)
    kinds: dict[str, str] = {}
    judged: dict[str, Judged] = {}
    for run in runs:
        if task in run.tasks:
            kinds[run.name], judged[run.name] = run.kind, answers.judge(run.predictions(task))
    train = bench.public(task, "train")
    for reference in answers.task.references:
        if reference.name not in judged:
            kinds[reference.name] = "trivial"
            judged[reference.name] = answers.judge(reference.predictions(train, questions))
    measured = measure(answers, judged)
    return [Comparison(answers, metric, kinds, measured[metric.name]) for metric in answers.task.metrics]
