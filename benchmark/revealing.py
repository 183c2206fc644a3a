"""Prompts that show a count which they should hide."""

from __future__ import annotations

import polars as pl

from corpus.verbalize.plain_characters import plain_characters, styled_pattern
from corpus.verbalize.read_counts import read_counts

LEAST = 1000  # smaller counts stand in a prompt by chance
MARKS = r"[.'’_٬،， \u{a0}\u{2009}\u{202f}]"  # besides the comma: what stands between groups of digits


def find_revealing(frame: pl.DataFrame, hidden_counts: tuple[str, ...]) -> pl.Series:
    """Mark the prompts that contain an exact count that they should hide: in digits of any script, grouped in any usual
    way, with a magnitude ("1.2M", "12 lakh") or in words.
    """
    names = [name for name in hidden_counts if name in frame.columns]
    if not names:
        return pl.repeat(False, frame.height, eager=True).alias("revealing")
    counts = [pl.col(name).cast(pl.Int64).alias(f"_{name}") for name in names]
    frame = frame.select(*counts, prompt=_in_plain_digits(pl.col("prompt")))
    in_digits = [_in_digits(f"_{name}") | _in_words(f"_{name}") for name in names]
    return frame.select(revealing=pl.any_horizontal(in_digits).fill_null(False))["revealing"]


def _in_plain_digits(prompt: pl.Expr) -> pl.Expr:
    styled = pl.when(prompt.str.contains(styled_pattern())).then(prompt)
    return pl.coalesce(styled.str.replace_many(plain_characters()), prompt)


def _in_digits(name: str) -> pl.Expr:
    digits = pl.col(name).cast(pl.String)
    thousands = _grouped(digits, r"(\d{3})")
    indian = _grouped(digits.str.head(-3), r"(\d{2})") + "," + digits.str.tail(3)
    prompt = pl.col("prompt").str.replace_all(MARKS, ",")
    shown = pl.any_horizontal(prompt.str.contains(form, literal=True) for form in (digits, thousands, indian))
    return (pl.col(name) >= LEAST) & shown


def _grouped(digits: pl.Expr, group: str) -> pl.Expr:
    return digits.str.reverse().str.replace_all(group, "${1},").str.reverse().str.strip_chars(",")


def _in_words(name: str) -> pl.Expr:
    """Whether a round count is read in the prompt; others have no such form that is exact."""
    is_round = (pl.col(name) >= LEAST) & (pl.col(name) % 100 == 0)
    asked = pl.when(is_round).then(pl.struct(count=name, prompt="prompt"))
    return asked.map_elements(_is_read, return_dtype=pl.Boolean).fill_null(False)


def _is_read(asked: dict[str, int | str]) -> bool:
    return asked["count"] in read_counts(str(asked["prompt"]))
