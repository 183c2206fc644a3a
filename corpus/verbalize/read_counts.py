"""Read the numbers that a text writes with magnitudes or in words: "1.2M", "half a million", "5천만", "10 लाख"."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import cache

from corpus.verbalize import count_words as words
from corpus.verbalize.count_patterns import numerals_of

CHARACTER = f"[{''.join(words.CHARACTER_NUMERALS)}{''.join(words.CHARACTER_TENS)}千천万萬億亿만억]"
LETTER = "(?:[^\\W\\d_\u2e80-\uffff]|[\u0300-\u036f\u0590-\u06ff\u0900-\u0dff\u0e00-\u0e7f])"
TOKEN = re.compile(rf"(?P<gap>[\s-]*)(?:(?P<number>\d(?:[\d.,'’]*\d)?)|(?P<word>{CHARACTER}|{LETTER}+)|(?P<other>\S))")
GROUPED = re.compile(r"\d{1,3}(?:([.,'’])\d{3})(?:\1\d{3})+")


def read_counts(text: str) -> set[int]:
    """Every whole number that the text writes with a magnitude.

    >>> read_counts("1.2M views, half a million likes and 300 comments") == {1_200_000, 500_000}
    True
    """
    reader = _Reader()
    for token in TOKEN.finditer(unicodedata.normalize("NFKC", text).lower()):
        reader.take(token)
    reader.end()
    return reader.counts


@cache
def word_values() -> tuple[dict[str, int], dict[str, Decimal]]:
    """Magnitudes and numerals of all languages; a word that is several in several languages is its first."""
    magnitudes: dict[str, int] = dict(words.LETTERS)
    for size, lines in words.MAGNITUDES.items():
        for word in (word for line in lines.values() for word in line.split()):
            magnitudes.setdefault(unicodedata.normalize("NFKC", word), size)
    magnitudes |= dict(words.CHARACTER_TENS) | {"千": 1000, "천": 1000}
    numerals = {word: Decimal(value) for word, value in words.CHARACTER_NUMERALS.items()}
    for line in words.NUMERALS.values():
        for word, value in numerals_of(line).items():
            numerals.setdefault(unicodedata.normalize("NFKC", word), Decimal(str(value)))
    return magnitudes, numerals


class _Reader:
    """The number that is being read: finished parts (`total`), and the part that grows (`part`)."""

    def __init__(self) -> None:
        self.counts: set[int] = set()
        self.magnitudes, self.numerals = word_values()
        self._clear()

    def _clear(self) -> None:
        self.total, self.scaled, self.after_large = Decimal(0), False, False
        self.part: Decimal | None = None

    def take(self, token: re.Match[str]) -> None:
        """Read on."""
        number, word = token["number"], token["word"]
        if number:
            if not self.after_large:
                self.end()
            self._add(_number(number))
        elif word in self.magnitudes and (self.part is not None or word not in words.LETTERS):
            self._multiply(self.magnitudes[word])
        elif word in self.numerals:
            self._add(self.numerals[word])
        elif word != "and":
            self.end()

    def end(self) -> None:
        """Keep the number, if it has a magnitude and is whole."""
        value = self.total + (self.part or 0)
        if self.scaled and value == value.to_integral_value():
            self.counts.add(int(value))
        self._clear()

    def _add(self, value: Decimal) -> None:
        if self.after_large:
            self.total, self.part = self.total + (self.part or 0), None
        self.part, self.after_large = (self.part or Decimal(0)) + value, False

    def _multiply(self, size: int) -> None:
        self.part = (self.part or Decimal(1)) * size
        self.scaled, self.after_large = True, size >= 1000


def _number(digits: str) -> Decimal:
    """A number before a magnitude: a single mark is a decimal one."""
    if len(re.findall(r"\D", digits)) > 1 or GROUPED.fullmatch(digits):
        return Decimal(re.sub(r"\D", "", digits))
    return Decimal(re.sub(r"\D", ".", digits))
