"""Answers that are numbers: one or several for a question, each within a closed range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from benchmark.answers.base import OTHER_COUNT, AnswerKind
from corpus.verbalize.number_words import NUMBER
from corpus.verbalize.read_answers import read_values


@dataclass(frozen=True)
class Values(AnswerKind):
    """Numbers from `low` to `high`."""

    name: ClassVar[str] = "values"
    low: float
    high: float

    @property
    def legal(self) -> tuple[float, float]:
        return self.low, self.high

    def read(self, raw: str, count: int, options: Sequence[str] | None) -> list[float] | None:
        return read_values(raw, count)

    def unreadable(self, raw: str) -> str:
        return OTHER_COUNT if NUMBER.search(raw) else "text without a number"

    def chance(self, train: pl.DataFrame, test: pl.DataFrame, rng: np.random.Generator) -> list[list[float]]:
        """Draw from the values of training, all equally likely."""
        pool = train["target"].explode().to_numpy()
        return [rng.choice(pool, count).tolist() for count in test["target"].list.len()]
