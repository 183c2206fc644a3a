"""Make text from outside (titles, speech, tweets) harmless for templates.

Such a text stands on one line and holds none of the marks that templates use, so it cannot forge a mask, a scene
header, an option number at the start of a line or an answer.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

MASK = "<mask>"
LINK = "(link)"
MENTION = "(mention)"

ADDRESS = r"(?i)\b(?:https?://|www\.|pic\.twitter\.com/)\S+"
AT_NAME = r"\B[@＠]\w+"
AT_NAME_AFTER_AT = r"(^|[^\w@])[@＠]\w+"
BLANK = r"[\p{C}\p{Z}\s]"
BLANKS = rf"[{BLANK}&&[^ ]]{BLANK}*| {BLANK}+"  # whatever is not a single space already
UNSAFE = rf"[{BLANK}&&[^ ]]|[<>=]|  |^ | $"  # what `sanitize` changes, but for length
TEXT = pl.col("text")


def sanitize(text: pl.Expr, keep_characters: int | None = None) -> pl.Expr:
    """One line without the templates' marks; at most `keep_characters` long; empty becomes null."""

    def sanitized(texts: pl.Series) -> pl.Series:
        texts = change_where(texts, TEXT.str.contains(UNSAFE), _harmless)
        if keep_characters is not None:
            texts = change_where(texts, TEXT.str.len_bytes() > keep_characters, _cut_at(keep_characters))
        return texts.alias("text").to_frame().select(pl.when(TEXT != "").then(TEXT)).to_series()

    return text.map_batches(sanitized, return_dtype=pl.String, is_elementwise=True)


def mask_links(text: pl.Expr) -> pl.Expr:
    """The text with links and @mentions replaced by placeholders."""

    def masked(texts: pl.Series) -> pl.Series:
        twice = TEXT.str.contains("[@＠][@＠]")
        texts = change_where(texts, TEXT.str.contains("[/.]"), lambda text: text.str.replace_all(ADDRESS, LINK))
        texts = change_where(texts, twice, lambda text: text.str.replace_all(AT_NAME_AFTER_AT, "${1}" + MENTION))
        once = TEXT.str.contains("[@＠]") & ~twice
        return change_where(texts, once, lambda text: text.str.replace_all(AT_NAME, MENTION))

    return text.map_batches(masked, return_dtype=pl.String, is_elementwise=True)


def change_where(texts: pl.Series, needed: pl.Expr, change: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    """The texts, with `change` run on those alone that need it (`needed` speaks of the column TEXT).

    A regular expression that replaces costs many times one that only looks, and most texts need no change.
    """
    changed = change(pl.when(needed).then(TEXT))  # nulls are passed over
    return texts.alias("text").to_frame().select(pl.coalesce(changed, TEXT)).to_series()


def _harmless(text: pl.Expr) -> pl.Expr:
    text = text.str.replace_all(BLANKS, " ")
    for mark, lookalike in (("<", "‹"), (">", "›"), ("=", "꞊")):
        text = text.str.replace_all(mark, lookalike, literal=True)
    return text.str.strip_chars()


def _cut_at(characters: int) -> Callable[[pl.Expr], pl.Expr]:
    return lambda text: text.str.slice(0, characters).str.strip_chars_end()


def gist(text: pl.Expr, words: int = 4) -> pl.Expr:
    """The first words of a text, letters and digits only: how an answer restates what it speaks of."""
    return text.str.extract_all(r"[\p{L}\p{N}'’-]+").list.head(words).list.join(" ")
