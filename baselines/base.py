"""What every predictor is: a name, the tasks it applies to, and answers to a bench's questions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from benchmark.bench import Bench
from corpus.errors import CbcError


class PredictorError(CbcError):
    """A predictor cannot answer this bench."""


class WrongSettings(PredictorError):
    """A predictor was asked for something it cannot do."""


@dataclass(frozen=True)
class Settings:
    """What the user chose: which instances, and how a language model is asked and read."""

    tasks: tuple[str, ...] | None = None
    shots: int = 0
    limit: int | None = None
    split: str = "test"
    batch_size: int = 64
    decode: str = "greedy"
    seed: int = 0

    def as_dict(self, *names: str) -> dict[str, Any]:
        """The named choices."""
        return {name: value for name, value in asdict(self).items() if name in names}


class Predictor(ABC):
    """Base: a subclass says what it is and answers one task at a time.

    says: what it predicts with; covers: which tasks it answers; heeds: the settings, beyond the choice of instances,
    that change its answers.
    """

    name: str
    kind: str
    says: str
    covers: str
    heeds: tuple[str, ...] = ()
    advance: Callable[[float], None] = staticmethod(lambda answers: None)  # called as questions are answered

    @abstractmethod
    def applies(self, bench: Bench, task: str) -> bool:
        """Whether it can answer a task of this bench."""

    @abstractmethod
    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        """Answers: instance_id, values (list of numbers, null: unread) and, if there are any, raw and scores."""

    def prepare(self) -> None:
        """Load what answering needs, before the first task; here nothing."""
        return

    def about(self) -> dict[str, Any]:
        """What a reader of the run should know of the predictor."""
        return {"says": self.says}

    def refusal(self, bench: Bench) -> PredictorError:
        """What to say when none of the bench's tasks is one of its own."""
        return WrongSettings(f"{self.name} applies to no task of {bench.root}", f"it answers {self.covers}")


def questions(bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
    """The instances to answer, in the bench's order."""
    frame = bench.public(task, settings.split)
    return frame if settings.limit is None else frame.head(settings.limit)
