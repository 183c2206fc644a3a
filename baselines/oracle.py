"""The oracle: the best possible answers, known where the law of behavior is known. Nothing may beat it."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from baselines.base import Predictor, PredictorError, Settings, WrongSettings, questions
from benchmark.bench import Bench
from corpus.files.parquet_frames import read_frame


class NoOracle(PredictorError):
    """The bench is not of the simulated world, or its private part is missing."""


def stored(bench: Bench, task: str) -> Path:
    """Where the bench keeps the best possible answers: instance_id, values, scores."""
    return bench.root / "private" / task / "oracle.parquet"


class Oracle(Predictor):
    """Reads the answers that the simulated world wrote down when it was made."""

    name = "oracle"
    kind = "oracle"
    description = "expected behavior under the simulated world's own law: the best possible score"
    answers = "every task of a simulated bench"

    def applies(self, bench: Bench, task: str) -> bool:
        return stored(bench, task).is_file()

    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        """The stored answers of the test questions. Raises WrongSettings, NoOracle."""
        if settings.split != "test":
            raise WrongSettings(f"the oracle has no answers for the {settings.split} split", "leave --split out")
        if not self.applies(bench, task):
            raise self.refusal(bench)
        asked = questions(bench, task, settings).select("instance_id")
        return asked.join(read_frame(stored(bench, task)), "instance_id", "left", maintain_order="left")

    def refusal(self, bench: Bench) -> PredictorError:
        return NoOracle(
            f"only the simulated world has an oracle, and {bench.root} holds none",
            "build the bench from a corpus of `cbc corpus simulate`",
        )
