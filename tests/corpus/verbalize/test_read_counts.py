"""Counts with magnitudes are read in many languages, and exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.sources.page_counts import parse_count
from corpus.verbalize.read_counts import read_counts


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("1.2M views, half a million likes and 300 comments", {1_200_000, 500_000}),
        ("one hundred fifty thousand", {150_000}),
        ("two and a half million", {2_500_000}),
        ("12 lakh 50 thousand", {1_250_000}),
        ("2.5 crore", {25_000_000}),
        ("10,6 Mio. Aufrufe", {10_600_000}),
        ("5천만 뷰", {50_000_000}),
        ("1억 2천만", {120_000_000}),
        ("100万回再生", {1_000_000}),
        ("三百万", {3_000_000}),
        ("१० लाख", {1_000_000}),
        ("١٠٠ ألف", {100_000}),
        ("миллион", {1_000_000}),
        ("𝟏𝟎𝟎𝐊", {100_000}),
        ("3 k, m and b", {3_000}),
        ("a kiss for mr. k", set()),
        ("1000000 and 12", set()),
        ("1.23456 thousand", set()),
        ("", set()),
    ],
)
def test_counts_are_read(text, counts):
    assert read_counts(text) == counts


@given(
    st.integers(1, 999), st.integers(0, 9), st.sampled_from(["K", " thousand", "M", " million", " lakh", "万", " Mio."])
)
def test_they_are_what_a_page_says(whole, tenths, magnitude):
    written = f"{whole}.{tenths}{magnitude}"
    assert read_counts(f"so: {written} it says") == {parse_count(written)}


@given(st.text())
def test_reading_never_fails(text):
    assert all(count >= 0 for count in read_counts(text))
