"""Open the runs that are compared: each under a name of its own, and none in the place of a reference.

A run may bear a reference's name (`cbc baselines predict mean`) where it holds that reference's answers; its row is
then the bench's own. Any other run under such a name is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from benchmark.bench import Bench
from benchmark.reference_rows import is_reference, own_answers, own_kinds
from benchmark.run import NoPredictions, Run
from corpus.errors import CbcError


class DuplicateRuns(CbcError):
    """Two runs bear one name, so that a table could not tell them apart."""


class NotTheReference(CbcError):
    """A run bears the name of a reference or the oracle, but not its answers."""


def open_runs(paths: Sequence[Path], bench: Bench) -> list[Run]:
    """The runs that compete, in the order given; references are checked and left to the bench.

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
                "give each run once, by its own name",
            )
        if is_reference(run.name):
            check_reference(run)
        first[run.name] = run
    return [run for run in runs if not is_reference(run.name)]


def check_reference(run: Run) -> None:
    """Whether a run under a reference's name holds its answers. Raises NotTheReference."""
    for task in run.tasks:
        if run.name not in own_kinds(run.bench, task) or not is_own(run, task):
            raise NotTheReference(
                f"{run.root} bears the name of the bench's own {run.name}, but not its answers to {task}",
                "give it another name",
            )


def is_own(run: Run, task: str) -> bool:
    """Whether a run holds the answers of the bench's own of its name."""
    own = own_answers(run.bench, task, run.name, run.questions(task))
    return same_values(run.predictions(task)["values"], own["values"])


def same_values(values: pl.Series, own: pl.Series) -> bool:
    """Whether two columns of lists hold the same numbers, up to rounding."""
    if not values.list.len().equals(own.list.len(), null_equal=True):
        return False
    left, right = (column.explode(empty_as_null=False).drop_nulls().to_numpy() for column in (values, own))
    return len(left) == len(right) and bool(np.allclose(left, right, rtol=1e-6, atol=1e-9, equal_nan=True))
