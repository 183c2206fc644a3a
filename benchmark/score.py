"""Predictions become scores here and nowhere else: every metric of every task of a run with its 95 % interval.

RUN/scores.json: {"format": "cbc-scores", "version": 2, "bench": fingerprint, "rows": [{task, table, condition, metric,
lower_is_better, unit, run, value, low, high, reason, best_trivial, best_trivial_value, n, questions, partial, clusters,
unparsed}]}; n counts the instances that were asked of the task's `questions`, all unless `partial`; a bound that cannot
be given is null and `reason` says why; the best trivial predictor is the best on the same instances.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.answer_key import Answers, answers_of, unparsed
from benchmark.bench import Bench
from benchmark.intervals import Interval, cluster_sums, interval, resampled
from benchmark.metrics import Array, Judged, Metric
from benchmark.reference_rows import references
from benchmark.run import NoPredictions, Run
from corpus.files.atomic import write_json
from corpus.printing import table_text

Row = dict[str, Any]


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


def rows_of(run: Run, task: str) -> list[Row]:
    """Score rows of one run on the questions of a task that it was asked. Raises NoAnswers and what reading raises."""
    asked = run.questions(task)
    answers = answers_of(run.bench, task, asked)
    measured = measure(answers, {run.name: answers.judge(run.predictions(task))})
    trivial = {name: answers.judge(frame) for name, frame in references(run.bench, task, asked).items()}
    total = run.bench.public(task, "test").height
    return [
        {
            "task": task,
            "table": answers.task.table.name,
            "condition": answers.task.condition,
            "metric": metric.name,
            "lower_is_better": metric.lower_is_better,
            "unit": metric.unit or answers.task.unit,
            "run": run.name,
            **asdict(measured[metric.name][run.name].interval),
            **best_of(metric, trivial),
            "n": answers.instances,
            "questions": total,
            "partial": answers.instances < total,
            "clusters": answers.clusters,
            "unparsed": measured[metric.name][run.name].unparsed,
        }
        for metric in answers.task.metrics
    ]


def best_of(metric: Metric, trivial: dict[str, Judged]) -> Row:
    """The trivial predictor with the best value of a metric; null where none has a defined one."""
    values = {name: metric.value(judged) for name, judged in trivial.items()}
    defined = [name for name, value in values.items() if np.isfinite(value)]
    sign = 1 if metric.lower_is_better else -1
    best = min(defined, key=lambda name: sign * values[name], default=None)
    return {"best_trivial": best, "best_trivial_value": None if best is None else values[best]}


def score(run: Path, bench: Path) -> list[Row]:
    """Score rows of every task the run answers. Raises NoAnswers, NoPredictions, and what opening a run raises."""
    opened = Run.open(run, Bench.open(bench))
    if not opened.tasks:
        raise NoPredictions(f"{run} holds predictions for none of the bench's tasks", "predict again on this bench")
    return [row for task in opened.tasks for row in rows_of(opened, task)]


def write_scores(run: Path, bench: Path) -> list[Row]:
    """Score a run and write RUN/scores.json. Raises what `score` raises."""
    rows = score(run, bench)
    content = {"format": "cbc-scores", "version": 2, "bench": Bench.open(bench).fingerprint, "rows": rows}
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
    """Score rows as lines for a terminal: the run, then a line a metric beside the best trivial predictor."""
    head = ("task", "metric", "better", "unit", "value [95 % interval]", "best trivial", "n", "clusters", "unparsed")
    body = [
        (
            row["task"],
            row["metric"],
            "lower" if row["lower_is_better"] else "higher",
            row["unit"],
            with_bounds(row["value"], row["low"], row["high"]),
            f"{row['best_trivial'] or ''} {number(row['best_trivial_value'])}".strip(),
            f"{row['n']} of {row['questions']}" if row["partial"] else row["n"],
            row["clusters"],
            row["unparsed"],
        )
        for row in rows
    ]
    partial = any(row["partial"] for row in rows)
    note = "\nPartial: n counts the questions that were asked; the run has no rank among full ones." if partial else ""
    return f"run {rows[0]['run']}{' (partial)' if partial else ''}\n{table_text(head, body)}{note}"
