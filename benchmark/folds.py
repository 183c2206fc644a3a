"""A fold of a bench: `--fold k/K` deals the groups into K folds, and bench k (from 0) tests exactly fold k.

Which groups are in which fold follows from the seed and K alone, so over all K benches every group is tested once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from corpus.errors import CbcError

FORM = re.compile(r"(\d{1,4})/(\d{1,4})", re.ASCII)


class BadFold(CbcError):
    """A fold is not written as k/K, or there is none of that number."""


@dataclass(frozen=True)
class Fold:
    """Fold `number`, from 0, of `folds`."""

    number: int
    folds: int

    def __post_init__(self) -> None:
        if self.folds < 2 or not 0 <= self.number < self.folds:
            raise BadFold(
                f"there is no fold {self.number} of {self.folds}",
                "of K folds, 2 or more, the numbers are 0 to K-1: for example 0/5 to 4/5",
            )

    def __str__(self) -> str:
        return f"{self.number}/{self.folds}"

    @classmethod
    def parse(cls, text: str) -> Fold:
        """Read `k/K`. Raises BadFold."""
        matched = FORM.fullmatch(text.strip())
        if not matched:
            raise BadFold(f"{text!r} is no fold", "write k/K, such as 0/5 for the first of five folds")
        return cls(int(matched[1]), int(matched[2]))
