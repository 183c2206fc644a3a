"""The numbers of a message beside its text: what prompts show, models may compute with, and a reference reads alone."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmark.metrics import Array

DAY = 3  # column of message_numbers
SHOWN_BEHAVIOR = ("views", "like_view_pct")
"""Columns that a task has where its prompts show them; a task that asks for one has none."""


def message_numbers(frame: pl.DataFrame) -> Array:
    """Numbers of each message, [messages, 12], all of which its prompt shows; nan: unknown.

    Duration, audience, age, publication time, numbers of tags and characters, and views and likes per view where shown.
    """
    shown = [pl.col(name).cast(pl.Float64).clip(0).log1p() for name in SHOWN_BEHAVIOR if name in frame.columns]
    numbers = frame.select(
        pl.col("duration_s").cast(pl.Float64),
        pl.col("audience").cast(pl.Float64).clip(0).log1p(),
        pl.col("age_days").cast(pl.Float64),
        pl.col("published_at").dt.epoch("d").cast(pl.Float64).alias("day"),
        pl.col("published_at").dt.month().cast(pl.Float64).alias("month"),
        pl.col("published_at").dt.weekday().cast(pl.Float64).alias("weekday"),
        pl.col("published_at").dt.hour().cast(pl.Float64).alias("hour"),
        pl.col("tag_count").cast(pl.Float64),
        pl.col("title").fill_null("").str.len_chars().cast(pl.Float64).alias("title_chars"),
        pl.col("text").fill_null("").str.len_chars().cast(pl.Float64).alias("text_chars"),
        *shown,
    )
    return numbers.to_numpy().astype(np.float64)
