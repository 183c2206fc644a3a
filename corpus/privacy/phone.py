"""Detect telephone numbers in free text, and tell them from prices, dates, counts and ids.

A pattern matches runs of 7 to 15 digits. The words around a run and its grouping decide; without a cue, `phonenumbers`
(a port of Google's libphonenumber) must know it as a valid number in a country of REGIONS. Digits spelled out, as in
transcribed speech, match too. Test numbers such as 555-0100 are valid nowhere: they need a cue ("call") or a plus sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import phonenumbers

REGIONS = (
    "US", "GB", "DE", "FR", "IN", "BR", "ES", "IT", "MX", "AU", "JP", "KR", "CN", "RU", "ID", "PH", "PK", "NG", "TR",
    "PL", "NL", "ZA", "EG", "SE", "AR",
)  # fmt: skip
RUN = re.compile(
    r"(?<![\w.,:/=&?%#-])(?<![\w][.-])(?:\+\s?|\(\+?\s?)?\d(?:[\s().\-/‐‑‒–—·]{0,3}\d){6,16}(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![\w%°]|[.,:]\d|,-)"
)
CUE = re.compile(
    r"(?i)(?:\b(?:call|phone|tel|telephone|telefon|teléfono|téléphone|telefone|whats ?app|text|txt|sms|mobile|mobil|"
    r"handy|cell|hotline|dial|ring|fax|viber|signal|imo|numero|número|numéro|nummer|llama|ligue|appel\w*|"
    r"номер|тел|звоните|电话|電話|फोन|هاتف|my number|number is|reach (?:me|us))\b|[☎📞📱])[^\d\n]{0,24}$"
)
NO_CUE = re.compile(
    r"(?i)(?:[$€£¥₹₽₩#№]|\b(?:usd|eur|rs|inr|isbn(?:-1[03])?|issn|part|item|ean|upc|order|id|ids|serial|ticket|tracking|case|sku|ref|model|"
    r"code|invoice|doi|imei|version|build|score|scores|lottery|order number|pin|asin|patent|account|years?|from)"
    r"\b(?:\s?(?:no\.?|number|nr\.?|code|is))?)[\s.:#-]{0,3}$"
)
UNIT = re.compile(
    r"(?i)\s{0,2}(?:[$€£¥₹₽₩%]|(?:usd|eur|euros?|dollars?|rupees|pounds|yen|won|views?|likes?|subs(?:cribers)?|followers|"
    r"people|users|times|years?|votes|copies|comments|km|kg|miles?|meters?|plays|streams|downloads|pixels|px|bytes|"
    r"visitors|units|steps|points|aufrufe|vues|vistas|visualizações)\b)"
)
YEAR = r"(?:1[5-9]|20)\d\d"
DATE = re.compile(
    rf"(?<!\d){YEAR}[-./ ]{{1,2}}\d{{1,2}}[-./ ]{{1,2}}\d{{1,3}}(?!\d)"
    rf"|(?<!\d)\d{{1,2}}[-./ ]{{1,2}}\d{{1,2}}[-./ ]{{1,2}}{YEAR}(?!\d)"
    rf"|^\d{{1,2}}[-./]\d{{1,2}}[-./]\d\d(?![-./\d])|^{YEAR}(?!\d)|(?<!\d){YEAR}\s?[-–—/]\s?{YEAR}$|^\d{{1,3}}\s{YEAR}(?!\d)"
)
DECIMAL = re.compile(r"\d+\.\d+")
ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
THOUSANDS = re.compile(r"\d{1,3}(?:[ .\u00a0\u202f]\d{3})+")
BOOK = re.compile(r"97[89](?:[\s-]?\d){10}")
APART = re.compile(r"/.*/|\s[-–—]\s")
EXTENSION = re.compile(r"\s?(?:x|ext\.?)\s?\d{1,6}$")
DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDS = {word: str(n) for n, word in enumerate(DIGIT_WORDS)} | {"oh": "0"}
WORD = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|hundred)"
SPOKEN = re.compile(rf"(?i)(?<!\w){WORD}(?:[\s,.\-]{{1,3}}{WORD}){{6,20}}(?!\w)")


def find_phones(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each telephone number; digits must be ASCII (`corpus.privacy.scrub` converts them)."""
    for match in RUN.finditer(text):
        start = match.start() + (match[0][0] == "(" and ")" not in match[0])
        if is_phone(text, start, match.end()):
            yield start, match.end()
    for match in SPOKEN.finditer(text):
        if not _is_sequence([WORDS[w] for w in re.split(r"[\s,.\-]+", match[0].lower()) if w in WORDS]):
            yield match.span()


def is_phone(text: str, start: int, end: int) -> bool:
    """Whether the run of digits from `start` to `end` is a telephone number."""
    run = text[start:end]
    digits = re.sub(r"\D", "", EXTENSION.sub("", run))
    before, after = text[max(0, start - 48) : start], text[end : end + 16]
    if "+" in run:
        return 7 <= len(digits) <= 15 and not (THOUSANDS.fullmatch(run.lstrip("+ ")) and run.endswith("000"))
    if DATE.search(run) or any(pattern.fullmatch(run) for pattern in (ADDRESS, DECIMAL, BOOK)):
        return False
    if NO_CUE.search(before) or UNIT.match(after):
        return False
    if CUE.search(before):
        return len(digits) <= 15
    return _looks_valid(run, digits)


def _looks_valid(run: str, digits: str) -> bool:
    """Whether a run without any cue is grouped like a telephone number and valid in a country."""
    run = EXTENSION.sub("", run)
    groups = re.findall(r"\d+", run)
    sizes = [len(group) for group in groups]
    if not 9 <= len(digits) <= (15 if digits[:2] == "00" else 13) or _is_sequence(list(digits)) or APART.search(run):
        return False
    if THOUSANDS.fullmatch(run) and not (len(groups) == 3 and " " in run):
        return False
    if len(groups) == 1 and (digits.endswith("0000") or len(digits) > 12):
        return False
    if max(sizes) == 1:
        return len(set(re.findall(r"\D+", run))) == 1
    if sizes[-1] < 3 and sizes[-3:] not in ([3, 2, 2], [2, 2, 2]) and not (run[0] == "0" and sizes[-2:] == [3, 2]):
        return False
    if "(" in run or sizes[-3:] == [3, 3, 4]:
        return True
    return digits[:2] == "00" or any(_is_valid(digits, region) for region in REGIONS)


def _is_valid(digits: str, region: str) -> bool:
    """Whether libphonenumber calls the number valid in a country."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(digits, region))
    except phonenumbers.NumberParseException:
        return False


def _is_sequence(groups: list[str]) -> bool:
    """Whether digits are a plain sequence: counting up or down, or all equal."""
    steps = {int(b) - int(a) for a, b in pairwise(groups)}
    return len(steps) == 1
