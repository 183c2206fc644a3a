"""Numbers as shown: near what they stand for, and never a lone minus zero."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.words import (
    condition,
    count,
    duration,
    interval,
    metric,
    number,
    skill,
    skill_interval,
    tick,
    visible,
)


@given(st.floats(-1e12, 1e12), st.sampled_from(["rmse", "rmse_log10", "r2", "accuracy"]))
def test_a_number_reads_back_within_its_rounding(value, name):
    shown = float(number(value, name).replace("−", "-").replace(",", ""))
    rounding = 0.5 if abs(value) >= 10_000 else 0.05 if abs(value) >= 1_000 else 0.005
    assert abs(shown - value) <= rounding * (1 + 1e-9) + abs(value) * 1e-15


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (float("nan"), "–"), (-0.001, "0.00"), (-2.5, "−2.50"), (7_012_345.0, "7,012,345"), (0.0, "0.00")],
)
def test_a_number_is_shown(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "share", "metric", "shown"),
    [
        (0.4567, True, "rmse", "+45.7 %"),
        (-1.5, True, "rmse", "−150.0 %"),
        (12.34, False, "accuracy", "+12.3"),
        (-0.004, False, "r2", "0.00"),
        (0.004, False, "r2", "0.00"),
        (None, True, "rmse", "–"),
    ],
)
def test_a_skill_is_shown(value, share, metric, shown):
    assert skill(value, share, metric) == shown


def test_an_interval_without_bounds_is_empty():
    assert interval(None, 1.0) == "" and interval(1.0, 2.0) == "1.00 to 2.00"


def test_the_interval_of_a_skill_has_its_unit():
    assert skill_interval(0.1, None, True, "rmse") == ""
    assert skill_interval(-0.1, 0.2, True, "rmse") == "−10.0 to 20.0"


def test_unknown_names_are_told_as_words():
    assert (metric("mean_gap"), condition("random_9")) == ("mean gap", "random 9")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (812, "812"),
        (96_000, "96,000"),
        (1_050_000, "1.05 million"),
        (999_960_000, "1 billion"),
        (2.5e15, "2,500 trillion"),
    ],
)
def test_a_count_is_shown_in_three_digits(value, shown):
    assert count(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (95.4, "95.4 seconds"),
        (612.4, "10.2 minutes"),
        (7_199, "120 minutes"),
        (9_000, "2.5 hours"),
        (1e9, "11,574 days"),
    ],
)
def test_a_duration_is_shown_in_its_unit(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.6, "0.6"),
        (-0.5, "−0.5"),
        (8_000, "8,000"),
        (15_000, "15 k"),
        (6e7, "60 M"),
        (-1.8e8, "−180 M"),
        (2e9, "2 bn"),
    ],
)
def test_a_number_at_an_axis_is_short(value, shown):
    assert tick(value) == shown


def test_what_breaks_a_page_is_replaced_and_words_are_kept():
    assert visible("a\x00b\ud800c\u202ed\ufffee") == "a�b�c�d�e"
    assert visible("лента 视频 👨\u200d👩\u200d👧 été") == "лента 视频 👨\u200d👩\u200d👧 été"
    assert len(visible("x" * 10_000)) == 2000
