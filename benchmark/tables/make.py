"""Make the tables: every run of a bench beside the references of its tasks, written as DIR/TABLE.{md,csv,json}.

DIR/TABLE.json: {"format": "cbc-table", "version": 1, "bench", "simulated", "table", "title", "note", "conditions",
"metrics": [{name, meaning, lower_is_better, skill}], "rows": [{table, condition, metric, run, kind, value, low, high,
skill, skill_low, skill_high, rank, n, questions, partial, clusters, unparsed}], "reported": [{model, condition, metric,
value}], "separable": [{condition, metric, better, worse, difference, low, high}], "rank": {condition: {metric: {run:
rank}}}, "best_trivial": {condition: {metric: run}}, "partial": [{condition, metric, n, best_trivial, rank: {run:
rank}}], "seeds": [{recipe, condition, metric, seeds, mean, sd, lowest, highest}]}. TABLE.csv holds the rows alone.

A row with `partial` true speaks of `n` of the `questions`: it has no rank, and stands in no pair of `separable`; those
that were asked the very same are ranked in "partial", with the references on these questions.
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
from benchmark.tables.markdown import markdown
from benchmark.tables.paper import PaperTable, paper_tables
from benchmark.tables.seeds import families, over_seeds
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
    "questions",
    "partial",
    "clusters",
    "unparsed",
)


class NothingToTabulate(CbcError):
    """No table of the paper is covered by what was given."""


def make_tables(runs: Sequence[Path], bench: Path, out: Path) -> list[Row]:
    """Write every table that the bench's tasks cover and return the rows of all of them.

    Raises NoAnswers, NothingToTabulate, and what opening a bench and `open_runs` raise.
    """
    opened = Bench.open(bench)
    covered = [table for table in paper_tables().values() if set(table.tasks.values()) & set(opened.tasks)]
    if not covered:
        raise NothingToTabulate(f"{bench} has no task of any table", "build it from a corpus with videos or posts")
    if not runs:
        raise NothingToTabulate("no run was given", "name the folder of one run or more")
    given = open_runs(runs, opened)
    if out.exists() and not out.is_dir():
        raise NothingToTabulate(f"{out} is a file", "give a folder for the tables")
    made = [make_table(table, opened, given) for table in covered]
    for content in made:
        write_table(content, out)
    return [row for content in made for row in content["rows"]]


def make_table(table: PaperTable, bench: Bench, runs: Sequence[Run]) -> dict[str, Any]:
    """One table's whole content, as its JSON file holds it."""
    tasks = {condition: task for condition, task in table.tasks.items() if task in bench.tasks}
    compared = [found for task in tasks.values() for found in compare(bench, task, runs)]
    order = list(table.metrics)
    compared = sorted(compared, key=lambda found: order.index(found.metric.name))
    metrics = {found.metric.name: found.metric for found in compared}
    rows = [row for found in compared for row in found.rows()]
    on_all = [found for found in compared if not found.partial]
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
            {"name": m.name, "meaning": m.meaning, "lower_is_better": m.lower_is_better, "skill": m.skill}
            for m in metrics.values()
        ],
        "rows": rows,
        "reported": [row for row in table.reported() if row["condition"] in tasks],
        "separable": [pair for found in on_all for pair in pairs(found)],
        "rank": by_condition(on_all, "ranks"),
        "best_trivial": by_condition(on_all, "best_trivial"),
        "partial": [partial_entry(found) for found in compared if found.partial],
        "seeds": over_seeds([row for row in rows if not row["partial"]], families(runs)),
    }


def pairs(found: Comparison) -> list[Row]:
    """Who is separable from whom, as rows: the difference is better minus worse in the metric's unit."""
    return [
        {
            "condition": found.answers.task.condition,
            "metric": found.metric.name,
            "better": pair.better,
            "worse": pair.worse,
            "difference": pair.difference.value,
            "low": pair.difference.low,
            "high": pair.difference.high,
        }
        for pair in found.separable
    ]


def partial_entry(comparison: Comparison) -> Row:
    """Who was asked the same questions, not all, and how they rank on these with the references."""
    return {
        "condition": comparison.answers.task.condition,
        "metric": comparison.metric.name,
        "n": comparison.answers.instances,
        "best_trivial": comparison.best_trivial,
        "rank": comparison.ranks,
    }


def by_condition(compared: Sequence[Comparison], name: str) -> dict[str, dict[str, Any]]:
    """{condition: {metric: what a comparison says}}."""
    said: dict[str, dict[str, Any]] = {}
    for found in compared:
        said.setdefault(found.answers.task.condition, {})[found.metric.name] = getattr(found, name)
    return said


def write_table(content: dict[str, Any], out: Path) -> None:
    """Write a table's three files, each beside its place and then renamed; the JSON, which others read, last."""
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / f"{content['table']}.md", markdown(content))
    write_text(out / f"{content['table']}.csv", rows_as_csv(content["rows"]))
    write_json(out / f"{content['table']}.json", content)


def rows_as_csv(rows: Sequence[Row]) -> str:
    """Rows with a header; a missing figure is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
