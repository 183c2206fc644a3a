"""What a reader must know before any figure: few groups, single training seeds, questions and prompts left out."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.intervals import FEWEST_GROUPS
from benchmark.run import Run
from benchmark.tables.seeds import group_by_recipe, seed_of
from benchmark.tables.summary import listed, listed_tasks
from leaderboard.matrix import MatrixColumn
from leaderboard.results import Row

FEW_GROUPS = 20
MOST = 6  # things named one by one in a note


def notes(columns: Sequence[MatrixColumn], runs: Sequence[Run]) -> list[str]:
    """The notes that apply, each a sentence or two."""
    every = [few_groups(columns), single_seeds(runs), panels(columns), partial_runs(columns), cut_prompts(columns)]
    return [note for note in every if note]


def main_row(column: MatrixColumn) -> Row | None:
    """A row of the questions that rank the runs; None if every run was asked other ones."""
    return next((row for row in rows_of(column) if not row.get("partial")), None)


def rows_of(column: MatrixColumn) -> list[Row]:
    """The rows of a column."""
    return [line.rows[column.key] for line in column.table.lines if column.key in line.rows]


def few_groups(columns: Sequence[MatrixColumn]) -> str:
    """The tasks whose questions come from few groups."""
    rows = {column.names: main_row(column) for column in columns}
    few = {
        names: row["effective_groups"] for names, row in rows.items() if row and row["effective_groups"] < FEW_GROUPS
    }
    if not few:
        return ""
    fewest = min(few.values())
    untested = f" With fewer than {FEWEST_GROUPS} there is no interval and no test." if fewest < FEWEST_GROUPS else ""
    named = listed_tasks(list(few), rows)
    return (
        f"Few effective groups ({fewest:.1f} and more), so that only large differences can be seen: {named}.{untested}"
    )


def single_seeds(runs: Sequence[Run]) -> str:
    """The runs of one training seed alone."""
    repeated = {name for names in group_by_recipe(runs).values() for name in names}
    single = [run.name for run in runs if seed_of(run) is not None and run.name not in repeated]
    if not single:
        return ""
    return f"One training seed alone, whose luck is in the figures: {listed(single, MOST, 'run')}."


def panels(columns: Sequence[MatrixColumn]) -> str:
    """The tasks in which runs are compared on the panel instead of all questions."""
    rows = {column.label: main_row(column) for column in columns}
    parts = [
        f"{label}: {row['n']:,} of {row['questions']:,}"
        for label, row in rows.items()
        if row and row["n"] < row.get("questions", row["n"])
    ]
    return f"Compared on a panel of the questions ({listed(parts, MOST, 'task')})." if parts else ""


def partial_runs(columns: Sequence[MatrixColumn]) -> str:
    """The runs that were asked other questions than the rest."""
    tasks: dict[str, list[str]] = {}
    for column in columns:
        for row in rows_of(column):
            if row.get("partial"):
                tasks.setdefault(row["run"], []).append(column.label)
    parts = [f"{run} in {listed(labels, 3, 'task')}" for run, labels in tasks.items()]
    if not parts:
        return ""
    return f"Partial, asked only some of the questions and so neither tested nor ranked: {listed(parts, MOST, 'run')}."


def cut_prompts(columns: Sequence[MatrixColumn]) -> str:
    """The tasks in which prompts lost their beginning, with the most of a run, and the runs."""
    parts = []
    for column in columns:
        cut = [row for row in column.table.content["cut_prompts"] if row["condition"] == column.condition]
        if cut:
            most, runs = max(row["prompts"] for row in cut), listed([row["run"] for row in cut], 2, "run")
            parts.append(f"{column.label} {most:,} ({runs})")
    if not parts:
        return ""
    return f"Prompts longer than a model's context lost their beginning, at most: {'; '.join(parts)}."
