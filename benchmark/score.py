"""Score a run: every metric of every task that it answers, with its 95 % interval. All scores are computed here.

RUN/scores.json: {"format": "cbc-scores", "version": 2, "bench": fingerprint, "rows": [{task, table, condition, metric,
lower_is_better, unit, run, value, low, high, reason, best_trivial, best_trivial_value, n, messages, draws, questions,
partial, groups, effective_groups, spread_predicted, spread_true, coverage_80, unparsed, unparsed_reasons: {reason:
answers}, cut_prompts}]}; n counts the instances that were asked of the task's `questions`, all unless `partial`, about
so many `messages`, of each with so many `draws` of masks; a bound that cannot be computed is null and `reason` says
why; the best trivial predictor is the reference that was best where references are chosen
(benchmark/stored_references.py).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmark.answer_key import AnswerKey, count_unparsed, read_answer_key, reasons_text, unparsed_reasons
from benchmark.bench import Bench
from benchmark.intervals import Interval, effective_groups, group_sums, skill_error, skill_interval, value_interval
from benchmark.metrics import Array, Judged, Metric
from benchmark.reference_rows import best_reference, provided_answers
from benchmark.run import NoPredictions, Run
from benchmark.spread import spread_row
from corpus.files.atomic import write_json
from corpus.printing import table_text

Row = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """A metric of one run on one task: value, sums of each group [groups, k], number of its instances [groups]."""

    metric: Metric
    value: float
    sums: Array
    sizes: Array
    unparsed: int

    @cached_property
    def interval(self) -> Interval:
        """The value with its 95 % bounds."""
        return value_interval(self.metric, self.sums, self.sizes, self.value)

    def skill(self, base: Measured) -> Interval:
        """Skill over another run on the same instances."""
        return skill_interval(self.metric, self.sums, base.sums, self.sizes)

    def skill_error(self, base: Measured) -> float:
        """Standard error of that skill."""
        return skill_error(self.metric, self.sums, base.sums)


def measure(key: AnswerKey, judged: dict[str, dict[str, Judged]]) -> dict[str, dict[str, Measured]]:
    """Measure every metric of every run that has answers for it; gives metric name -> run -> measurement.

    judged: run -> metric name -> its answers judged.
    """
    return {
        metric.name: {
            run: measured_of(metric, answers[metric.name], key)
            for run, answers in judged.items()
            if metric.name in answers
        }
        for metric in key.task.metrics
    }


def measured_of(metric: Metric, judged: Judged, key: AnswerKey) -> Measured:
    """Add a run's answers up to groups."""
    sums = metric.sums(judged)
    in_groups = group_sums(sums, key.group, key.groups)
    return Measured(metric, float(metric.finish(sums.sum(axis=0))), in_groups, key.sizes, count_unparsed(judged))


def score_rows(run: Run, task: str) -> list[Row]:
    """Score a run on the questions of a task that it was asked. Raises NoAnswers and what reading raises."""
    questions = run.questions(task)
    key = read_answer_key(run.bench, task, questions)
    predictions = run.predictions(task)
    judged = key.judge(predictions)
    measured = measure(key, {run.name: judged})
    best = best_trivial(run.bench, key, questions)
    total = run.bench.public(task, "test").height
    reasons = unparsed_reasons(key, judged[key.task.metrics[0].name], questions, predictions)
    return [
        {
            "task": task,
            "table": key.task.table.name,
            "condition": key.task.condition,
            "metric": metric.name,
            "lower_is_better": metric.lower_is_better,
            "unit": metric.unit or key.task.unit,
            "run": run.name,
            **asdict(measured[metric.name][run.name].interval),
            **best[metric.name],
            "n": key.instances,
            "messages": key.messages,
            "draws": key.draws,
            "questions": total,
            "partial": key.instances < total,
            "groups": key.groups,
            "effective_groups": effective_groups(key.sizes),
            **spread_row(judged[metric.name], key.task),
            "unparsed": measured[metric.name][run.name].unparsed,
            "unparsed_reasons": reasons,
            "cut_prompts": run.cut_prompts(task),
        }
        for metric in key.task.metrics
    ]


