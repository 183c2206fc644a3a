"""Metrics against scikit-learn on random answers, and what unread answers cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, spearmanr
from sklearn.metrics import accuracy_score, mean_squared_error, r2_score, root_mean_squared_error

from benchmark.metrics import (
    ACCURACY,
    ACCURACY_ABS5,
    ACCURACY_REL10,
    CRPS,
    QUANTILES,
    R2,
    RMSE,
    RMSE_LOG10,
    RMSE_PER_VIDEO,
    SPEARMAN,
    Judged,
)

REPLAY = st.lists(
    st.lists(st.tuples(st.integers(0, 100), st.floats(0, 100)), min_size=1, max_size=8), min_size=1, max_size=20
)
SINGLE = st.lists(st.tuples(st.floats(0.1, 1e6), st.floats(0, 1e6)), min_size=2, max_size=50)


def judged(pairs, parsed=None):
    """Lists of (truth, predicted), one list an instance."""
    flat = [pair for pairs_of_one in pairs for pair in pairs_of_one]
    truth, predicted = (np.array(side, dtype=float) for side in zip(*flat, strict=True))
    instance = np.repeat(np.arange(len(pairs)), [len(p) for p in pairs])
    return Judged(truth, predicted, np.ones(len(truth), bool) if parsed is None else parsed, instance, len(pairs))


@given(REPLAY)
def test_replay_rmse_is_the_mean_over_videos_of_each_videos_rmse(pairs):
    expected = np.mean([root_mean_squared_error(*zip(*video, strict=True)) for video in pairs])
    assert RMSE_PER_VIDEO.value(judged(pairs)) == pytest.approx(expected)


@given(REPLAY)
def test_accuracy_abs5_pools_all_values(pairs):
    near = [abs(predicted - truth) <= 5 for video in pairs for truth, predicted in video]
    assert ACCURACY_ABS5.value(judged(pairs)) == pytest.approx(100 * np.mean(near), abs=1e-6)


@given(SINGLE)
def test_single_values_agree_with_scikit_learn(pairs):
    one = judged([[pair] for pair in pairs])
    truth, predicted = one.truth, one.predicted
    assert RMSE.value(one) == pytest.approx(root_mean_squared_error(truth, predicted))
    logs = np.log10(np.maximum(truth, 1)), np.log10(np.maximum(predicted, 1))
    assert RMSE_LOG10.value(one) == pytest.approx(np.sqrt(mean_squared_error(*logs)))
    if np.ptp(truth) > 1e-3 * truth.max():
        assert R2.value(one) == pytest.approx(r2_score(truth, predicted), rel=1e-6, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_accuracy_agrees_with_scikit_learn(pairs):
    expected = 100 * accuracy_score(*zip(*pairs, strict=True))
    assert ACCURACY.value(judged([[pair] for pair in pairs])) == pytest.approx(expected)


@given(REPLAY, st.randoms())
def test_sums_over_any_grouping_of_instances_give_the_same_value(pairs, random):
    one = judged(pairs)
    for metric in (RMSE, RMSE_PER_VIDEO, RMSE_LOG10, R2, ACCURACY_ABS5, ACCURACY_REL10, ACCURACY):
        sums = metric.sums(one)
        order = list(range(len(pairs)))
        random.shuffle(order)
        cut = random.randrange(len(pairs) + 1)
        parts = sums[order[:cut]].sum(axis=0) + sums[order[cut:]].sum(axis=0)
        assert metric.finish(parts) == pytest.approx(metric.value(one), rel=1e-6, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize(
    ("truth", "predicted", "right"),
    [(2.0, 2.2, True), (2.0, 1.8, True), (2.0, 2.21, False), (0, 0, True), (0, 1e-6, False)],
)
def test_within_ten_percent_has_a_closed_edge_and_zero_is_met_by_zero_alone(truth, predicted, right):
    assert ACCURACY_REL10.value(judged([[(truth, predicted)]])) == 100 * right


def test_an_unread_answer_is_wrong_in_accuracies_even_where_chance_hits_and_counts_in_errors():
    pairs = [[(50, 50), (60, 60)], [(10, 10)]]
    one = judged(pairs, np.array([True, True, False]))
    assert ACCURACY_ABS5.value(one) == pytest.approx(200 / 3)
    assert RMSE_PER_VIDEO.value(one) == 0


def test_r2_is_not_defined_without_spread_and_a_perfect_reference_leaves_skill_undefined():
    assert np.isnan(R2.value(judged([[(3, 3)], [(3, 4)]])))
    assert np.isnan(R2.value(judged([[(3, 3)]])))
    assert np.isnan(RMSE.gain(np.array(1.0), np.array(0.0)))
    assert RMSE.gain(np.array(0.0), np.array(0.0)) == 0


def test_skill_is_positive_for_the_better_one_of_either_kind():
    assert RMSE.gain(np.array(3.0), np.array(4.0)) == pytest.approx(0.25)
    assert ACCURACY.gain(np.array(70.0), np.array(60.0)) == pytest.approx(10)
    assert R2.gain(np.array(-0.1), np.array(0.2)) == pytest.approx(-0.3)


@given(SINGLE)
def test_rank_correlation_over_instances_is_that_of_scipy(pairs):
    one = judged([[pair] for pair in pairs])
    value = SPEARMAN.value(one)
    if np.ptp(one.truth) == 0:
        assert np.isnan(value)
    else:
        expected = 0.0 if np.ptp(one.predicted) == 0 else spearmanr(one.truth, one.predicted).statistic
        assert value == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("digits", [None, 1, 0])
@pytest.mark.parametrize("noise", [0.1, 1.0, 10.0])
def test_an_instance_left_out_changes_the_rank_correlation_as_scipy_computes_it_anew(noise, digits):
    """All other ranks move too: with ranks that stay, the changes of a close prediction are not even alike."""
    rng = np.random.default_rng(3)
    truth = rng.gamma(1.0, size=240)
    predicted = truth + noise * rng.standard_t(4, len(truth))
    if digits is not None:
        truth, predicted = truth.round(digits), predicted.round(digits)
    sums = SPEARMAN.sums(judged([[pair] for pair in zip(truth, predicted, strict=True)]))
    ours = SPEARMAN.finish(sums.sum(axis=0) - sums)
    anew = [spearmanr(np.delete(truth, place), np.delete(predicted, place)).statistic for place in range(len(truth))]
    assert np.corrcoef(ours, anew)[0, 1] > 0.999
    assert ours.std() == pytest.approx(np.std(anew), rel=0.03)


def test_the_ranked_probability_score_of_quantiles_is_that_of_the_normal_law():
    rng, mean, sd = np.random.default_rng(0), 3.0, 2.0
    truth = rng.normal(1.0, 4.0, 2_000)
    quantiles = np.tile(norm.ppf(QUANTILES, mean, sd), (len(truth), 1))
    one = Judged(
        truth, np.full(len(truth), mean), np.ones(len(truth), bool), np.arange(len(truth)), len(truth), quantiles
    )
    z = (truth - mean) / sd
    exact = sd * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    assert CRPS.value(one) == pytest.approx(exact.mean(), rel=0.02)
    certain = replace(one, quantiles=None)
    assert CRPS.value(certain) == pytest.approx(np.abs(truth - mean).mean())


@given(st.floats(0, 5), st.floats(0.2, 2), st.integers(0, 2**32 - 1))
def test_points_of_a_distribution_are_better_than_its_mean(log_mean, log_sd, seed):
    quantiles = np.exp(norm.ppf(QUANTILES, log_mean, log_sd))[None]
    draws = np.exp(np.random.default_rng(seed).normal(log_mean, log_sd, 4_000))
    near = ACCURACY_REL10.point(quantiles)[0]
    held = lambda point: np.mean((draws * 0.9 <= point) & (point <= draws * 1.1))  # noqa: E731
    assert held(near) >= held(quantiles.mean()) - 0.02
    assert RMSE_LOG10.point(quantiles)[0] == pytest.approx(np.exp(log_mean))
