"""What models learn of a training frame, and the validation frame that settings are chosen on."""

from __future__ import annotations

from typing import Any

import polars as pl

from benchmark.bench import Bench

LEAST_GROUPS = 10


def validation_frame(bench: Bench, task: str) -> pl.DataFrame:
    """The validation questions of a task; none of them where they are of fewer than 10 groups.

    What is best for a handful of channels says little about others.
    """
    frame = bench.public(task, "validation")
    return frame if frame["group"].n_unique() >= LEAST_GROUPS else frame.clear()


def right_options(frame: pl.DataFrame) -> Any:
    """The text of the right option of each question."""
    return frame["options"].list.get(frame["target"].list.first().cast(pl.Int64)).to_numpy()
