"""Make text from outside (titles, speech, tweets) harmless for templates.

Such a text stands on one line and holds none of the marks that templates use, so it cannot forge a mask, a scene
header, an option number at the start of a line or an answer. Counts of views, likes and followers are masked, since a
title that holds them would give the answer away.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

MASK = "<mask>"
COUNT = "(count)"
LINK = "(link)"
MENTION = "(mention)"

_COUNTED = (
    r"(?:views?|viewers?|likes?|dislikes?|subs|subscribers?|followers?|retweets?|comments?|clicks?|plays|streams"
    r"|aufrufe|abonnenten|vues|abonnés|visualizaciones|visualizações|vistas)"
)
_NUMBER = r"\d[\d.,\u00a0\u202f' ]*"
_UNIT = r"(?:k|m|b|mn|bn|mio\.?|mrd\.?|thousand|million|billion|hundred|lakh|crore|cr)?\+?"
COUNT_PHRASE = rf"(?i)\b{_NUMBER}{_UNIT}\s*{_COUNTED}\b"
_WITH_UNIT = r"\d+(?:[.,]\d+)?\s?(?:k|m|mn|mio|million|billion|lakh|crore)"
LARGE_NUMBER = rf"(?i)\b(?:\d{{1,3}}(?:[.,\u00a0\u202f' ]\d{{3}})+|\d{{5,}}|{_WITH_UNIT})\b\+?"
# They match the same where no other digits stand in a text, and begin with bytes that are searched for by the vector.
FAST_COUNT_PHRASE, FAST_LARGE_NUMBER = (pattern.replace(r"\d", "[0-9]") for pattern in (COUNT_PHRASE, LARGE_NUMBER))
OTHER_DIGIT = r"[\d&&[^0-9]]"
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


def mask_counts(text: pl.Expr) -> pl.Expr:
    """The text without counts of views, likes, followers and without numbers of five digits and more."""

    def masked(texts: pl.Series) -> pl.Series:
        not_ascii = pl.when(TEXT.str.len_bytes() > TEXT.str.len_chars()).then(TEXT)
        other_digits = not_ascii.str.contains(OTHER_DIGIT).fill_null(False)
        any_count = TEXT.str.contains(f"{FAST_COUNT_PHRASE}|{FAST_LARGE_NUMBER}")
        texts = change_where(texts, any_count & ~other_digits, _masked_by(FAST_COUNT_PHRASE, FAST_LARGE_NUMBER))
        return change_where(texts, other_digits, _masked_by(COUNT_PHRASE, LARGE_NUMBER))

    return text.map_batches(masked, return_dtype=pl.String, is_elementwise=True)


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


def _masked_by(*patterns: str) -> Callable[[pl.Expr], pl.Expr]:
    def masked(text: pl.Expr) -> pl.Expr:
        for pattern in patterns:
            text = text.str.replace_all(pattern, COUNT)
        return text

    return masked


def gist(text: pl.Expr, words: int = 4) -> pl.Expr:
    """The first words of a text, letters and digits only: how an answer restates what it speaks of."""
    return text.str.extract_all(r"[\p{L}\p{N}'’-]+").list.head(words).list.join(" ")
