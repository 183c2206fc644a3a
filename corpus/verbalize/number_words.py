"""Numbers as words in templates, and back.

Counts are written rounded ("346 thousand", "2.1 million"), ratios in percent with one decimal, replay values as
integers 0 to 100.
"""

from __future__ import annotations

import re

import polars as pl

UNITS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
NUMBER = re.compile(r"(-?\d[\d,]*(?:\.\d+)?)\s*(thousand|million|billion|trillion|[kmb]\b)?", re.IGNORECASE)
SHORT = {"k": 1e3, "m": 1e6, "b": 1e9}


def _rounded(value: pl.Expr) -> pl.Expr:
    """Two digits below ten, none after the point above."""
    small = value.round(1)
    whole = value.round(0)
    return pl.when(value < 9.95).then(small.cast(pl.String)).otherwise(whole.cast(pl.Int64).cast(pl.String))


def count_words(count: pl.Expr) -> pl.Expr:
    """A count rounded with its unit in words: within 5 % of the count, exact below a thousand."""
    count = count.cast(pl.Float64)
    words = count.round(0).cast(pl.Int64).cast(pl.String)
    for name, unit in UNITS.items():
        words = pl.when(count >= unit * 0.9995).then(_rounded(count / unit) + f" {name}").otherwise(words)
    return words


def percent(value: pl.Expr) -> pl.Expr:
    """A percentage with one decimal."""
    return value.cast(pl.Float64).round(1).cast(pl.String)


def whole(value: pl.Expr) -> pl.Expr:
    """A value as an integer."""
    return value.cast(pl.Float64).round(0).cast(pl.Int64).cast(pl.String)


def read_number(text: str) -> float | None:
    """The first number in a text, with its unit: "about 2.1 million views" is 2,100,000; None without a number."""
    match = NUMBER.search(text)
    if match is None:
        return None
    unit = (match[2] or "").lower()
    return float(match[1].replace(",", "")) * (UNITS.get(unit) or SHORT.get(unit) or 1.0)
