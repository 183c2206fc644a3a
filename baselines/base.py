"""Base class of predictors, their settings, and the errors they raise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from benchmark.bench import Bench
from benchmark.run import kind_from_elsewhere
from corpus.errors import CbcError


class PredictorError(CbcError):
    """A predictor cannot answer this bench."""


class WrongSettings(PredictorError):
    """A setting that the predictor does not support."""


DECODINGS = ("greedy", "distribution")


@dataclass(frozen=True)
class Settings:
    """The user's choices: which instances to predict, and how a language model is prompted and decoded."""

    tasks: tuple[str, ...] | None = None
    shots: int = 0
    limit: int | None = None
    split: str = "test"
    batch_size: int = 64
    decode: str | None = None
    """How numbers are answered, of DECODINGS; None: as the model does by default."""
    seed: int = 0
    panel: bool | None = None
    """Whether to answer the panel alone; None: as the predictor does by default."""
    seen: Path | None = None
    """What models that see are shown: a store of frames or features (corpus/seen_store.py)."""

    def as_dict(self, *names: str) -> dict[str, Any]:
        """Values of the settings with these names."""
        return {name: value for name, value in asdict(self).items() if name in names}


class Predictor(ABC):
    """Base class: a subclass describes itself and answers a task at a time.

    kind: what makes its answers (benchmark/run.py lists the kinds of runs); description: what it predicts with;
    answers: which tasks it answers, in words; uses_settings: names of the settings, other than the choice of instances,
    that change its predictions.
    """

    name: str
    kind: str
    description: str
    answers: str
    uses_settings: tuple[str, ...] = ()
    answers_panel: bool = False
    """Whether it is expensive, so that it answers the panel alone unless asked for more."""
    advance: Callable[[float], None] = staticmethod(lambda answers: None)  # called with the number of answers just made

    @property
    def run_kind(self) -> str:
        """The kind that its runs have: `submitted` where another package's predictor is of a kind of its own."""
        ours = type(self).__module__.partition(".")[0] == __name__.partition(".")[0]
        return self.kind if ours else kind_from_elsewhere(self.kind)

    def look_at(self, root: Path) -> None:
        """Be shown a store of what messages show (corpus/seen_store.py). Raises WrongSettings, NothingSeen."""
        raise WrongSettings(f"{self.name} does not see", "leave --seen out")

    @abstractmethod
    def applies(self, bench: Bench, task: str) -> bool:
        """Whether this predictor can answer a task of the bench."""

    @abstractmethod
    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        """Predict a task: columns instance_id, values (list of numbers, null: unparsed), optionally raw and scores."""

    def defaults(self, settings: Settings) -> Settings:
        """The settings with the predictor's own choice where the user made none."""
        return settings if settings.panel is not None else replace(settings, panel=self.answers_panel)

    def prepare(self) -> None:
        """Load what predicting needs, before the first task; nothing by default."""
        return

    def about(self) -> dict[str, Any]:
        """Facts about the predictor for the run's manifest."""
        return {"says": self.description}

    def refusal(self, bench: Bench) -> PredictorError:
        """The error for a bench that has no task for this predictor."""
        return WrongSettings(f"{self.name} applies to no task of {bench.root}", f"it answers {self.answers}")


def questions(bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
    """Questions to predict, in the bench's order: all or the panel, at most `settings.limit`."""
    frame = (bench.panel if settings.panel else bench.public)(task, settings.split)
    return frame if settings.limit is None else frame.head(settings.limit)
