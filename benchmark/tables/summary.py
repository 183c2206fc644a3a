"""Say in a few sentences who is best or tied where, and who is not shown to be better than the best reference.

The sentences are made from standings (benchmark/tables/standings.py), so from joint tests alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from benchmark.tables.standings import Standing

MOST_TASKS, MOST_RUNS, MOST_PARTS = 4, 4, 4  # named one by one; of more the number is given
Standings = Mapping[str, Standing]
"""Standings by the name of their task."""
NOBODY, UNKNOWN = "no run is shown to be better than the best reference", "there are too few groups to tell"


def summary(standings: Standings) -> list[str]:
    """Two or three sentences about the standings; one that says so where no run can be compared."""
    if not standings:
        return ["No run can be compared with a reference."]
    return [sentence for sentence in (leaders(standings), not_above(standings), below(standings)) if sentence]


def leaders(standings: Standings) -> str:
    """Who is best or tied, task by task; where nobody beats the best reference, and where nothing can be told."""
    tasks: dict[str, list[str]] = defaultdict(list)
    for task, standing in sorted(standings.items(), key=lambda item: order_of(item[1])):
        tasks[lead_of(standing)].append(task)
    parts = [f"{lead} in {listed_tasks(names, len(standings))}" for lead, names in tasks.items()]
    return sentence_of(parts)


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


def not_above(standings: Standings) -> str:
    """Runs that are not shown to be better than the best reference where another run is."""
    contested = {task: standing for task, standing in standings.items() if standing.above}
    return by_run(contested, "level", "Not shown to be better than the best reference, where others are")


def below(standings: Standings) -> str:
    """Runs that are worse than the best reference."""
    return by_run(standings, "below", "Worse than the best reference")


def by_run(standings: Standings, side: str, heading: str) -> str:
    """A sentence of the runs on one side of the best reference, those of the same tasks together; empty without any."""
    tasks: dict[str, list[str]] = defaultdict(list)
    for task, standing in standings.items():
        for run, where in standing.sides.items():
            if where == side:
                tasks[run].append(task)
    runs: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for run, names in tasks.items():
        runs[tuple(names)].append(run)
    parts = [
        f"{listed(names, MOST_RUNS, 'run')} in {listed_tasks(where, len(standings))}" for where, names in runs.items()
    ]
    return f"{heading}: {sentence_of(parts)}" if parts else ""


def sentence_of(parts: Sequence[str]) -> str:
    """Join clauses into a sentence; of more than MOST_PARTS the number of the others is given."""
    named, more = parts[:MOST_PARTS], len(parts) - MOST_PARTS
    text = "; ".join([*named, *([f"and {more} more, below"] if more > 0 else [])]) + "."
    return text[0].upper() + text[1:] if text.startswith((NOBODY, UNKNOWN)) else text  # a run's name stays as it is


def listed_tasks(tasks: Sequence[str], total: int) -> str:
    """Name tasks, or say that they are all there are."""
    return f"all {total} tasks" if len(tasks) == total > 1 else listed(tasks, MOST_TASKS, "task")


def listed(names: Sequence[str], most: int, noun: str) -> str:
    """Name some things and count the others: `a, b and c`, `a, b and 3 other tasks`."""
    if len(names) > most:
        others = len(names) - (most - 1)
        return f"{', '.join(names[: most - 1])} and {others} other {noun}s"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
