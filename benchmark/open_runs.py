"""Open the runs to compare: each has its own name, and none takes the place of a reference.

A run may have a reference's name (`cbc baselines predict mean`) if it holds that reference's answers; its row is then
the bench's own. Any other run with such a name is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from benchmark.bench import Bench
from benchmark.reference_rows import is_reference, provided_answers, provided_kinds
from benchmark.run import NoPredictions, Run
from corpus.errors import CbcError


class DuplicateRuns(CbcError):
    """Two runs have the same name, so that a table could not distinguish them."""


class NotTheReference(CbcError):
    """A run has the name of a reference or the oracle, but other answers."""


def open_runs(paths: Sequence[Path], bench: Bench) -> list[Run]:
    """Open the runs that compete, in the order given; runs of references are checked and left to the bench.

    Raises NoPredictions, DuplicateRuns, NotTheReference, and what opening and reading a run raises.
    """
    runs = [Run.open(path, bench) for path in paths]
    first: dict[str, Run] = {}
    for run in runs:
        if not run.tasks:
            raise NoPredictions(f"{run.root} holds predictions for none of the bench's tasks", "predict again")
        if run.name in first:
            raise DuplicateRuns(
                f"{first[run.name].root} and {run.root} are both called {run.name}",
                "name each run once, and give runs different names",
            )
        if is_reference(run.name):
            check_reference(run)
        first[run.name] = run
    return [run for run in runs if not is_reference(run.name)]


def check_reference(run: Run) -> None:
    """Check that a run with a reference's name holds its answers. Raises NotTheReference."""
    for task in run.tasks:
        if run.name not in provided_kinds(run.bench, task) or not equals_provided(run, task):
            raise NotTheReference(
                f"{run.root} has the name of the bench's own {run.name}, but not its answers to {task}",
                "give the run another name",
            )


def equals_provided(run: Run, task: str) -> bool:
    """Whether a run's answers are those that the bench provides under its name."""
    provided = provided_answers(run.bench, task, run.name, run.questions(task))
    return same_values(run.predictions(task)["values"], provided["values"])


def same_values(values: pl.Series, other: pl.Series) -> bool:
    """Whether two columns of lists hold the same numbers, up to rounding."""
    if not values.list.len().equals(other.list.len(), null_equal=True):
        return False
    first, second = (column.explode(empty_as_null=False).drop_nulls().to_numpy() for column in (values, other))
    return len(first) == len(second) and bool(np.allclose(first, second, rtol=1e-6, atol=1e-9, equal_nan=True))
