"""When a message was published and how old it was when its behavior was measured, as fields of templates."""

from __future__ import annotations

import polars as pl

from corpus.verbalize.number_words import as_integer

HOURS_BELOW_DAYS = 3
"""Younger messages change by the hour, so that their age is told in hours."""


def published() -> pl.Expr:
    """Day, hour (UTC) and weekday: 2023-05-06 14h Sat."""
    return pl.col("published_at").dt.strftime("%Y-%m-%d %Hh %a")


def age() -> pl.Expr:
    """Age in hours or days, from the column age_days."""
    known = pl.when(pl.col("age_days") >= 0).then(pl.col("age_days"))  # clocks differ
    hours, days = (as_integer((known * scale).floor()) for scale in (24, 1))
    return pl.when(known < HOURS_BELOW_DAYS).then(hours + " hours").otherwise(days + " days")
