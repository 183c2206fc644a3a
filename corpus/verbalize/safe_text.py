"""Text from outside (titles, speech, tweets) made harmless for templates.

Outside text stands on one line and holds none of the templates' own marks, so it cannot forge a mask, a scene header,
an option number at the start of a line or an answer; counts that say how a message did are taken out, so that a title
cannot tell what is asked.
"""

from __future__ import annotations

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


def outside(text: pl.Expr, keep_characters: int | None = None) -> pl.Expr:
    """One line without the templates' marks; at most `keep_characters` long; empty becomes null."""
    clean = (
        text.str.replace_all(r"[\p{C}\p{Z}\s]+", " ")
        .str.replace_all("<", "‹", literal=True)
        .str.replace_all(">", "›", literal=True)
        .str.replace_all("=", "꞊", literal=True)
        .str.strip_chars()
    )
    if keep_characters is not None:
        clean = clean.str.slice(0, keep_characters).str.strip_chars_end()
    return pl.when(clean != "").then(clean)


def uncounted(text: pl.Expr) -> pl.Expr:
    """The text without counts of views, likes, followers and without numbers of five digits and more."""
    return text.str.replace_all(COUNT_PHRASE, COUNT).str.replace_all(LARGE_NUMBER, COUNT)


def unlinked(text: pl.Expr) -> pl.Expr:
    """The text with links and @mentions replaced by placeholders."""
    return text.str.replace_all(r"(?i)\b(?:https?://|www\.|pic\.twitter\.com/)\S+", LINK).str.replace_all(
        r"(^|[^\w@])[@＠]\w+", "${1}" + MENTION
    )


def gist(text: pl.Expr, words: int = 4) -> pl.Expr:
    """The first words of a text, letters and digits only: how an answer restates what it speaks of."""
    return text.str.extract_all(r"[\p{L}\p{N}'’-]+").list.head(words).list.join(" ")
