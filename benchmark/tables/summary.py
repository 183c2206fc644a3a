"""Say in two sentences who is best or tied where, and who is not shown to be better than the best reference.

The sentences are made from standings (benchmark/tables/standings.py), so from joint tests alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from benchmark.tables.standings import Standing

MOST_TASKS, MOST_RUNS, MOST_PARTS = 3, 4, 6  # named one by one; of more the number is given
NOBODY, UNKNOWN = "no run is shown to be better than the best reference", "there are too few groups to tell"
Task = tuple[str, str]
"""Name of a table, and of one of its conditions; both empty where there is only one table or condition."""
Standings = Mapping[Task, Standing]


def summary(standings: Standings) -> list[str]:
    """One or two sentences about the standings; one that says so where no run can be compared."""
    if not standings:
        return ["No run can be compared with a reference."]
    return [sentence for sentence in (leaders(standings), not_better(standings)) if sentence]


def leaders(standings: Standings) -> str:
    """Who is best or tied, task by task; where nobody beats the best reference, and where nothing can be told."""
    tasks: dict[str, list[Task]] = defaultdict(list)
    for task, standing in sorted(standings.items(), key=lambda item: order_of(item[1])):
        tasks[lead_of(standing)].append(task)
    return sentence_of([f"{lead} in {listed_tasks(part, standings)}" for lead, part in tasks.items()])


def order_of(standing: Standing) -> int:
    """Place of a standing in the sentence: a best run first, what cannot be told last."""
    if standing.best is not None:
        return 0
    return 1 if standing.tied else 2 if standing.above else 3 if standing.tested else 4


def lead_of(standing: Standing) -> str:
    """Who leads under a condition, as the beginning of a clause that ends with its name."""
    if standing.best is not None:
        return f"{standing.best} is best"
    if standing.tied:
        return f"{listed(standing.tied, MOST_RUNS, 'run')} are tied for best"
    if standing.above:
        verb = "is" if len(standing.above) == 1 else "are"
        return f"{listed(standing.above, MOST_RUNS, 'run')} {verb} better than the best reference"
    return NOBODY if standing.tested else UNKNOWN


def not_better(standings: Standings) -> str:
    """The runs that are not shown to be better than the best reference, with their tasks; empty without any."""
    runs: dict[str, list[str]] = defaultdict(list)
    for run in dict.fromkeys(run for standing in standings.values() for run in standing.sides):
        tested = {task: s for task, s in standings.items() if s.sides.get(run, "untested") != "untested"}
        others = [task for task, standing in tested.items() if run not in standing.above]
        worse = sum(run in standing.on("below") for standing in tested.values())
        if others:
            named = listed_tasks(others, tested) if len(others) < 3 else f"{len(others)} of {len(tested)} tasks"
            where = f"all {len(tested)} tasks" if len(others) == len(tested) > 1 else named
            runs[f"{where}, worse in {worse}" if worse else where].append(run)
    parts = [f"{listed(names, MOST_RUNS, 'run')} in {where}" for where, names in runs.items()]
    return f"Not shown to be better than the best reference: {sentence_of(parts)}" if parts else ""


def sentence_of(parts: Sequence[str]) -> str:
    """Join clauses into a sentence; of more than MOST_PARTS the number of the others is given."""
    named, more = parts[:MOST_PARTS], len(parts) - MOST_PARTS
    text = "; ".join([*named, *([f"and {more} more, below"] if more > 0 else [])]) + "."
    return text[0].upper() + text[1:] if text.startswith((NOBODY, UNKNOWN)) else text  # a run's name stays as it is


def listed_tasks(tasks: Sequence[Task], every: Iterable[Task]) -> str:
    """Name tasks: all of a table as one, and all that there are as such."""
    sizes: dict[str, int] = defaultdict(int)
    for table, _ in every:
        sizes[table] += 1
    if len(tasks) == sum(sizes.values()) > 1:
        return f"all {len(tasks)} tasks"
    conditions: dict[str, list[str]] = defaultdict(list)
    for table, condition in tasks:
        conditions[table].append(condition)
    names: list[str] = []
    for table, part in conditions.items():
        names += [task_name(table, part_text(part, sizes[table]))] if table else part
    return listed(names, MOST_TASKS, "task")


def part_text(conditions: Sequence[str], every: int) -> str:
    """Name some conditions of a table that has `every`; many are counted."""
    if len(conditions) == every > 1:
        return f"all {every}"
    return ", ".join(conditions) if len(conditions) < MOST_TASKS else f"{len(conditions)} of {every}"


def task_name(table: str, condition: str) -> str:
    """Name of a task: its table's, with the condition in brackets where both are given."""
    return f"{table} ({condition})" if table and condition else table or condition


def listed(names: Sequence[str], most: int, noun: str) -> str:
    """Name some things and count the others: `a, b and c`, `a, b and 3 other tasks`."""
    if len(names) > most:
        others = len(names) - (most - 1)
        return f"{', '.join(names[: most - 1])} and {others} other {noun}s"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
