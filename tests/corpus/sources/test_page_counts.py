"""Counts as pages write them."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yt_dlp.utils import parse_count as parse_count_of_ytdlp

from corpus.sources.page_counts import LARGEST, parse_count, register_page_count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("249,469,194 views", 249_469_194),
        ("19.027.026 Aufrufe", 19_027_026),
        ("12 345 678 vues", 12_345_678),
        ("5\u202f432 vues", 5_432),
        ("1’234’567", 1_234_567),
        ("1,23,45,678", 12_345_678),
        ("10.6M subscribers", 10_600_000),
        ("10,6\xa0Mio. Abonnenten", 10_600_000),
        ("5.43k", 5_430),
        ("67m", 67_000_000),
        ("1.2B", 1_200_000_000),
        ("1,2 Md de vues", 1_200_000_000),
        ("1,2 млн", 1_200_000),
        ("1.2万回視聴", 12_000),
        ("3억 회", 300_000_000),
        ("2.5 crore views", 25_000_000),
        ("５万", 50_000),
        ("12k+ views", 12_000),
        ("No views", 0),
        ("Keine Aufrufe", 0),
        ("236898.0", 236_898),
        ("1.234", 1_234),
        ("1.234M", 1_234_000),
        ("5 members", 5),
        ("442", 442),
    ],
)
def test_page_text_is_read(text, count):
    assert parse_count(text) == count


@pytest.mark.parametrize(
    "text", ["", "abc", "-5", "−5 views", "2.5", "12,34", "1.2.3", "1.23e5", "nan", "views 12", "12 views 13", "0,123"]
)
def test_what_states_no_count_is_none(text):
    assert parse_count(text) is None


counts = st.integers(0, 10**12)


@given(
    counts, st.sampled_from([",", ".", " ", "\xa0", "\u202f", "'", "’"]), st.sampled_from(["", " views", " Aufrufe"])
)
def test_thousands_in_any_style_give_the_number_back(count, mark, unit):
    assert parse_count(f"{count:,}".replace(",", mark) + unit) == count


@given(
    st.integers(0, 9_999), st.sampled_from([("k", 10**3), ("M", 10**6), ("Mio.", 10**6), ("B", 10**9), ("万", 10**4)])
)
def test_magnitudes_multiply(tenths, magnitude):
    word, size = magnitude
    for mark in ".,":
        text = f"{tenths // 10}{mark}{tenths % 10}{word}"
        assert parse_count(text) == tenths * size // 10


@given(st.integers(1, 9_999), st.sampled_from(["K", "M", "B", ""]))
def test_english_pages_read_as_ytdlp_reads_them(number, word):
    text = f"{number / 10:.1f}{word} views" if word else f"{number:,} views"
    assert parse_count(text) == parse_count_of_ytdlp(text)


@given(st.text())
def test_any_text_is_a_count_or_none(text):
    found = parse_count(text)
    assert found is None or 0 <= found <= LARGEST


def test_sql_reads_the_same():
    texts = ["10.6M subscribers", "abc", None, "No views", "1.234.567"]
    with duckdb.connect() as connection:
        register_page_count(connection)
        found = connection.execute("SELECT page_count(t) FROM (SELECT unnest(?) AS t)", [texts]).fetchall()
    assert [value for (value,) in found] == [text and parse_count(text) for text in texts]
