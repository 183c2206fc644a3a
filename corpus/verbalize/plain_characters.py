"""Digits and Latin letters of other scripts and styles ("１００", "𝟏𝟎𝟎𝐊", "①⓪⓪", "١٠٠") as plain ones."""

from __future__ import annotations

import unicodedata
from functools import cache

INVISIBLE = (
    "\u00ad\u200b\u200e\u200f\u2060\ufeff\ufdd0\ufdd1"  # may stand between digits; the last two are no characters
)
KEYCAPS = ("\ufe0f\u20e3", "\u20e3")
LAST = 0x1FFFF  # no styled digit or letter is beyond


@cache
def plain_characters() -> dict[str, str]:
    """What each styled character is in plain ones; what may stand invisible between digits is nothing."""
    styled = {character: plain_form(character) for character in map(chr, range(0x80, LAST + 1))}
    return {
        **dict.fromkeys((*KEYCAPS, *INVISIBLE), ""),
        "\u1680": " ",
        **{c: plain for c, plain in styled.items() if plain},
    }


@cache
def styled_pattern() -> str:
    """A pattern for any styled character."""
    codes = sorted(ord(character) for character in plain_characters() if len(character) == 1)
    known = set(codes)
    starts = [code for code in codes if code - 1 not in known]
    ends = [code for code in codes if code + 1 not in known]
    return f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in zip(starts, ends, strict=True))}]"


def plain_form(character: str) -> str:
    """The digit or Latin letter that a character is a style of; empty where it is none."""
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    normal = unicodedata.normalize("NFKC", character)
    one_letter = len(normal) == 1 and normal.isascii() and normal.isalpha()
    return normal if one_letter and character not in "ªº" else ""
