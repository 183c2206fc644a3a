"""The oracle: the best possible answers under the simulated world's law of behavior. Nothing may beat it."""

from __future__ import annotations

import polars as pl

from baselines.base import Predictor, PredictorError, Settings, WrongSettings, questions
from benchmark.bench import Bench
from benchmark.reference_rows import oracle_path
from corpus.files.parquet_frames import read_frame


class NoOracle(PredictorError):
    """The bench is not of the simulated world, or its private part is missing."""


class Oracle(Predictor):
    """Reads the best answers that `cbc benchmark build` stores for a simulated world: those for the headline metric.

    The tables read the bench's own, which are the best for each metric.
    """

    name = "oracle"
    kind = "oracle"
    description = "expected behavior under the simulated world's own law: the best possible score"
    answers = "every task of a simulated bench"

    def applies(self, bench: Bench, task: str) -> bool:
        return oracle_path(bench, task).is_file()

    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        """Read the stored answers of the test questions. Raises WrongSettings, NoOracle."""
        if settings.split != "test":
            raise WrongSettings(f"the oracle has no answers for the {settings.split} split", "leave --split out")
        if not self.applies(bench, task):
            raise self.refusal(bench)
        instances = questions(bench, task, settings).select("instance_id")
        return instances.join(read_frame(oracle_path(bench, task)), "instance_id", "left", maintain_order="left")

    def refusal(self, bench: Bench) -> PredictorError:
        return NoOracle(
            f"only the simulated world has an oracle, and {bench.root} holds none",
            "build the bench from a corpus of `cbc corpus simulate`",
        )
