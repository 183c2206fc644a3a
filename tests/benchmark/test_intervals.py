"""The bootstrap against scipy, its coverage, and its edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark import intervals
from benchmark.intervals import difference, group_sums, interval, resampled
from benchmark.metrics import percent, root_mean


def mean_interval(values, group, groups, resamples=2000, seed=0):
    sums = group_sums(np.stack([values, np.ones(len(values))], axis=1), group, groups)
    samples = resampled(sums, resamples, seed)
    return interval(float(values.mean()), samples[:, 0] / samples[:, 1], groups)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31), st.integers(20, 200))
def test_agrees_with_scipy_where_each_group_has_one_instance(seed, count):
    values = np.random.default_rng(seed).gamma(2, 3, count)
    ours = mean_interval(values, np.arange(count), count, resamples=9999)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=9999, rng=seed).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.06 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.06 * width)


def test_resamples_are_whole_groups_drawn_with_replacement():
    sums = np.eye(5)
    drawn = resampled(sums, 300)
    assert (drawn.sum(axis=1) == 5).all()
    assert (drawn == drawn.round()).all()
    assert drawn.max() > 1
    assert drawn.mean() == pytest.approx(1)


def test_the_same_seed_gives_the_same_resamples_however_many_are_held_at_once(monkeypatch):
    sums = np.random.default_rng(1).normal(size=(7, 3))
    whole = resampled(sums, 50)
    assert (resampled(sums, 50) == whole).all()
    assert not np.allclose(resampled(sums, 50, seed=1), whole)
    monkeypatch.setattr(intervals, "BLOCK", 21)
    assert np.allclose(resampled(sums, 50), whole)


def test_intervals_cover_the_truth_when_groups_differ_and_ignoring_groups_does_not():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 10)
    inside = {"groups": 0, "instances": 0}
    for trial in range(120):
        values = rng.normal(0, 1, 40)[group] + rng.normal(0, 1, 400)
        for how, groups in (("groups", group), ("instances", np.arange(400))):
            found = mean_interval(values, groups, groups.max() + 1, resamples=300, seed=trial)
            inside[how] += found.low <= 0 <= found.high
    assert inside["groups"] >= 0.88 * 120
    assert inside["instances"] <= 0.75 * 120


def test_one_group_gives_a_value_without_bounds_and_nothing_gives_nothing():
    one = mean_interval(np.array([1.0, 3.0]), np.zeros(2, int), 1)
    assert (one.value, one.low, one.high) == (2, None, None)
    assert one.reason is not None and "one group" in one.reason
    empty = resampled(np.empty((0, 2)))
    none = interval(float(percent(np.zeros(2))), percent(empty), 0)
    assert (none.value, none.low, none.reason) == (None, None, "no instances")
    assert not none.excludes_zero


def test_a_paired_difference_of_equals_is_zero_and_a_constant_gain_is_found():
    rng = np.random.default_rng(0)
    errors = rng.gamma(2, 2, 30)
    ones = np.ones(30)
    samples = resampled(np.stack([errors, ones, errors, ones, errors + 0.01, ones], axis=1))
    first, second, third = (root_mean(samples[:, i : i + 2]) for i in (0, 2, 4))
    value, worse = np.sqrt(errors.mean()), np.sqrt((errors + 0.01).mean())
    same = difference(value, value, first, second, 30)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert not same.excludes_zero
    alone = interval(value, first, 30), interval(worse, third, 30)
    assert alone[0].high > alone[1].low, "their own intervals overlap"
    assert difference(worse, value, third, first, 30).excludes_zero, "yet the paired difference is off zero"


def test_resamples_where_the_metric_is_not_defined_are_left_out_unless_they_are_most():
    samples = np.array([1.0, 2.0, 3.0, np.nan])
    assert interval(2.0, samples, 5).high == pytest.approx(2.95)
    assert interval(2.0, np.array([1.0, np.nan, np.nan, np.nan]), 5).low is None
    assert interval(np.nan, samples, 5).value is None
