"""Prompts that show a count which they should hide."""

from __future__ import annotations

import polars as pl


def find_revealing(frame: pl.DataFrame, hidden_counts: tuple[str, ...]) -> pl.Series:
    """Mark the prompts that contain an exact count that they should hide, in any usual notation."""
    revealing = pl.repeat(False, pl.len())
    for name in (name for name in hidden_counts if name in frame.columns):
        digits = pl.col(name).cast(pl.Int64).cast(pl.String)
        grouped = digits.str.reverse().str.replace_all(r"(\d{3})", "${1},").str.reverse().str.strip_chars(",")
        for form in (digits, grouped, grouped.str.replace_all(",", "."), grouped.str.replace_all(",", " ")):
            revealing = revealing | ((pl.col(name) >= 1000) & pl.col("prompt").str.contains(form, literal=True))
    return frame.select(revealing=revealing.fill_null(False))["revealing"]
