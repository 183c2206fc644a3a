"""What each run is, as its manifest says it: what was trained, how long, on how much, and how it was asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.run import Run
from leaderboard.words import count, duration

UNKNOWN = "–"
COLUMNS = {
    "recipe": "recipe",
    "parameters": "parameters",
    "training_tokens": "training tokens",
    "training_time": "training time",
    "seed": "training seed",
    "version": "cbc version",
}
# Settings that a reader should know.
ASKED = {"shots": "examples shown", "decode": "decoding", "limit": "first questions only"}


@dataclass(frozen=True)
class RunFacts:
    """A run's line in the table of runs, all of it text."""

    name: str
    kind: str
    tasks: int
    description: str
    recipe: str
    seed: str
    parameters: str
    training_tokens: str
    training_time: str
    version: str


def text(value: Any) -> str:
    """A plain value as text; what is missing or nested is unknown."""
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return (str(value).strip() or UNKNOWN) if plain else UNKNOWN


def quantity(value: Any, write: Callable[[float], str]) -> str:
    """A number that can be measured, as text; anything else is unknown."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return write(float(value)) if numeric and math.isfinite(value) and value >= 0 else UNKNOWN


def asked(about: Mapping[str, Any]) -> str:
    """How a run was asked, in words; empty where nothing was chosen."""
    chosen = [f"{words}: {text(about[name])}" for name, words in ASKED.items() if about.get(name)]
    return "; ".join(chosen)


def run_facts(run: Run) -> RunFacts:
    """A run's facts."""
    about = run.about
    description = [about.get("says"), about.get("training"), asked(about)]
    return RunFacts(
        name=run.name,
        kind=run.kind,
        tasks=len(run.tasks),
        description="; ".join(str(part) for part in description if part and text(part) != UNKNOWN) or UNKNOWN,
        recipe=text(about.get("recipe")),
        seed=text(about.get("seed")),
        parameters=quantity(about.get("parameters"), count),
        training_tokens=quantity(about.get("training_tokens"), count),
        training_time=quantity(about.get("training_s"), duration),
        version=text(about.get("cbc")),
    )


def known_columns(facts: Sequence[RunFacts]) -> dict[str, str]:
    """The columns of which at least one run says something, with their headings."""
    return {name: label for name, label in COLUMNS.items() if any(getattr(fact, name) != UNKNOWN for fact in facts)}
