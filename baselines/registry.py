"""Every predictor by name. A new one is a file with a subclass of Predictor and a line here."""

from __future__ import annotations

from baselines.base import Predictor, Settings, WrongSettings
from baselines.boosted import Boosted
from baselines.interpolate import INTERPOLATE
from baselines.oracle import Oracle
from baselines.trivial import TRIVIAL

PREDICTORS: dict[str, Predictor] = {
    predictor.name: predictor for predictor in (*TRIVIAL, INTERPOLATE, Boosted(), Oracle())
}


def find(name: str, settings: Settings) -> Predictor:
    """A predictor by name; any other name is a Hugging Face causal LM by path or hub name.

    Raises WrongSettings, and what loading a model raises.
    """
    if name not in PREDICTORS:
        from baselines.prompted import Prompted

        return Prompted(name, settings)
    if settings.shots or settings.decode != "greedy":
        raise WrongSettings(f"{name} is no language model", "leave --shots and --decode out")
    return PREDICTORS[name]


def listing() -> str:
    """One line a predictor: name, kind, what it is, and the tasks it answers."""
    lines = [(p.name, p.kind, p.description, p.answers) for p in PREDICTORS.values()]
    lines.append(("PATH or HUB/NAME", "lm", "a Hugging Face causal LM, zero-shot or with --shots K", "every task"))
    head = ("name", "kind", "what it predicts with", "tasks")
    widths = [max(len(line[i]) for line in (head, *lines)) for i in range(len(head))]
    cells = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in (head, *lines)]
    return "\n".join("  ".join(line).rstrip() for line in cells)
