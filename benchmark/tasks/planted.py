"""What a task's answers follow from in the simulated world: its factors, and the scale on which they are measured.

A factor is what the law of the world (corpus/simulate/law.py) may let behavior depend on, read from the questions. Its
effects are planted, so that what a model learned of each can be measured (benchmark/effects/).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmark.metrics import Array
from corpus.simulate import law as rules
from corpus.simulate.named_levels import named_level


@dataclass(frozen=True)
class EffectScale:
    """How answers are compared: `of` maps them to the scale, on which effects have the unit `unit`.

    note: why this scale, and what to keep in mind; within_question: whether only values of one question are compared.
    """

    unit: str
    note: str
    of: Callable[[Array], Array]
    within_question: bool = False


@dataclass(frozen=True)
class Factor:
    """A factor of every asked value, those of a question end to end: levels, an amount, or an amount that counts
    differently at each level.

    levels: a text for each value, null where unknown; amount: [values], nan where unknown; unit: of the amount.
    """

    name: str
    levels: pl.Series | None = None
    amount: Array | None = None
    unit: str = ""


def level_factor(name: str, texts: pl.Series, levels: Sequence[str]) -> Factor:
    """A factor whose level the texts name."""
    return Factor(name, named_level(texts, levels))


def title_factors(questions: pl.DataFrame) -> list[Factor]:
    """Tone, occasion and product, which a title names."""
    titles = questions["title"]
    named = {"tone": rules.TONES, "occasion": rules.OCCASIONS, "product": rules.NICHES}
    return [level_factor(name, titles, tuple(levels)) for name, levels in named.items()]


def audience_factor(questions: pl.DataFrame) -> Factor:
    """Followers, in factors of ten."""
    return Factor("audience", amount=decades(questions["audience"]), unit="ten times the followers")


def age_factor(questions: pl.DataFrame) -> Factor:
    """The share of its views that a video has at its age, in factors of ten."""
    age = questions["age_days"].cast(pl.Float64)
    return Factor("age", amount=decades(1 - (-age / rules.GROWTH_DAYS).exp()), unit="ten times the views due by age")


def decades(amounts: pl.Series) -> Array:
    """Base-10 logarithms; nan where unknown or not above zero."""
    values = amounts.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return np.log10(np.where(values > 0, values, np.nan))


def decades_above(lowest: float) -> Callable[[Array], Array]:
    """A scale of base-10 logarithms, values below `lowest` taken as it."""
    return lambda values: np.log10(np.maximum(values, lowest))
