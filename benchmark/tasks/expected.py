"""Best possible answers in the simulated world: expectations under its law of behavior.

No predictor beats them beyond noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Expected:
    """A list of values for each question and, for choices, the probability of each option."""

    values: list[list[float]]
    scores: list[list[float]] | None = None

    def frame(self, instances: pl.Series) -> pl.DataFrame:
        """Make a frame with the columns instance_id, values and scores."""
        lists = pl.List(pl.Float64)
        scores = self.scores if self.scores is not None else [None] * len(instances)
        return pl.DataFrame([instances, pl.Series("values", self.values, lists), pl.Series("scores", scores, lists)])


def law_of(column: str, frame: pl.DataFrame, law: pl.DataFrame) -> pl.Series:
    """A column of the law for each message of a frame."""
    return frame.select("message_id").join(law, on="message_id", how="left", maintain_order="left")[column]


def log_normal_means(log_means: pl.Series, variance: float) -> list[list[float]]:
    """Means of log-normal variables, one for each question."""
    return [[float(np.exp(value + variance / 2))] for value in log_means]
