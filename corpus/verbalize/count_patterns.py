r"""Regular expressions (in Rust's syntax) for counts in text, and for other numbers that look like counts.

A search is fast where a pattern begins with few literals (a digit), has no groups, and bounds words in ASCII alone:
`\b` for every script makes it a hundred times slower. So there are patterns for ASCII, and others for texts whose words
stand between the sign `GAP`; and for each costly pattern one that says where it may match.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from corpus.verbalize import count_words as words

ENDS = r"(?-u:\b)"  # the bound of ASCII letters and digits: "100K" ends before "人"
GAP = "\u1680"  # a blank that hardly any text has
UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # scripts whose words end anywhere
SPACED_WORD = rf"[[\p{{L}}\p{{M}}]&&[^{UNSPACED}]][[\p{{L}}\p{{M}}0-9]&&[^{UNSPACED}]]*"
BEYOND_ASCII = (
    r"[[^\x00-\x7f\x{fe0f}]&&[\p{L}\p{M}\p{N}\p{Sc}\p{Zs}]]|[\x{ad}\x{200b}\x{200e}\x{200f}\x{2060}\x{feff}]"
    r"|[\x{fdd0}\x{fdd1}]|[0-9][’–]|[°％]"
)
"""Found in a text to which the patterns for ASCII do not suffice; emojis and quotation marks are nothing to them."""
NEVER = "[a&&b]"
ANY_ENDING = "[\u0400-\u04ff\u0900-\u0dff]{0,4}"
CHARACTERS = "千천万萬億亿만억"
DATE = "(?:(?:19|20)[0-9]{2}|1[5-9]|2[0-9])(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"  # 20260523, 260523
LAUGHTER = "5{4,}"  # in Thai
SPORTS = "sprint|dash|race|run|marathon|walk|final|relay|hurdles|freestyle|swim|deep|tall|high|long|wide|away|below"
NOT_A_RESOLUTION = r"(?:[0-9]+[0-9]|[135679]|[0-9]+[.,][0-9]{1,2})"  # of thousands, as 2K, 4K and 8K are


class CountPatterns:
    """Patterns for texts in ASCII, without words and signs that they cannot hold, or for texts with `GAP` around words.

    The patterns called `maybe_...` are for texts without `GAP`, and find at least what the others find.
    """

    def __init__(self, ascii_only: bool) -> None:
        self.ascii_only = ascii_only
        self.start, self.end = (r"\b", ENDS) if ascii_only else (GAP, GAP)
        self.blank = r"\s?" if ascii_only else r"\s{0,3}"
        self.joint = r"(?:\s{0,2}|-)" if ascii_only else rf"(?:\s{{0,4}}|-{GAP}?)"  # "2026 - views" are two things
        self.attached = self.for_any("(?:[وبل]|ال)?")  # Arabic words before another, written as one with it
        self._set_numbers()
        self._set_quantities()
        self._set_context()
        flags = "(?i-u)" if ascii_only else "(?i)"
        kept = (self._kept_before_words(), self._kept_after_words())
        self.in_digits, self.beside_words = flags + self._in_digits(), flags + self._beside_words()
        self.in_words = flags + self._in_words()
        scaled = f"(?:{self.scaled}|{self.lettered}){self.filler}{self.beside}"
        self.large_of_counted = f"{flags}{scaled}|{self.large}{self.filler}{self.counted}"
        self.kept_in_digits, self.kept_in_words = flags + "|".join(kept), flags + self._kept_in_words()
        self.maybe_in_digits = flags + self._maybe_in_digits().replace(GAP, "")
        self.maybe_other = flags + "|".join((*kept, self._maybe_beside_words())).replace(GAP, "")
        self.maybe_in_words = "|".join(words.TRACES) if ascii_only else flags + self._maybe_in_words()

    # Words.

    def any_of(self, vocabulary: Iterable[str]) -> str:
        """Any of the words, the longest first; nothing where none can stand in the text."""
        return "|".join(map(self.escaped, sorted(self.usable(vocabulary), key=lambda w: (-len(w), w)))) or NEVER

    def usable(self, vocabulary: Iterable[str]) -> set[str]:
        """The words that can stand in the text."""
        return {word for word in vocabulary if word.isascii() or not self.ascii_only}

    def escaped(self, word: str) -> str:
        """A word of the tables as a pattern."""
        stem = "".join(
            character if character.isalnum() or is_mark(character) else self.sign(character)
            for character in word.rstrip("*")
        )
        return stem + (ANY_ENDING if word.endswith("*") else "")

    def sign(self, character: str) -> str:
        """A character of a word that is no letter, as a pattern."""
        return rf"{self.blank}_?{self.blank}" if character == "_" else self.blank.join(("", re.escape(character), ""))

    def ending(self, vocabulary: Iterable[str]) -> str:
        """Any of the words, whole at their ends where their script has blanks between words."""
        usable = self.usable(vocabulary)
        spaced = {word for word in usable if ends_with_letter(word)}
        parts = ((spaced, self.end), (usable - spaced, ""))
        return f"(?:{'|'.join(f'(?:{self.any_of(group)}){end}' for group, end in parts if group) or NEVER})"

    def whole(self, vocabulary: Iterable[str]) -> str:
        """Any of the words, whole at both ends."""
        usable = self.usable(vocabulary)
        spaced = {word for word in usable if ends_with_letter(word)}
        return f"(?:{self.start}{self.ending(spaced)}|{self.ending(usable - spaced)})"

    def for_any(self, pattern: str) -> str:
        """A pattern that only a text beyond ASCII needs."""
        return "" if self.ascii_only else pattern

    # Numbers, and numbers with magnitudes.

    def _set_numbers(self) -> None:
        blank, mark = "[ " + self.for_any("\u00a0\u2009\u202f") + "]", "[.,'" + self.for_any("’٬،，") + "]"
        grouped = rf"[0-9]{{1,3}}(?:{blank}[0-9]{{3}})+{ENDS}|[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+"
        indian = "[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"
        self.digits = f"(?:{indian}|{grouped}|[0-9]+)(?:[.,][0-9]{{1,2}})?{self.for_any('[½¼¾]?')}"
        self.number = f"(?:{ENDS}{self.digits}{self.for_any('|[½¼¾]')})"
        rest = f"[0-9]{{0,2}}(?:(?:{blank}|{mark})[0-9]{{3}})+|[0-9]?(?:,[0-9]{{2}})+,[0-9]{{3}}|[0-9]{{4,10}}"
        self.large = rf"{ENDS}[1-9](?:{rest}){ENDS}"  # more digits are an identifier, not a count

    def _set_quantities(self) -> None:
        spaced = self.ending(word for word in magnitudes_of(None, 1000) if word not in CHARACTERS)
        characters = self.for_any("|[千천]?[万萬億亿만억]")
        single = rf"(?:{self.joint}{spaced}\.?{characters})"
        magnitude = rf"{single}(?:{self.blank}{self.number}?{single}){{0,3}}"
        self.letters = rf"{self.blank}(?:{self.any_of(words.LETTERS)})"
        self.scaling = rf"(?:{magnitude}|{self.letters}{self.end})"
        self.scaled = f"{self.number}{self.scaling}"
        self.lettered = f"{self.number}{self.letters}"
        thousands = rf"{ENDS}{NOT_A_RESOLUTION}\s*(?:k{self.for_any('|к')})"
        millions = rf"{self.number}(?:\s*(?:mn|cr)|(?-i:\s?M|{self.for_any(f'{GAP}?')}m))"  # "5 m" is a length
        self.surely_scaled = f"(?:{self.number}{magnitude}|(?:{thousands}|{millions}){self.end})"
        numerals = f"[{''.join(words.CHARACTER_NUMERALS)}{''.join(words.CHARACTER_TENS)}千천]+[万萬億亿만억]"
        spoken = self._spoken(least=100, least_of_article=100) + self.for_any(f"|{numerals}")
        magnitudes = magnitudes_of(None, 100)
        attached = self.for_any(f"|{self.start}{self.attached}{self.ending(magnitudes)}")
        self.words = f"(?:{spoken}|{self.whole(magnitudes)}{attached})"

    def _spoken(self, least: int, least_of_article: int) -> str:
        """Numerals and a magnitude of the same language; `least_of_article`: where the numerals are but an article."""
        forms = []
        for language, line in words.NUMERALS.items():
            values = numerals_of(line) | ({"hundred": 100.0} if language == "en" else {})
            any_numeral = self.any_of(values)
            after = rf"[\s-]+(?:and[\s-]+)?(?:(?:{any_numeral})[\s-]+(?:and[\s-]+)?)*"
            counting = self.any_of(word for word, value in values.items() if value)
            forms.append(rf"(?:{counting}){after}{self.ending(magnitudes_of(language, least))}")
            forms.append(rf"(?:{any_numeral}){after}{self.ending(magnitudes_of(language, least_of_article))}")
        return rf"{self.start}(?:{'|'.join(form for form in forms if NEVER not in form)})"

    def _set_context(self) -> None:
        self.counted = self.ending(split(*words.COUNTED.values()))
        self.beside = self.ending(split(*words.COUNTED.values(), words.COUNTED_BESIDE_MAGNITUDE))
        apostrophe = self.for_any("’")
        self.filler = rf"\+?{self.joint}(?:{self.ending(split(words.FILLERS))}[\s'{apostrophe}-]*){{0,3}}"
        self.counter = self.for_any(rf"(?:{self.blank}(?:{self.any_of(split(words.COUNTERS))}))?")
        self.signs = "[$]" if self.ascii_only else f"[{words.MONEY_SIGNS}]"
        measures = self.ending(split(*words.MONEY.values(), *words.MEASURES.values()))
        of = rf"(?:(?:de|di|of)\s+|d{self.blank}['{apostrophe}]{self.blank})?"
        self.measured = rf"\+?(?:{self.blank}-)?{self.blank}{of}(?:{self.signs}|{measures})"
        self.milestone_after = rf"\+?{self.blank}{self.ending(split(words.MILESTONES_AFTER))}"
        self.directly = self.for_any(rf"|(?:{self.any_of(split(words.COUNTED_BEFORE))})")
        self.after_colon = rf": +[0-9]{self.for_any('|：[0-9]')}"

    # Counts.

    def _in_digits(self) -> str:
        """A number with what it counts, or one that is large."""
        return "|".join(
            (
                f"{self.number}{self.filler}{self.counted}",
                f"(?:{self.scaled}|{self.lettered}){self.filler}{self.beside}",
                rf"(?:{self.surely_scaled}|{self.large})\+?{self.counter}",
            )
        )

    def _maybe_in_digits(self) -> str:
        """Is found wherever `_in_digits` or `_beside_words` is."""
        context = f"{self.filler}{self.counted}|{self.scaling}|{self.letters}{self.filler}{self.beside}"
        return rf"{self.digits}(?:{context}|{self.milestone_after})|{self.large}|{self.after_colon}{self.directly}"

    def _beside_words(self) -> str:
        """A number that what stands before it (`named`, `milestone`) or behind it (`behind`) makes a count."""
        named = rf"{self.whole(split(*words.COUNTED.values()))}{self.blank}(?::\s+{self.for_any('|：')})"
        between = f"(?:{self.any_of(split(words.BETWEEN))})?"
        named += self.for_any(rf"{self.directly}{self.blank}[:：]?{self.blank}{between}{self.blank}")
        milestone = rf"{self.start}(?:{self.ending(split(words.MILESTONES_BEFORE))}[\s#-]*|road{self.blank}to\s*)"
        number = rf"(?:(?P<named>{named}){self.digits}|(?P<milestone>{milestone}){self.digits}{self.scaling})"
        number = rf"{number}{self.scaling}?\+?{self.counter}"
        return rf"{number}|(?:{self.scaled}|{ENDS}(?:[1-9][0-9]?[,.]?000|500))(?P<behind>{self.milestone_after})"

    def _maybe_beside_words(self) -> str:
        """Is found where `_beside_words` finds what `_in_digits` does not."""
        return rf"[0-9]\s*[kb]n?{ENDS}|[0-9]+00{self.milestone_after}|{self.after_colon}{self.directly}"

    def _in_words(self) -> str:
        """Numerals or a magnitude with what they count, or a large number in words."""
        alone = f"{self.start}{self.attached}{self.ending(split(words.WITHOUT_NUMERAL))}"
        characters = self.for_any("|[一二三四五六七八九两兩][一二三四五六七八九十百千]*[万萬億亿]")
        spoken = f"(?:{self._spoken(least=1000, least_of_article=10**5)}{characters}){self.counter}"
        return rf"{self.words}{self.filler}{self.beside}|{spoken}|{alone}"

    def _maybe_in_words(self) -> str:
        """Is found wherever `_in_words` is."""
        listed = (*magnitudes_of(None, 100), *split(words.WITHOUT_NUMERAL))
        in_ascii = self.any_of(word for word in listed if word.isascii())
        return f"{ENDS}(?:{in_ascii}){ENDS}|{self.any_of(word for word in listed if not word.isascii())}"

    # Other numbers.

    def _kept_before_words(self) -> str:
        """Numbers with a measure or money behind them."""
        sports = rf"[0-9]+[0-9]{{3}}{self.blank}m|[0-9]+{self.blank}[km]\s+(?:{SPORTS})"
        return f"{self.number}{self.scaling}?{self.measured}|{ENDS}(?:{sports}){self.end}"

    def _kept_after_words(self) -> str:
        """Numbers behind a currency or "top", and dates."""
        amount = f"{self.digits}{self.scaling}?"
        currency = rf"{self.start}(?:{self.any_of(split(words.MONEY_BEFORE))}){self.blank}\.?"
        until = rf"{self.blank}[{self.for_any('–')}-]{self.blank}{amount}"
        money = rf"(?:{self.signs}|{currency}){self.blank}{amount}(?:{until})?"
        ranked = f"{self.whole(split(words.RANKED))}{self.joint}{self.digits}"
        return rf"{money}|{ranked}|{ENDS}(?:{DATE}|{LAUGHTER}){ENDS}"

    def _kept_in_words(self) -> str:
        """Numbers in words with a measure or money behind them."""
        return f"{self.words}{self.measured}|{self.start}{self.ending(split(words.IDIOMS))}"


@cache
def count_patterns(ascii_only: bool) -> CountPatterns:
    """The patterns, made once."""
    return CountPatterns(ascii_only)


def split(*lines: str) -> list[str]:
    """The words of lines of a table."""
    return [word for line in lines for word in line.split()]


def is_mark(character: str) -> bool:
    """Whether a character is a part of the letter before it."""
    return unicodedata.category(character)[0] == "M"


def ends_with_letter(word: str) -> bool:
    """Whether a word ends where another begins; not in scripts without blanks, nor behind a sign or a digit."""
    return not re.search(f"[{UNSPACED}]$", word) and (word[-1].isalpha() or is_mark(word[-1]) or word.endswith("*"))


def numerals_of(line: str) -> dict[str, float]:
    """The words of a line of NUMERALS with their values."""
    return {word: float(value) for word, _, value in (pair.partition("=") for pair in line.split())}


def magnitudes_of(language: str | None, least: int) -> list[str]:
    """Words for magnitudes of at least `least`, of a language or of all."""
    listed = (by for value, by in words.MAGNITUDES.items() if value >= least)
    return [word for by in listed for lang, line in by.items() if language in (None, lang) for word in line.split()]
