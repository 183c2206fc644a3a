"""The table of planted effects as Markdown: for each task size, signs and order of all factors, then their levels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmark.intervals import FEWEST_GROUPS
from benchmark.score import number_with_bounds, short_number
from benchmark.tables.markdown import grid

Row = dict[str, Any]
Cell = Callable[[Row], str]
EXPLAINED = {
    "planted": "the effect under the law: how much what is expected at a level differs from the mean of all levels, "
    "all other factors equal; of an amount, its effect per unit",
    "recovered": "the same difference in the answers of a run, from one regression on all factors together",
    "size": "slope of recovered on planted effects: 1 all is recovered, 0 nothing, above 1 exaggerated, below 0 turned "
    "around; with its 95 % interval over groups",
    "signs_right": "of the levels whose planted effect is larger than the noise of this test part, how many have the "
    "right sign",
    "order": "Kendall's tau-b of a factor's levels: 1 in the planted order, 0 unrelated, -1 reversed",
    "planted_spread": "root mean square of the planted effects of a factor",
    "recovered_spread": "root mean square of the recovered effects; where nothing is planted, it is invented",
    "visible": "whether the planted effect is larger than half the width of the true outcomes' 95 % interval",
}
CONTROLS = (
    "- *true outcomes*: what happened. They check the method: their size is 1 within its interval.",
    "- *shuffled outcomes*: what happened, in random order. Their size is 0 within its interval.",
    "- *oracle*: the best possible answers for the headline metric. Where its size is not 1, that metric asks for "
    "answers sharper or flatter than the mean: compare runs with it.",
    "- the best reference, which reads no content: its sizes show what the bench gives away without it.",
)
NOT_HERE = (
    "Not measured: what a channel adds to views and likes is hidden, and no test channel is in training, so nobody can "
    "know it; the law has no prices; offers and segments of emails are planted, but no task asks about emails."
)


def markdown(content: dict[str, Any]) -> str:
    """Write the page of all tasks."""
    fields = ("planted", "recovered", "size", "signs_right", "order", "recovered_spread")
    explained = [f"- *{name.replace('_', ' ')}*: {EXPLAINED[name]}." for name in fields]
    parts = [
        "# Planted effects: what each run recovers",
        "In the simulated world the effect of each factor of the content on behavior is planted, so it is known how "
        "much of it a run has learned. These figures say nothing about real audiences.",
        "\n".join(explained),
        "Beside the runs stand four controls:",
        "\n".join(CONTROLS),
        f"{NOT_HERE} Intervals leave out one group at a time; with fewer than {FEWEST_GROUPS} effective groups there "
        "are none, nor where all groups show the same. An answer that could not be read counts as a random legal one.",
        *(task_block(task) for task in content["tasks"]),
    ]
    return "\n\n".join(parts) + "\n"


def task_block(task: dict[str, Any]) -> str:
    """All factors of a task."""
    factors = list(task["verdicts"])
    rows = {(row["run"], row["kind"], row["factor"]): row for row in task["factors"]}
    runs = list(dict.fromkeys((run, kind) for run, kind, _ in rows))

    def table(cell: Cell) -> str:
        lines = [[run, kind, *(cell(rows[run, kind, factor]) for factor in factors)] for run, kind in runs]
        return grid(["run", "kind", *factors], lines)

    asked = f"{task['questions']:,} of {task['of']:,} test questions, {task['answers']:,} values, "
    groups = f"{task['groups']:,} groups ({task['effective_groups']:.1f} effective)"
    head = [
        f"## {task['table']}: {task['condition']}",
        f"Unit: {task['unit']}. {task['note']} {asked}{groups}.",
        "\n".join(verdict_lines(task)),
    ]
    tables = [
        "### Size: how much of each planted effect is recovered\n\n" + table(size_cell),
        "### Signs and order: of the visible levels those with the right sign; Kendall of all\n\n" + table(order_cell),
        *invented_block(task, table),
        *(levels_block(task, factor, runs) for factor in factors if factor not in task["not_planted"]),
    ]
    return "\n\n".join([*head, *(tables if factors else [])])


def verdict_lines(task: dict[str, Any]) -> list[str]:
    """What the test part can show of each factor, and what is left out."""
    lines = [f"- {factor}: {verdict}" for factor, verdict in task["verdicts"].items()]
    lines += [f"- {factor}: left out, {reason}" for factor, reason in task["left_out"].items()]
    return lines + [f"- {factor}: too rare to be measured: {', '.join(rare)}" for factor, rare in task["rare"].items()]


def size_cell(row: Row) -> str:
    """The size with its bounds; a dash where nothing is planted."""
    return number_with_bounds(row["size"], row["size_low"], row["size_high"])


def order_cell(row: Row) -> str:
    """Right signs of visible levels, and the order."""
    signs = "-" if row["signs_right"] is None else f"{row['signs_right']} of {row['levels_visible']}"
    return signs if row["order"] is None else f"{signs}; {short_number(row['order'])}"


def invented_block(task: dict[str, Any], table: Callable[[Cell], str]) -> list[str]:
    """The spread of recovered effects of all factors, where a factor has no planted effect; else nothing."""
    if not task["not_planted"]:
        return []
    names = ", ".join(task["not_planted"])
    head = f"### Spread of the recovered effects ({task['unit']}); nothing is planted of {names}"
    return [f"{head}\n\n{table(lambda row: short_number(row['recovered_spread']))}"]


def levels_block(task: dict[str, Any], factor: str, runs: list[tuple[str, str]]) -> str:
    """The planted and the recovered effect of each level of a factor, the largest planted first."""
    rows = [row for row in task["levels"] if row["factor"] == factor]
    by_level: dict[str, dict[tuple[str, str], Row]] = {}
    for row in rows:
        by_level.setdefault(row["level"], {})[row["run"], row["kind"]] = row
    levels = sorted(by_level, key=lambda level: -next(iter(by_level[level].values()))["planted"])
    lines = []
    for level in levels:
        first = next(iter(by_level[level].values()))
        shown = [short_number(by_level[level][run]["recovered"]) for run in runs]
        lines.append([level, f"{first['answers']:,}", short_number(first["planted"]), *shown])
    return f"### {factor}: effects of its levels\n\n" + grid(
        [factor, "values", "planted", *(run for run, _ in runs)], lines
    )
