"""Make the tables: every run of a bench beside the references of its tasks, written as DIR/TABLE.{md,csv,json}.

DIR/TABLE.json: {"format": "cbc-table", "version": 1, "bench", "simulated", "table", "title", "note", "conditions",
"metrics": [{name, meaning, lower_is_better, skill, detail}], "heavy_tailed": [metrics without intervals], "rows":
[{table, condition, metric, run, kind, value, low, high, skill, skill_low, skill_high, rank, n, messages, draws,
questions, partial, groups, effective_groups, spread_predicted, spread_true, coverage_80, unparsed}], "reported":
[{model, condition, metric, value}], "separable": [{condition, metric, better, worse, difference, low, high, p}],
"family": [{condition, metric, run, rival, role: reference or control, skill, low, high, reason, p, apart,
detectable}], "rank": {condition: {metric: {run: rank}}}, "best_trivial": {condition: {metric: run}}, "partial":
[{condition, metric, n, best_trivial, rank: {run: rank}}], "everything": rows, "cut_prompts": [{run, condition,
prompts: how many were longer than the model's context and lost their beginning}], "seeds": [{recipe, condition,
metric, seeds, mean, sd, lowest, highest}]}.
TABLE.csv holds the rows alone.

"family" is tested jointly over all conditions, and "separable" over all pairs of one condition and metric: p-values are
adjusted for these, the bounds are of each comparison alone (benchmark/apart.py). "detectable" is the least true skill
that "family" would call apart with 80 % power (benchmark/detectable.py); null where none would be.

Where a run answers the panel alone, `rows` are of the panel, and `everything` has those of the runs that answer all
questions, on all of them. A row with `partial` true covers other questions: it has no rank and is in no pair of
`separable`. Runs that were asked the same questions are ranked in "partial", with the references on these questions.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.bench import Bench
from benchmark.open_runs import open_runs
from benchmark.run import Run
from benchmark.tables.compare import Comparison, compare
from benchmark.tables.family import family_rows
from benchmark.tables.markdown import markdown
from benchmark.tables.paper import PaperTable, paper_tables
from benchmark.tables.seeds import group_by_recipe, seed_rows
from corpus.errors import CbcError
from corpus.files.atomic import write_json, write_text

Row = dict[str, Any]
COLUMNS = (
    "table",
    "condition",
    "metric",
    "run",
    "kind",
    "value",
    "low",
    "high",
    "skill",
    "skill_low",
    "skill_high",
    "rank",
    "n",
    "messages",
    "draws",
    "questions",
    "partial",
    "groups",
    "effective_groups",
    "spread_predicted",
    "spread_true",
    "coverage_80",
    "unparsed",
)


class NothingToTabulate(CbcError):
    """The runs and the bench cover no table of the paper."""


def make_tables(runs: Sequence[Path], bench: Path, out: Path) -> list[Row]:
    """Write every table that the bench's tasks cover and return the rows of all of them.

    Raises NoAnswers, NothingToTabulate, and what opening a bench and `open_runs` raise.
    """
    opened_bench = Bench.open(bench)
    covered = [table for table in paper_tables().values() if set(table.tasks.values()) & set(opened_bench.tasks)]
    if not covered:
        raise NothingToTabulate(f"{bench} has no task of any table", "build it from a corpus with videos or posts")
    if not runs:
        raise NothingToTabulate("no run was given", "name one or more run folders")
    opened_runs = open_runs(runs, opened_bench)
    if out.exists() and not out.is_dir():
        raise NothingToTabulate(f"{out} is a file", "give a folder for the tables")
    tables = [make_table(table, opened_bench, opened_runs) for table in covered]
    for content in tables:
        write_table(content, out)
    return [row for content in tables for row in content["rows"]]


def make_table(table: PaperTable, bench: Bench, runs: Sequence[Run]) -> dict[str, Any]:
    """Make the content of a table, as its JSON file holds it."""
    tasks = {condition: task for condition, task in table.tasks.items() if task in bench.tasks}
    comparisons = [comparison for task in tasks.values() for comparison in compare(bench, task, runs)]
    order = list(table.metrics)
    comparisons = sorted(comparisons, key=lambda comparison: order.index(comparison.metric.name))
    metrics = {comparison.metric.name: comparison.metric for comparison in comparisons}
    beside = [comparison for comparison in comparisons if comparison.asked == "all"]
    comparisons = [comparison for comparison in comparisons if comparison.asked != "all"]
    rows = [row for comparison in comparisons for row in comparison.rows()]
    ranked = [comparison for comparison in comparisons if not comparison.partial]
    return {
        "format": "cbc-table",
        "version": 1,
        "bench": bench.fingerprint,
        "simulated": bench.simulated,
        "table": table.name,
        "title": table.heading.title,
        "note": table.heading.note,
        "conditions": list(tasks),
        "metrics": [
            {
                "name": m.name,
                "meaning": m.meaning,
                "lower_is_better": m.lower_is_better,
                "skill": m.skill,
                "detail": m.detail,
            }
            for m in metrics.values()
        ],
        "heavy_tailed": [m.name for m in metrics.values() if m.heavy_tailed],
        "rows": rows,
        "reported": [row for row in table.reported() if row["condition"] in tasks],
        "separable": [pair for comparison in ranked for pair in pair_rows(comparison)],
        "family": family_rows(ranked, runs),
        "rank": by_condition(ranked, "ranks"),
        "best_trivial": by_condition(ranked, "best_trivial"),
        "partial": [partial_entry(comparison) for comparison in comparisons if comparison.partial],
        "everything": [row for comparison in beside for row in comparison.rows()],
        "cut_prompts": [
            {"run": run.name, "condition": condition, "prompts": run.cut_prompts(task)}
            for run in runs
            for condition, task in tasks.items()
            if run.cut_prompts(task)
        ],
        "seeds": seed_rows([row for row in rows if not row["partial"]], group_by_recipe(runs)),
    }


def pair_rows(comparison: Comparison) -> list[Row]:
    """Separable pairs as rows; the difference is better minus worse in the metric's unit."""
    return [
        {
            "condition": comparison.key.task.condition,
            "metric": comparison.metric.name,
            "better": pair.better,
            "worse": pair.worse,
            "difference": pair.difference.value,
            "low": pair.difference.low,
            "high": pair.difference.high,
            "p": pair.p,
        }
        for pair in comparison.separable
    ]


def partial_entry(comparison: Comparison) -> Row:
    """Ranks of runs and references on the questions of a partial comparison."""
    return {
        "condition": comparison.key.task.condition,
        "metric": comparison.metric.name,
        "n": comparison.key.instances,
        "best_trivial": comparison.best_trivial,
        "rank": comparison.ranks,
    }


def by_condition(comparisons: Sequence[Comparison], name: str) -> dict[str, dict[str, Any]]:
    """An attribute of each comparison: {condition: {metric: value}}."""
    values: dict[str, dict[str, Any]] = {}
    for comparison in comparisons:
        values.setdefault(comparison.key.task.condition, {})[comparison.metric.name] = getattr(comparison, name)
    return values


def write_table(content: dict[str, Any], out: Path) -> None:
    """Write a table's three files atomically; the JSON, which programs read, last."""
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / f"{content['table']}.md", markdown(content))
    write_text(out / f"{content['table']}.csv", rows_as_csv(content["rows"]))
    write_json(out / f"{content['table']}.json", content)


def rows_as_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV with a header; a missing number is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
