"""Intervals against scipy, brute force and the truth of drawn worlds, and where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark import intervals
from benchmark.intervals import (
    PLAIN,
    difference_interval,
    effective_groups,
    group_sums,
    skill_interval,
    student,
    value_interval,
)
from benchmark.metrics import ACCURACY, R2, RMSE, RMSE_LOG10, RMSE_OF_COUNTS, RMSE_PER_VIDEO, Metric, ratio
from studies.coverage import REFERENCE, RUN, cover
from studies.score_worlds import population

MEAN = Metric("mean", lambda judged: judged, ratio, False, "difference", "mean")  # type: ignore[arg-type]


def of_equal(values, size=1):
    """Sums and sizes of groups of equal size with these means."""
    return np.stack([np.asarray(values, float) * size, np.full(len(values), float(size))], axis=1), np.full(
        len(values), float(size)
    )


@given(st.integers(0, 2**31), st.integers(10, 200), st.integers(1, 9))
def test_a_mean_over_equal_groups_has_scipys_t_interval(seed, groups, size):
    values = np.random.default_rng(seed).gamma(2, 3, groups)
    ours = value_interval(MEAN, *of_equal(values, size))
    theirs = stats.t.interval(0.95, groups - 1, values.mean(), stats.sem(values))
    assert (ours.low, ours.high) == pytest.approx(theirs)


@given(st.integers(0, 2**31), st.integers(10, 60))
def test_a_paired_difference_of_means_has_scipys_interval(seed, groups):
    rng = np.random.default_rng(seed)
    first = rng.gamma(2, 3, groups)
    second = first + rng.normal(0.2, 1, groups)
    (sums, sizes), (others, _) = of_equal(first), of_equal(second)
    theirs = stats.ttest_rel(first, second).confidence_interval(0.95)
    for ours in (difference_interval(MEAN, sums, others, sizes), skill_interval(MEAN, sums, others, sizes)):
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


@settings(max_examples=20)
@given(st.integers(0, 2**31))
def test_bounds_are_those_of_leaving_out_each_group_by_hand(seed):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(15), rng.integers(10, 14, 15))
    truth, errors = rng.normal(50, 10, len(group)), rng.normal(0, 5, len(group))
    rival_errors = 1.2 * errors + rng.normal(0, 3, len(group))
    sizes = np.bincount(group).astype(float)

    def sums(of):
        return group_sums(np.stack([of**2, np.ones(len(group))], axis=1), group, 15)

    def margin(of):
        without = np.array([of(group != left_out) for left_out in range(15)])
        error = np.sqrt(14 / 15 * ((without - without.mean()) ** 2).sum())
        return stats.t.ppf(0.975, effective_groups(sizes) - 1) * error

    def precision(keep):
        return -1 / np.mean(errors[keep] ** 2)

    whole = np.ones(len(group), bool)
    ours = value_interval(RMSE, sums(errors), sizes)
    bounds = [precision(whole) + sign * margin(precision) for sign in (-1, 1)]
    assert (ours.low, ours.high) == pytest.approx([(-1 / bound) ** 0.5 for bound in bounds])

    def log_ratio(keep):
        return 0.5 * np.log(np.mean(errors[keep] ** 2) / np.mean(rival_errors[keep] ** 2))

    ours = skill_interval(RMSE, sums(errors), sums(rival_errors), sizes)
    assert ours.value == pytest.approx(1 - np.exp(log_ratio(whole)))
    bounds = [log_ratio(whole) + sign * margin(log_ratio) for sign in (1, -1)]
    assert (ours.low, ours.high) == pytest.approx([1 - np.exp(bound) for bound in bounds])

    def log_missing(keep):
        return np.log((errors[keep] ** 2).sum() / ((truth[keep] - truth[keep].mean()) ** 2).sum())

    parts = np.stack([errors**2, truth, truth**2, np.ones(len(group))], axis=1)
    ours = value_interval(R2, group_sums(parts, group, 15), sizes)
    bounds = [log_missing(whole) + sign * margin(log_missing) for sign in (1, -1)]
    assert (ours.low, ours.high) == pytest.approx([1 - np.exp(bound) for bound in bounds])


def test_percentages_stay_between_0_and_100():
    hits = np.zeros(20)
    hits[:2] = 1
    ours = value_interval(ACCURACY, *of_equal(hits))
    assert 0 < ours.low < 10 < ours.high < 100


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=50))
def test_effective_groups_are_at_most_the_groups_and_all_of_them_if_equal(sizes):
    effective = effective_groups(np.array(sizes, float))
    assert 1 <= effective <= len(sizes)
    assert (effective == len(sizes)) == (len(set(sizes)) == 1)


def test_below_ten_effective_groups_there_is_no_interval_and_the_reason_names_the_number():
    rng = np.random.default_rng(0)
    values, sizes = rng.gamma(2, 2, 30), np.array([200.0] + [1.0] * 29)
    sums = np.stack([values * sizes, sizes], axis=1)
    for ours in (value_interval(MEAN, sums, sizes), skill_interval(MEAN, sums, 2 * sums, sizes)):
        assert (ours.low, ours.high) == (None, None)
        assert ours.value is not None and ours.reason.startswith("1.3 effective groups")
    nine = value_interval(MEAN, *of_equal(values[:9]))
    assert nine.low is None and nine.reason.startswith("9.0 effective groups")
    assert value_interval(MEAN, *of_equal(values[:10])).low is not None


def test_what_has_no_interval_says_why():
    nothing = value_interval(RMSE, np.empty((0, 2)), np.empty(0))
    assert (nothing.value, nothing.low, nothing.reason) == (None, None, "no instances")
    assert not nothing.excludes_zero
    sums, sizes = of_equal(np.random.default_rng(0).gamma(2, 2, 12))
    assert "few instances decide" in value_interval(RMSE_OF_COUNTS, sums, sizes).reason
    for values, metric, reason in (
        (np.full(12, 0.5), ACCURACY, "do not differ"),
        (np.ones(12), ACCURACY, "do not differ"),
        (np.eye(12)[0], ACCURACY, "end of its range"),
        (np.eye(12)[0] + 1e-9, RMSE, "no upper bound"),
    ):
        ours = value_interval(metric, *of_equal(values))
        assert ours.value is not None and ours.low is None and reason in ours.reason
    one_left = np.stack([np.ones(12), np.zeros(12), np.eye(12)[0], np.ones(12)], axis=1)
    assert "without one of the groups" in value_interval(R2, one_left, sizes).reason


def test_a_difference_of_equals_is_zero_and_a_constant_gain_has_no_interval():
    rng = np.random.default_rng(0)
    sums, sizes = of_equal(rng.gamma(2, 2, 30))
    for metric in (RMSE, RMSE_PER_VIDEO, RMSE_LOG10, MEAN):
        same = skill_interval(metric, sums, sums, sizes)
        assert (same.value, same.low, same.high) == (0, 0, 0) and not same.excludes_zero
    better, _ = of_equal(sums[:, 0] + 1)
    assert difference_interval(MEAN, better, sums, sizes).reason == "the groups do not differ"


def test_a_small_paired_gain_is_seen_where_the_runs_own_intervals_overlap():
    rng = np.random.default_rng(0)
    errors = rng.gamma(2, 2, 30)
    (sums, sizes), (worse, _) = of_equal(errors), of_equal(errors + rng.normal(0.05, 0.02, 30))
    assert value_interval(RMSE, sums, sizes).high > value_interval(RMSE, worse, sizes).low
    assert difference_interval(RMSE, worse, sums, sizes).excludes_zero
    assert skill_interval(RMSE, worse, sums, sizes).high < 0


def test_student_takes_the_level_and_the_effective_groups(monkeypatch):
    without = np.random.default_rng(0).normal(0, 1, 20)
    wide = student(0.5, without, np.ones(20), PLAIN)
    monkeypatch.setattr(intervals, "LEVEL", 0.5)
    narrow = student(0.5, without, np.ones(20), PLAIN)
    expected = stats.t.ppf(0.75, 19) / stats.t.ppf(0.975, 19)
    assert (narrow.high - narrow.low) / (wide.high - wide.low) == pytest.approx(expected)


@pytest.mark.parametrize("heavy", [False, True], ids=["light", "heavy"])
@pytest.mark.parametrize("equal", [True, False], ids=["equal", "unequal"])
def test_intervals_hold_the_truth_of_drawn_worlds(equal, heavy):
    people = population((1.0, 1.15), equal, heavy, groups=4000)
    found = cover(people, groups=20 if equal else 60, worlds=120, seed=1)
    for key, metric in people.metrics.items():
        figures = found[key]
        if metric.heavy_tailed:
            assert figures.value.printed == figures.skill.printed == 0
            continue
        for tally in (figures.value, figures.skill, figures.difference):
            assert tally.printed >= 0.8 * tally.asked, key
            assert tally.covered >= 0.88, (key, tally)
    assert people.truth(("curves", "rmse"), RUN) < people.truth(("curves", "rmse"), REFERENCE)
