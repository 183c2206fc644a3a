"""Counts of views, likes and followers are hidden in every script and wording; other numbers stay."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.verbalize.mask_counts import COUNT, mask_counts, mask_series
from corpus.verbalize.safe_text import sanitize
from tests.corpus.verbalize.counts_in_sentences import HIDDEN, LEFT

PIECES = [piece for pairs in HIDDEN.values() for text, _ in pairs for piece in (text, *text.split())]
PIECES += [piece for texts in LEFT.values() for text in texts for piece in (text, *text.split())]
GLUE = ["", " ", " ", ", ", "\n", "-", "+", "(count)", "1", "0", "a", "\ufdd0", "\ufdd1"]
MIXED = st.lists(st.sampled_from(PIECES) | st.sampled_from(GLUE) | st.text(max_size=3), max_size=12).map("".join)

DATE_OR_LAUGHTER = re.compile(r"(?:19|20)\d{6}|[12]\d{5}|5+")


def masked(*texts: str) -> list[str]:
    """The texts with their counts masked, in one call."""
    return pl.DataFrame({"text": texts}).select(mask_counts(pl.col("text")))["text"].to_list()


@pytest.mark.parametrize(("text", "hidden"), [pair for pairs in HIDDEN.values() for pair in pairs])
def test_a_count_is_hidden(text, hidden):
    assert masked(text) == [hidden]
    assert masked(text.upper().replace("SS", "ss")) != [text.upper()]


@pytest.mark.parametrize("text", [text for texts in LEFT.values() for text in texts])
def test_another_number_stays(text):
    assert masked(text) == [text]
    assert masked(text + " 🎉") == [text + " 🎉"]  # texts beyond ASCII take another path


def test_the_table_is_large_and_in_many_languages():
    hidden, left = sum(map(len, HIDDEN.values())), sum(map(len, LEFT.values()))
    assert min(hidden, left) >= 75 and hidden + left >= 150
    assert len(HIDDEN.keys() & LEFT.keys()) >= 12


@given(MIXED)
def test_masking_twice_changes_nothing(text):
    once = masked(text)
    assert masked(*once) == once


@given(st.text(st.characters(categories=["L", "Mn", "P", "Zs"]), max_size=40), st.integers(0, 9_999))
def test_text_without_words_for_counts_stays(text, number):
    assert masked(f"zzz{number}zzz") == [f"zzz{number}zzz"]


@given(
    st.integers(10_000, 10**10).filter(lambda n: not DATE_OR_LAUGHTER.fullmatch(str(n))), st.sampled_from("0٠०০௦０𝟎")
)
def test_digits_of_every_script_are_hidden(count, zero):
    digits = "".join(chr(ord(zero) + int(digit)) for digit in str(count))
    assert masked(f"{digits} ok") == ["(count) ok"]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8))
def test_a_text_is_masked_alike_beside_any_others(texts):
    given_texts = pl.Series([None, *texts, None])
    before = given_texts.to_list()
    assert mask_series(given_texts).to_list() == [None, *(masked(text)[0] for text in texts), None]
    assert given_texts.to_list() == before


NO_SIGNS = st.text(st.characters(exclude_categories=["S", "N", "Cs"]))  # "£ 1M" is money


@given(NO_SIGNS, st.sampled_from(["1M views", "१ लाख व्यूज", "100万回再生", "миллион лайков", "𝟏𝟎𝟎𝐊 subs"]), NO_SIGNS)
def test_a_count_stands_in_no_text_that_is_safe(before, count, after):
    (safe,) = (
        pl.DataFrame({"t": [f"{before} {count} {after}"]}).select(sanitize(mask_counts(pl.col("t"))))["t"].to_list()
    )
    assert count not in safe


@given(st.text(st.characters(codec="utf-8", exclude_characters="(")))
def test_what_shows_no_count_stays_as_it_is(text):
    (once,) = masked(text)
    assert once == text or COUNT in once
