"""Predictions become scores here and nowhere else: every metric of every task of a run with its 95 % interval.

RUN/scores.json: {"format": "cbc-scores", "version": 1, "bench": fingerprint, "rows": [{task, table, condition, metric,
run, value, low, high, reason, n, clusters, unparsed}]}; n counts instances, a bound that cannot be given is null and
`reason` says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.answer_key import Answers, answers_of, unparsed
from benchmark.bench import Bench
from benchmark.intervals import Interval, cluster_sums, interval, resampled
from benchmark.metrics import Array, Judged, Metric
from benchmark.run import Run
from corpus.errors import CbcError
from corpus.files.atomic import write_json

Row = dict[str, Any]


class NoPredictions(CbcError):
    """A run answers none of the bench's tasks."""


@dataclass(frozen=True)
class Measured:
    """A metric of one run on one task: the value over all instances, and over each resample of clusters."""

    metric: Metric
    value: float
    samples: Array
    clusters: int
    unparsed: int

    @property
    def interval(self) -> Interval:
        """The value with its 95 % bounds."""
        return interval(self.value, self.samples, self.clusters)


def measure(answers: Answers, judged: dict[str, Judged]) -> dict[str, dict[str, Measured]]:
    """Metric name -> run -> what was measured; all runs and metrics meet the same resamples, in one product."""
    sums = {(m.name, run): m.sums(j) for m in answers.task.metrics for run, j in judged.items()}
    if not sums:
        return {}
    ends = np.cumsum([part.shape[1] for part in sums.values()])[:-1]
    side_by_side = np.concatenate(list(sums.values()), axis=1)
    drawn = resampled(cluster_sums(side_by_side, answers.cluster, answers.clusters))
    samples = dict(zip(sums, np.split(drawn, ends, axis=1), strict=True))
    unread = {run: unparsed(j) for run, j in judged.items()}
    return {
        m.name: {
            run: Measured(m, m.value(j), m.finish(samples[m.name, run]), answers.clusters, unread[run])
            for run, j in judged.items()
        }
        for m in answers.task.metrics
    }


def rows_of(answers: Answers, run: str, measured: dict[str, dict[str, Measured]]) -> list[Row]:
    """Score rows of one run on one task."""
    return [
        {
            "task": answers.task.name,
            "table": answers.task.table.name,
            "condition": answers.task.condition,
            "metric": metric,
            "run": run,
            "value": runs[run].interval.value,
            "low": runs[run].interval.low,
            "high": runs[run].interval.high,
            "reason": runs[run].interval.reason,
            "n": answers.instances,
            "clusters": answers.clusters,
            "unparsed": runs[run].unparsed,
        }
        for metric, runs in measured.items()
    ]


def score(run: Path, bench: Path) -> list[Row]:
    """Score rows of every task the run answers.

    Raises NoSuchPath, WrongVersion, RunForOtherBench, NoAnswers, NoPredictions.
    """
    opened = Bench.open(bench)
    given = Run.open(run, opened)
    if not given.tasks:
        raise NoPredictions(f"{run} holds predictions for none of the bench's tasks", "predict again on this bench")
    rows: list[Row] = []
    for task in given.tasks:
        answers = answers_of(opened, task)
        rows += rows_of(answers, given.name, measure(answers, {given.name: answers.judge(given.predictions(task))}))
    return rows


def write_scores(run: Path, bench: Path) -> list[Row]:
    """Score a run and write RUN/scores.json. Raises what `score` raises."""
    rows = score(run, bench)
    content = {"format": "cbc-scores", "version": 1, "bench": Bench.open(bench).fingerprint, "rows": rows}
    write_json(run / "scores.json", content)
    return rows


def number(value: float | None) -> str:
    """A figure in about three digits; large ones in thousands (k) or millions (M)."""
    if value is None:
        return "-"
    size = abs(value)
    for bound, form in ((1, ".3f"), (10, ".2f"), (100, ".1f"), (9999.5, ".0f")):
        if size < bound:
            return f"{value:{form}}"
    return f"{value / 1e3:.1f}k" if size < 1e6 else f"{value / 1e6:.2f}M"


def with_bounds(value: float | None, low: float | None, high: float | None) -> str:
    """`12.3 [11.0, 13.9]`."""
    if value is None:
        return "-"
    return f"{number(value)} [{number(low)}, {number(high)}]" if low is not None else f"{number(value)} [no interval]"


def scores_text(rows: list[Row]) -> str:
    """Score rows as lines for a terminal."""
    head = ("task", "metric", "value [95 % interval]", "n", "clusters", "unparsed")
    body = [
        (r["task"], r["metric"], with_bounds(r["value"], r["low"], r["high"]), r["n"], r["clusters"], r["unparsed"])
        for r in rows
    ]
    cells = [[str(cell) for cell in line] for line in (head, *body)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )
