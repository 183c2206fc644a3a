"""Order metrics of curves against scipy and scikit-learn, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import average_precision_score

from benchmark.curve_metrics import CURVE_METRICS, average_precision, kendall, most_replayed, peak_hit, spearman
from benchmark.metrics import Judged

METRIC = {metric.name: metric for metric in CURVE_METRICS}
CURVES = st.integers(2, 30).flatmap(
    lambda n: st.tuples(*(arrays(float, (3, n), elements=st.integers(0, 12).map(float)) for _ in range(2)))
)


def judged(truth, predicted):
    lengths = [len(curve) for curve in truth]
    flat = [np.concatenate([np.asarray(curve, float) for curve in side]) for side in (truth, predicted)]
    return Judged(*flat, np.ones(sum(lengths), bool), np.repeat(np.arange(len(truth)), lengths), len(truth))


@given(CURVES)
def test_correlations_are_those_of_scipy_and_none_where_the_prediction_is_flat(curves):
    truth, predicted = curves
    for ours, theirs in ((kendall, kendalltau), (spearman, spearmanr)):
        for value, true, guess in zip(ours(truth, predicted), truth, predicted, strict=True):
            flat = np.ptp(true) == 0 or np.ptp(guess) == 0
            assert value == pytest.approx(0 if flat else theirs(true, guess).statistic, abs=1e-9)


@given(CURVES, st.sampled_from([0.15, 0.5]))
def test_average_precision_is_that_of_scikit_learn_on_the_most_replayed_scenes(curves, fraction):
    truth, predicted = curves
    for value, true, guess in zip(average_precision(fraction)(truth, predicted), truth, predicted, strict=True):
        lowest = sorted(true, reverse=True)[max(1, round(fraction * len(true))) - 1]
        assert value == pytest.approx(average_precision_score(true >= lowest, guess))
        assert most_replayed(true[None], fraction).sum() == (true >= lowest).sum()


def test_a_peak_is_hit_in_the_scene_or_the_next_and_equal_guesses_share_it():
    truth = np.array([[0, 0, 9, 0, 0, 0.0]] * 4)
    predicted = np.array([[0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [2, 2, 2, 2, 2, 2.0]])
    assert peak_hit(truth, predicted).tolist() == [1, 1, 0, 0.5]


def test_the_opening_is_left_out_and_flat_videos_do_not_count():
    peak_first = [100, *range(18, -1, -1)]
    rising = [100, *range(19)]
    assert METRIC["spearman"].value(judged([peak_first], [peak_first])) == 1
    assert METRIC["spearman_after_opening"].value(judged([peak_first], [rising])) == pytest.approx(-1)
    flat = judged([[5.0] * 10, peak_first], [peak_first[:10], peak_first])
    assert METRIC["kendall"].sums(flat)[:, 1].tolist() == [0, 1]
    assert METRIC["map15"].value(flat) == 100
    assert np.isnan(METRIC["map15"].value(judged([[5.0] * 10], [peak_first[:10]])))


@given(st.lists(st.integers(2, 25), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_videos_of_any_lengths_score_as_they_do_alone(lengths, seed):
    rng = np.random.default_rng(seed)
    truth, predicted = ([rng.integers(0, 100, n).astype(float) for n in lengths] for _ in range(2))
    for metric in CURVE_METRICS:
        alone = [metric.sums(judged([t], [p]))[0] for t, p in zip(truth, predicted, strict=True)]
        assert metric.sums(judged(truth, predicted)) == pytest.approx(np.array(alone))
