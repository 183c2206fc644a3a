"""Answers that choose an option, stored as its index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from benchmark.answers.base import AnswerKind
from benchmark.metrics import Array, Flags
from corpus.verbalize.read_answers import read_choice


@dataclass(frozen=True)
class Choice(AnswerKind):
    """The index of an option, 0 to count - 1."""

    name: ClassVar[str] = "choice"
    count: int

    @property
    def legal(self) -> tuple[float, float]:
        return 0.0, self.count - 1.0

    def read(self, raw: str, count: int, options: Sequence[str] | None) -> list[float] | None:
        return read_choice(raw, [] if options is None else list(options))

    def unreadable(self, raw: str) -> str:
        return "text that names no option"

    @property
    def illegal(self) -> str:
        return "no index of an option"

    def accepts(self, values: Sequence[float], count: int) -> bool:
        """Whether the values are a single index of an option."""
        return super().accepts(values, count) and all(float(value).is_integer() for value in values)

    def chance(self, train: pl.DataFrame, test: pl.DataFrame, rng: np.random.Generator) -> list[list[float]]:
        """Draw an option of each question, all equally likely."""
        return [[float(rng.integers(len(options)))] for options in test["options"]]

    def is_legal(self, values: Array) -> Flags:
        """Whether each value is the index of an option."""
        legal: Flags = super().is_legal(values) & (values == np.floor(values))
        return legal
