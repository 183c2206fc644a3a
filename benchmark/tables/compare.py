"""Compare all runs on one condition and metric: skill over the best reference, separable pairs, and ranks.

All pairs of runs are one family, which is tested jointly (benchmark/apart.py).

Where a run answers the panel alone, all runs are compared on the panel, and those that answer everything also on that.
A run that was asked other questions is compared on these alone, with the references and with the runs that were asked
the same; it has no rank among the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Literal

import numpy as np
import polars as pl

from benchmark.answer_key import AnswerKey, read_answer_key
from benchmark.apart import Contest, verdicts
from benchmark.bench import Bench
from benchmark.intervals import Interval, effective_groups
from benchmark.metrics import Metric
from benchmark.reference_rows import REFERENCE_KINDS, best_reference, provided_answers, provided_kinds
from benchmark.run import Run
from benchmark.score import Measured, measure
from benchmark.spread import spread_row

Row = dict[str, Any]
Asked = Literal["main", "all", "some"]


@dataclass(frozen=True)
class Pair:
    """Two runs that are apart: their difference (better minus worse, in the metric's unit) and its adjusted p-value."""

    better: str
    worse: str
    difference: Interval
    p: float


@dataclass(frozen=True)
class Comparison:
    """Runs on the same questions, on one condition and metric of a table.

    asked: `main` (those that rank the runs: all, or the panel), `all` (everything, beside the panel) or `some`;
    questions: number of questions in the whole test part.
    """

    key: AnswerKey
    metric: Metric
    kinds: dict[str, str]
    measured: dict[str, Measured]
    questions: int
    asked: Asked
    best_reference: str | None
    spreads: dict[str, Row]

    @property
    def partial(self) -> bool:
        """Whether these questions are neither all nor the panel."""
        return self.asked == "some"

    @cached_property
    def order(self) -> list[str]:
        """Runs with a defined value, best first."""
        sign = 1 if self.metric.lower_is_better else -1
        defined = [run for run, result in self.measured.items() if np.isfinite(result.value)]
        return sorted(defined, key=lambda run: sign * self.measured[run].value)

    @property
    def best_trivial(self) -> str | None:
        """The reference that was chosen as the best (benchmark/stored_references.py); None if none had a value."""
        return self.best_reference if self.best_reference in self.order else None

    @cached_property
    def skills(self) -> dict[str, Interval]:
        """Each run's skill over the best reference."""
        if self.best_trivial is None:
            return {}
        return {run: self.skill(run, self.best_trivial) for run in self.measured}

    def skill(self, run: str, rival: str) -> Interval:
        """Skill of a run over another."""
        return self.measured[run].skill(self.measured[rival])

    def contest(self, run: str, rival: str) -> Contest:
        """Two runs as they are tested."""
        sums = self.measured[run].sums, self.measured[rival].sums
        return Contest(self.metric, *sums, self.key.sizes, self.key.names)

    @cached_property
    def separable(self) -> list[Pair]:
        """Pairs of runs that are apart by the joint test of all pairs, sorted by the better run."""
        pairs = list(combinations(self.order, 2))
        contests = [self.contest(better, worse) for better, worse in pairs]
        return [
            Pair(better, worse, contest.difference(), verdict.p)
            for (better, worse), contest, verdict in zip(pairs, contests, verdicts(contests), strict=True)
            if verdict.apart
        ]

    @cached_property
    def ranks(self) -> dict[str, int]:
        """Rank of each run: a new rank begins only where every run above is separable from every run below.

        Two runs that are not separable therefore share a rank; a rank is 1 + the number of runs above it.
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
        """A row for each run; in a partial comparison without the rows of references and oracle."""
        return [self.row(run) for run in self.measured if not (self.partial and self.kinds[run] in REFERENCE_KINDS)]

    def row(self, run: str) -> Row:
        """A run's value and skill, each with its 95 % bounds."""
        result = self.measured[run]
        skill = self.skills.get(run, Interval(None, None, None))
        return {
            "table": self.key.task.table.name,
            "condition": self.key.task.condition,
            "metric": self.metric.name,
            "run": run,
            "kind": self.kinds[run],
            "value": result.interval.value,
            "low": result.interval.low,
            "high": result.interval.high,
            "skill": skill.value,
            "skill_low": skill.low,
            "skill_high": skill.high,
            "rank": None if self.partial else self.ranks.get(run),
            "n": self.key.instances,
            "messages": self.key.messages,
            "draws": self.key.draws,
            "questions": self.questions,
            "partial": self.partial,
            "groups": self.key.groups,
            "effective_groups": effective_groups(self.key.sizes),
            **self.spreads[run],
            "unparsed": result.unparsed,
        }


def compare(bench: Bench, task: str, runs: Sequence[Run]) -> list[Comparison]:
    """Compare runs on every metric of a task: on what ranks them, on everything, and on what partial runs answer."""
    questions, answering = bench.public(task, "test"), [run for run in runs if task in run.tasks]
    in_panel = questions.filter(pl.col("panel_rank").is_not_null())
    panel = frozenset(in_panel["instance_id"])
    asked = {run.name: frozenset(run.questions(task)["instance_id"]) for run in answering}
    whole = [run for run in answering if len(asked[run.name]) == len(questions)]
    on_panel = [run for run in answering if run not in whole and panel and asked[run.name] >= panel]
    if not on_panel:
        comparisons = compare_on(bench, task, questions, whole, "main")
    else:
        both = [run for run in answering if run in whole or run in on_panel]
        comparisons = compare_on(bench, task, in_panel, both, "main")
        comparisons += compare_on(bench, task, questions, whole, "all")
    others: dict[frozenset[str], list[Run]] = {}
    for run in answering:
        if run not in whole and run not in on_panel:
            others.setdefault(asked[run.name], []).append(run)
    for instances, members in others.items():
        part = questions.filter(pl.col("instance_id").is_in(list(instances)))
        comparisons += compare_on(bench, task, part, members, "some")
    return comparisons


def compare_on(bench: Bench, task: str, part: pl.DataFrame, runs: Sequence[Run], asked: Asked) -> list[Comparison]:
    """Compare runs, references and oracle on every metric of a task, on questions that all of them answer."""
    key = read_answer_key(bench, task, part)
    provided = provided_kinds(bench, task)
    kinds = {run.name: run.kind for run in runs} | provided
    instances = part.select("instance_id")
    judged = {
        run.name: key.judge(instances.join(run.predictions(task), "instance_id", "left", maintain_order="left"))
        for run in runs
    }
    judged |= {name: key.judge(provided_answers(bench, task, name, part)) for name in provided}
    measured = measure(key, judged)
    total = bench.tasks[task]["test"]
    return [
        Comparison(
            key,
            metric,
            kinds,
            measured[metric.name],
            total,
            asked,
            best_reference(bench, task, metric.name),
            {run: spread_row(by_metric[metric.name], key.task) for run, by_metric in judged.items()},
        )
        for metric in key.task.metrics
    ]