def best_trivial(bench: Bench, key: AnswerKey, questions: pl.DataFrame) -> dict[str, Row]:
    """For each metric the best reference as it was chosen, and its value on these questions, where it has one."""
    task = key.task
    names = {metric.name: best_reference(bench, task.name, metric.name) for metric in task.metrics}
    judged = {
        name: key.judge(provided_answers(bench, task.name, name, questions)) for name in set(names.values()) if name
    }
    rows: dict[str, Row] = {}
    for metric in task.metrics:
        name = names[metric.name]
        value = metric.value(judged[name][metric.name]) if name else np.nan
        rows[metric.name] = {"best_trivial": name, "best_trivial_value": value if np.isfinite(value) else None}
    return rows


def score(run: Path, bench: Path) -> list[Row]:
    """Score every task that a run answers. Raises NoAnswers, NoPredictions, and what opening a run raises."""
    opened_run = Run.open(run, Bench.open(bench))
    if not opened_run.tasks:
        raise NoPredictions(f"{run} holds predictions for none of the bench's tasks", "predict again on this bench")
    return [row for task in opened_run.tasks for row in score_rows(opened_run, task)]


def write_scores(run: Path, bench: Path) -> list[Row]:
    """Score a run and write RUN/scores.json. Raises what `score` raises."""
    rows = score(run, bench)
    content = {"format": "cbc-scores", "version": 2, "bench": Bench.open(bench).fingerprint, "rows": rows}
    write_json(run / "scores.json", content)
    return rows


def short_number(value: float | None) -> str:
    """Write a number in about three digits, large ones in thousands (k) or millions (M); a dash for None."""
    if value is None:
        return "-"
    size = abs(value)
    for bound, form in ((1, ".3f"), (10, ".2f"), (100, ".1f"), (9999.5, ".0f")):
        if size < bound:
            return f"{value:{form}}"
    return f"{value / 1e3:.1f}k" if size < 1e6 else f"{value / 1e6:.2f}M"


def number_with_bounds(value: float | None, low: float | None, high: float | None) -> str:
    """Write a number with its bounds: `12.3 [11.0, 13.9]`."""
    if value is None:
        return "-"
    bounds = "no interval" if low is None else f"{short_number(low)}, {short_number(high)}"
    return f"{short_number(value)} [{bounds}]"


def asked_text(row: Row) -> str:
    """How many questions a row is of, and where videos have several draws of masks how many of both."""
    draws = f" ({row['messages']:,} videos, {row['draws']} draws of masks)" if row.get("draws", 1) > 1 else ""
    return f"{row['n']:,}{draws}"


def scores_text(rows: list[Row]) -> str:
    """Score rows as a table for a terminal, each metric beside the best reference."""
    head = ("task", "metric", "better", "unit", "value [95 % interval]", "best trivial", "n", "groups", "unparsed")
    body = [
        (
            row["task"],
            row["metric"],
            "lower" if row["lower_is_better"] else "higher",
            row["unit"],
            number_with_bounds(row["value"], row["low"], row["high"]),
            f"{row['best_trivial'] or ''} {short_number(row['best_trivial_value'])}".strip(),
            f"{asked_text(row)} of {row['questions']}" if row["partial"] else asked_text(row),
            row["groups"],
            row["unparsed"],
        )
        for row in rows
    ]
    partial = any(row["partial"] for row in rows)
    note = (
        "\nPartial: n counts the questions that were asked; the run has no rank unless they are the panel."
        if partial
        else ""
    )
    notes = f"{note}{unparsed_text(rows)}{cut_text(rows)}"
    return f"run {rows[0]['run']}{' (partial)' if partial else ''}\n{table_text(head, body)}{notes}"


def unparsed_text(rows: list[Row]) -> str:
    """A line for each task with unparsed answers, which says why they are; empty if there are none."""
    reasons = {row["task"]: row["unparsed_reasons"] for row in rows if row["unparsed"]}
    return "".join(f"\nunparsed in {task}: {reasons_text(counts)}" for task, counts in reasons.items())


def cut_text(rows: list[Row]) -> str:
    """A line for each task with prompts that lost their beginning; empty if there are none."""
    counts = {row["task"]: row["cut_prompts"] for row in rows if row["cut_prompts"]}
    return "".join(
        f"\ncut in {task}: {count:,} prompts, which were longer than the model's context, lost their beginning"
        for task, count in counts.items()
    )
