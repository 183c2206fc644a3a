"""Parse counts as web pages write them: "249,469,194 views", "10.6M subscribers", "10,6 Mio. Abonnenten".

A count is a whole number, so a single separator before exactly three digits marks thousands ("1.234" is 1234), unless a
word of magnitude follows: then it is a decimal mark ("1.234M" is 1,234,000). Spaces, apostrophes and Indian groups
("1,23,45,678") are accepted too.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

import duckdb
import pyarrow as pa
from duckdb.func import ARROW, SPECIAL

WORDS = {
    1_000: "k thousand tsd tausend mil mille тыс rb ribu bin nghìn 천 千",
    100_000: "lakh lakhs lac",
    1_000_000: "m mn mio mln mill million millions millionen millones milhões mi млн jt juta triệu 백만 百万",
    10_000_000: "crore crores cr",
    1_000_000_000: "b bn bln mrd mld md bi billion billions milliarden milliard milliards млрд miliar tỷ",
    10_000: "万 萬 만",
    100_000_000: "億 亿 억",
}
MAGNITUDES = {word: size for size, words in WORDS.items() for word in words.split()}
NONE = re.compile(r"(no|keine|aucun|aucune|sin|ningún|nessuna|nenhuma|нет) [^\W\d]+", re.IGNORECASE)
COUNT = re.compile(r"[~≈>]?\s*(\d(?:[\d.,'’ _]*\d)?)\s*\+?\s*([^\W\d_]*)\.?\+?([^\d]*)")
GROUPS = re.compile(r"\d{1,3}([.,'_])\d{3}(?:\1\d{3})*|\d{1,2}(?:,\d{2})+,\d{3}|\d+")
LARGEST = 2**53  # above it a float no longer holds every whole number


def parse_count(text: str) -> int | None:
    """Parse the count in a text of a page; None if there is none.

    >>> parse_count("10,6 Mio. Abonnenten"), parse_count("No views"), parse_count("-3 views")
    (10600000, 0, None)
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    match = COUNT.fullmatch(plain)
    if not match:
        return 0 if NONE.fullmatch(plain) else None
    size = _magnitude(match[2])
    number = _parse_number(match[1].replace("’", "'").replace(" ", "'"), decimal=size > 1)
    if number is None or number * size > LARGEST:
        return None
    return int((number * size).to_integral_value(ROUND_HALF_EVEN))


def _magnitude(word: str) -> int:
    """Factor that the word after a number stands for; 1 for a unit such as "views"."""
    folded = word.casefold()
    if folded >= "\u2e80":  # Chinese, Japanese and Korean put no space between magnitude and unit
        return MAGNITUDES.get(folded[:2]) or MAGNITUDES.get(folded[:1], 1)
    return MAGNITUDES.get(folded, 1)


def _parse_number(digits: str, decimal: bool) -> Decimal | None:
    """Parse digits and separators; `decimal`: a single separator is a decimal mark. None if they are no number."""
    integer_part, mark, fraction = _split_number(digits, decimal)
    if not GROUPS.fullmatch(integer_part) or (mark and not fraction.isdecimal()):
        return None
    number = Decimal(re.sub(r"\D", "", integer_part) + (f".{fraction}" if mark else ""))
    return number if decimal or number == number.to_integral_value() else None


def _split_number(digits: str, decimal: bool) -> tuple[str, str, str]:
    """Split into whole part, decimal mark and fraction; of two kinds of marks, the last is decimal if it is unique."""
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return digits, "", ""
    mark, fraction = digits[last], digits[last + 1 :]
    other_marks = re.sub(r"\d", "", digits[:last])
    if digits.count(mark) > 1 or (not other_marks and not decimal and len(fraction) == 3 and digits[0] != "0"):
        return digits, "", ""
    return digits[:last], mark, fraction


@lru_cache(maxsize=65_536)
def _parse_cached(text: str | None) -> int | None:
    return None if text is None else parse_count(text)


def register_page_count(connection: duckdb.DuckDBPyConnection) -> None:
    """Register the SQL function `page_count(text)`: a DOUBLE, or null if the text holds no count."""

    def page_count(texts: pa.ChunkedArray) -> pa.Array:
        return pa.array([_parse_cached(text) for text in texts.to_pylist()], pa.float64())

    connection.create_function("page_count", page_count, ["VARCHAR"], "DOUBLE", type=ARROW, null_handling=SPECIAL)
