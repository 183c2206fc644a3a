"""A table's family of comparisons: each run against the best reference and against its control, on the headline.

All conditions of the table are one family and are tested jointly (benchmark/apart.py), so that at most 5 % of tables
call a run apart that differs from its rival by luck alone. Beside each comparison stands the smallest true skill that
it would call apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmark.apart import Contest, Verdict, verdicts
from benchmark.detectable import smallest_difference
from benchmark.intervals import effective_groups
from benchmark.reference_rows import REFERENCE_KINDS
from benchmark.run import Run
from benchmark.tables.compare import Comparison
from benchmark.tables.controls import control_of

Row = dict[str, Any]
Role = Literal["reference", "control"]


@dataclass(frozen=True)
class Member:
    """A comparison of the family: a run and its rival under a condition."""

    comparison: Comparison
    run: str
    rival: str
    role: Role

    @property
    def contest(self) -> Contest:
        """The comparison as it is tested."""
        return self.comparison.contest(self.run, self.rival)

    def detectable(self, verdict: Verdict) -> float | None:
        """The smallest true skill over the rival that the family's test calls apart with 80 % power; None: none is."""
        measured, sizes = self.comparison.measured, self.comparison.key.sizes
        if verdict.critical is None or not self.contest.decidable:
            return None
        error = measured[self.run].skill_error(measured[self.rival])
        return smallest_difference(error, verdict.critical, effective_groups(sizes))


def headline_of(comparison: Comparison) -> str | None:
    """The first metric of the comparison's task on which runs can be apart."""
    return next((metric.name for metric in comparison.key.task.metrics if not metric.heavy_tailed), None)


def members(comparisons: Sequence[Comparison], runs: Sequence[Run]) -> Iterator[Member]:
    """Yield the family of a table: all conditions, on the questions that rank the runs."""
    controls = {run.name: control.name for run in runs if (control := control_of(run, runs))}
    for comparison in comparisons:
        if comparison.asked != "main" or comparison.metric.name != headline_of(comparison):
            continue
        for run in comparison.order:
            if comparison.kinds[run] in REFERENCE_KINDS:
                continue
            if comparison.best_trivial is not None:
                yield Member(comparison, run, comparison.best_trivial, "reference")
            if controls.get(run) in comparison.order:
                yield Member(comparison, run, controls[run], "control")


def family_rows(comparisons: Sequence[Comparison], runs: Sequence[Run]) -> list[Row]:
    """A row for each comparison: the skill over the rival with its own 95 % bounds, and the joint verdict."""
    family = list(members(comparisons, runs))
    contests = [member.contest for member in family]
    rows = []
    for member, contest, verdict in zip(family, contests, verdicts(contests), strict=True):
        skill = member.comparison.skill(member.run, member.rival)
        rows.append(
            {
                "condition": member.comparison.key.task.condition,
                "metric": member.comparison.metric.name,
                "run": member.run,
                "rival": member.rival,
                "role": member.role,
                "skill": skill.value,
                "low": skill.low,
                "high": skill.high,
                "reason": skill.reason,
                "p": verdict.p if contest.decidable else None,
                "apart": verdict.apart,
                "detectable": member.detectable(verdict),
            }
        )
    return rows
