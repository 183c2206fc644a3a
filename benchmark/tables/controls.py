"""Find each run's control: trained alike on the same questions, with the behavior shuffled between messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmark.run import Run
from benchmark.tables.seeds import seed_of

CONTROL = "control"


def control_of(run: Run, runs: Sequence[Run]) -> Run | None:
    """The run of the variant `control` with the same `trained_alike` and seed; None without exactly one."""
    if facts(run, "variant") in (None, CONTROL):
        return None
    alike = [other for other in runs if facts(other, "variant") == CONTROL and training_of(other) == training_of(run)]
    return alike[0] if len(alike) == 1 and training_of(run)[0] is not None else None


def training_of(run: Run) -> tuple[Any, str | None]:
    """What a run and its control share."""
    return facts(run, "trained_alike"), seed_of(run)


def facts(run: Run, name: str) -> Any:
    """What a run states of itself under a name; None if it states nothing."""
    return run.about.get(name)
