"""Predictors by name: the references of the tasks, those of this package, and those of other packages.

A new one is a file with a subclass of Predictor and a line here, or an entry point of the group `cbc.predictors`.
"""

from __future__ import annotations

from difflib import get_close_matches

from baselines.base import Predictor, Settings, WrongSettings
from baselines.reference import ReferencePredictor
from benchmark.tasks.registry import references
from corpus.printing import table_text
from corpus.registry import NameClash, Registry

PREDICTORS: Registry[Predictor] = Registry(
    "predictor",
    "cbc.predictors",
    {
        "linear": "baselines.linear:Linear",
        "boosted": "baselines.boosted:Boosted",
        "boosted_without_words": "baselines.wordless:BoostedWithoutWords",
        "oracle": "baselines.oracle:Oracle",
    },
    Predictor,
)


def predictor_named(name: str) -> Predictor | None:
    """The predictor of that name; None where there is none. Raises NameClash, BrokenEntryPoint."""
    reference = references().get(name)
    if name not in PREDICTORS:
        return ReferencePredictor(reference) if reference else None
    if reference:
        raise NameClash(
            f"{PREDICTORS.paths[name]} is called {name}, which is the name of a reference", "give it another name"
        )
    return PREDICTORS.make(name)


def predictors() -> dict[str, Predictor]:
    """Every predictor, the references first. Raises NameClash, BrokenEntryPoint."""
    by_name = {name: predictor_named(name) for name in (*references(), *PREDICTORS)}
    return {name: predictor for name, predictor in by_name.items() if predictor}


def find_predictor(name: str, settings: Settings) -> Predictor:
    """Find a predictor by name; any other name is a Hugging Face causal LM by path or hub name.

    Raises WrongSettings, NameClash, BrokenEntryPoint, and what loading a model raises.
    """
    predictor = predictor_named(name)
    if predictor is None:
        from baselines.prompted import Prompted

        return Prompted(name, settings, similar_predictor(name))
    if settings.shots or settings.decode:
        raise WrongSettings(f"{name} is no language model", "leave --shots and --decode out")
    if settings.seen is not None:
        predictor.look_at(settings.seen)
    return predictor


def similar_predictor(name: str) -> str | None:
    """The predictor whose name is most like a name without a slash; None if none is alike."""
    names = () if "/" in name else (*references(), *PREDICTORS)
    return next(iter(get_close_matches(name.casefold(), names, n=1, cutoff=0.7)), None)


def predictor_rows() -> list[dict[str, str]]:
    """Every predictor: its name, kind, what it predicts with, and the tasks it answers."""
    lines = [(p.name, p.kind, p.description, p.answers) for p in predictors().values()]
    lines.append(("PATH or HUB/NAME", "lm", "a Hugging Face causal LM, zero-shot or with --shots K", "every task"))
    return [dict(zip(("name", "kind", "predicts_with", "tasks"), line, strict=True)) for line in lines]


def predictor_table() -> str:
    """The predictors as a text table."""
    return table_text(
        ("name", "kind", "what it predicts with", "tasks"), [(*row.values(),) for row in predictor_rows()], 200
    )
