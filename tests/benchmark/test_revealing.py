"""A prompt that shows the asked count in any exact form is found."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.revealing import find_revealing


def is_revealing(prompt: str | None, count: float | None) -> bool:
    """Whether a prompt reveals a count."""
    frame = pl.DataFrame({"prompt": [prompt], "views": [count]}, schema={"prompt": pl.String, "views": pl.Float64})
    return find_revealing(frame, ("views", "likes"))[0]


@given(
    st.integers(1000, 10**12),
    st.sampled_from(["{:d}", "{:,}", "${:,} boat", "€{:d}", "x{:,}."]),
    st.sampled_from(",.'’ \u00a0\u202f٬"),
    st.sampled_from("0٠०０𝟎"),
)
def test_digits_of_any_script_and_grouping_are_found(count, wording, mark, zero):
    prompt = wording.format(count).replace(",", mark)
    prompt = "".join(chr(ord(zero) + int(c)) if c.isdecimal() else c for c in prompt)
    assert is_revealing(f"title: {prompt}\nlikes: <mask>", count)
    assert not is_revealing(f"title: {prompt}\nlikes: <mask>", count * 10 + 1)


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("12,34,567 views", 1_234_567),
        ("1.2M people saw it", 1_200_000),
        ("my $1.2 million boat", 1_200_000),
        ("one hundred thousand thanks", 100_000),
        ("100万回再生", 1_000_000),
        ("१० लाख", 1_000_000),
        ("نصف مليون", 500_000),
    ],
)
def test_indian_groups_magnitudes_and_words_are_found(prompt, count):
    assert is_revealing(prompt, count)
    assert not is_revealing(prompt, count + 100)


@pytest.mark.parametrize(
    ("prompt", "count"), [("views: 999", 999), (None, 5000), ("5000", None), ("about 2 million", 1e6)]
)
def test_small_or_missing_counts_and_others_are_not(prompt, count):
    assert not is_revealing(prompt, count)


def test_a_task_that_hides_nothing_drops_nothing():
    assert find_revealing(pl.DataFrame({"prompt": ["5000"]}), ("views",)).to_list() == [False]
