"""Facts about each run from its manifest: recipe, parameters, training, and how it was prompted."""

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
# Settings that are shown to readers.
ASKED = {"shots": "examples shown", "decode": "decoding", "limit": "first questions only"}


@dataclass(frozen=True)
class RunFacts:
    """A run's line in the table of runs; texts, but for the number of tasks."""

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
    """Write a plain value as text; missing and nested values are UNKNOWN."""
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return (str(value).strip() or UNKNOWN) if plain else UNKNOWN


def quantity(value: Any, write: Callable[[float], str]) -> str:
    """Write a finite number, zero or more; anything else is UNKNOWN."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return write(float(value)) if numeric and math.isfinite(value) and value >= 0 else UNKNOWN


def settings_text(about: Mapping[str, Any]) -> str:
    """The settings of a run in words; empty if none was chosen."""
    chosen = [f"{words}: {text(about[name])}" for name, words in ASKED.items() if about.get(name)]
    return "; ".join(chosen)


def run_facts(run: Run) -> RunFacts:
    """Read the facts about a run from its manifest."""
    about = run.about
    description = [about.get("says"), about.get("training"), settings_text(about)]
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
    """Columns that at least one run fills, with their headings."""
    return {name: label for name, label in COLUMNS.items() if any(getattr(fact, name) != UNKNOWN for fact in facts)}
