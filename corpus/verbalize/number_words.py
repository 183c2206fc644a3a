"""Numbers as words in templates, and back.

Counts and percentages keep three significant digits ("346 thousand", "2.13 million", "0.412 %"), so that a right answer
in words is right when it is scored; replay values are integers from 0 to 100. The paper rounds further ("2.1 million",
one decimal of a percent), which is kept for its own form of a prompt.
"""

from __future__ import annotations

import re

import polars as pl

UNITS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
NUMBER = re.compile(r"(-?\d[\d,]*(?:\.\d+)?)\s*(thousand|million|billion|trillion|[kmb]\b)?", re.IGNORECASE)
SHORT = {"k": 1e3, "m": 1e6, "b": 1e9}


def count_words(count: pl.Expr) -> pl.Expr:
    """A count rounded with its unit in words: within 5 % of the count, exact below a thousand."""
    scaled, unit_name = _scaled(count.cast(pl.Float64))
    small = (unit_name != "") & (scaled < 9.95)
    return pl.when(small).then(scaled.round(1).cast(pl.String)).otherwise(as_integer(scaled)) + unit_name


def count_in_three_digits(count: pl.Expr) -> pl.Expr:
    """A count with three significant digits and its unit in words: within 0.5 %, exact below a thousand."""
    scaled, unit_name = _scaled(count.cast(pl.Float64))
    small = (unit_name != "") & (scaled < 99.95)
    return pl.when(small).then(scaled.round_sig_figs(3).cast(pl.String)).otherwise(as_integer(scaled)) + unit_name


def _scaled(count: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """A count in its unit, and the unit's name after a space; empty below a thousand."""
    share, unit_name = pl.lit(1.0), pl.lit("")  # a product, as a column divided by a number is computed
    for name, size in UNITS.items():
        reached = count >= size * 0.9995
        share = pl.when(reached).then(1 / size).otherwise(share)
        unit_name = pl.when(reached).then(pl.lit(f" {name}")).otherwise(unit_name)
    return count * share, unit_name


def percent(value: pl.Expr) -> pl.Expr:
    """A percentage with one decimal."""
    return value.cast(pl.Float64).round(1).cast(pl.String)


def percent_in_three_digits(fraction: pl.Expr) -> pl.Expr:
    """A fraction as a percentage with three significant digits, of which none is beyond the fourth decimal."""
    return (fraction.cast(pl.Float64) * 100).round_sig_figs(3).round(4).cast(pl.String)


def as_integer(value: pl.Expr) -> pl.Expr:
    """A value as an integer."""
    return value.cast(pl.Float64).round(0).cast(pl.Int64).cast(pl.String)


def read_number(text: str) -> float | None:
    """The first number in a text, with its unit: "about 2.1 million views" is 2,100,000; None without a number."""
    match = NUMBER.search(text)
    if match is None:
        return None
    unit = (match[2] or "").lower()
    return float(match[1].replace(",", "")) * (UNITS.get(unit) or SHORT.get(unit) or 1.0)
