"""Who is apart: the joint test against brute force, planted differences, and runs that do not differ."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark import apart
from benchmark.apart import Contest, exchanges, joint_p_values, merge_groups, verdicts
from benchmark.metrics import ACCURACY, R2, RMSE, RMSE_OF_COUNTS, RMSE_PER_VIDEO
from studies.coverage import contests, family, is_anybody_apart
from studies.score_worlds import population


def contest(run, rival, sizes=None, metric=RMSE_PER_VIDEO, names=None):
    """A contest of two runs whose groups have these mean errors."""
    sizes = np.ones(len(run)) if sizes is None else np.asarray(sizes, float)
    sums = [np.stack([np.asarray(errors, float) * sizes, sizes], axis=1) for errors in (run, rival)]
    return Contest(metric, *sums, sizes, np.arange(len(run)) if names is None else names)


def by_hand(contributions):
    """Adjusted p-values from every combination of signs."""
    scaled = contributions / np.sqrt((contributions**2).sum(axis=0))
    observed = np.abs(scaled.sum(axis=0))
    largest = [
        max(abs(sum(sign * row[k] for sign, row in zip(signs, scaled, strict=True))) for k in range(scaled.shape[1]))
        for signs in product((1, -1), repeat=len(scaled))
    ]
    return [np.mean([value >= bound - 1e-4 for value in largest]) for bound in observed]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 9), st.integers(1, 4))
def test_p_values_are_those_of_every_combination_of_signs(seed, groups, contests_of_family):
    contributions = np.random.default_rng(seed).normal(0.3, 1, (groups, contests_of_family))
    assert joint_p_values(contributions) == pytest.approx(by_hand(contributions))


@given(st.integers(0, 2**31))
@settings(max_examples=5, deadline=None)
def test_a_single_contest_has_scipys_permutation_p_value(seed):
    rng = np.random.default_rng(seed)
    first = rng.gamma(2, 2, 12)
    second = first + rng.normal(0.3, 1, 12)
    ours = joint_p_values(contest(first, second).exchanged()[:, None])[0]

    def gap(a, b, axis):
        return np.abs(np.mean(a - b, axis=axis))

    theirs = stats.permutation_test(
        (first, second), gap, permutation_type="samples", alternative="greater", n_resamples=np.inf, vectorized=True
    ).pvalue
    assert ours == pytest.approx(theirs, abs=0.002)


def test_random_exchanges_agree_with_all_of_them_and_come_out_the_same_twice(monkeypatch):
    contributions = np.random.default_rng(0).normal(0.4, 1, (13, 3))
    exact = joint_p_values(contributions)
    drawn = joint_p_values(contributions, resamples=4000)
    assert 2**12 > 4000
    assert drawn == pytest.approx(exact, abs=0.02)
    assert (joint_p_values(contributions, resamples=4000) == drawn).all()
    first = next(iter(exchanges(13, 4000)))
    assert first.shape == (1, 13) and not first.any()


@pytest.mark.parametrize("metric", [RMSE, RMSE_PER_VIDEO, ACCURACY])
def test_exchanging_the_answers_of_two_runs_in_a_group_turns_its_contribution(metric):
    rng = np.random.default_rng(0)
    run, rival, sizes = rng.gamma(2, 2, 12), rng.gamma(2, 2, 12), rng.integers(1, 9, 12)
    before = contest(run, rival, sizes, metric).exchanged()
    run[3], rival[3] = rival[3], run[3]
    after = contest(run, rival, sizes, metric).exchanged()
    assert after[3] == pytest.approx(-before[3])
    if metric is RMSE_PER_VIDEO:
        assert np.delete(after, 3) == pytest.approx(np.delete(before, 3))


def test_a_planted_difference_is_found_among_runs_that_do_not_differ():
    rng = np.random.default_rng(0)
    errors = rng.gamma(4, 1, (5, 25))
    tested = [contest(errors[0], errors[i]) for i in range(1, 5)] + [contest(errors[0] + 1.5, errors[0] + 0.2)]
    tested.append(contest(errors[0], errors[0] + rng.normal(0.5, 0.3, 25)))
    found = verdicts(tested)
    assert [verdict.apart for verdict in found] == [False] * 5 + [True], "a constant gain has no interval"
    assert found[-1].p < 0.01
    alone = verdicts(tested[:1])[0].p
    assert found[0].p >= alone, "a larger family makes p-values no smaller"


def test_a_better_run_is_found_by_every_metric():
    people = population((1.0, 2.5), equal=True, heavy=False, groups=2000)
    world = people.draw(60, np.random.default_rng(0))
    for key, metric in people.metrics.items():
        sums = world.sums[key]
        tested = Contest(metric, sums[:, 0], sums[:, 1], world.sizes, np.arange(60))
        assert verdicts([tested])[0].apart is not metric.heavy_tailed, key


def test_equals_too_few_groups_and_heavy_tails_are_never_apart():
    rng = np.random.default_rng(0)
    errors = rng.gamma(2, 2, 40)
    worse = errors + rng.normal(5, 0.1, 40)
    uneven = np.array([300.0, *np.ones(39)])
    tested = [
        contest(errors, errors),
        contest(np.zeros(40), np.zeros(40)),
        contest(errors[:9], worse[:9]),
        contest(errors, worse, uneven),
        contest(errors, worse, metric=RMSE_OF_COUNTS),
    ]
    assert [(verdict.p, verdict.apart) for verdict in verdicts(tested)] == [(1.0, False)] * 5
    assert verdicts([]) == []
    assert verdicts([contest(errors, worse)])[0].apart
    undefined = Contest(R2, np.zeros((40, 4)), np.zeros((40, 4)), np.ones(40), np.arange(40))
    assert not verdicts([undefined])[0].apart


def test_a_perfect_run_is_apart():
    assert verdicts([contest(np.zeros(12), np.random.default_rng(0).gamma(2, 2, 12))])[0].apart


def test_conditions_that_share_groups_exchange_them_together():
    rng = np.random.default_rng(0)
    first, second = rng.gamma(2, 2, (2, 20))
    names = np.array([f"c{i:02}" for i in range(20)])
    same = contest(first, second, names=names)
    again = contest(first, second, names=names.copy())
    elsewhere = contest(first, second, names=np.array([f"d{i:02}" for i in range(20)]))
    alone = verdicts([same])[0].p
    assert [verdict.p for verdict in verdicts([same, again])] == [alone, alone], "the same contest twice"
    assert verdicts([same, elsewhere])[0].p > alone, "other groups make a larger family"


def test_many_groups_are_merged_into_random_blocks(monkeypatch):
    contributions = np.random.default_rng(0).normal(0.05, 1, (5000, 2))
    merged = merge_groups(contributions)
    assert merged.shape == (apart.BLOCKS, 2)
    assert merged.sum(axis=0) == pytest.approx(contributions.sum(axis=0))
    blocks = joint_p_values(contributions)
    monkeypatch.setattr(apart, "BLOCKS", 5000)
    assert blocks == pytest.approx(joint_p_values(contributions), abs=0.02)


@pytest.mark.parametrize(("equal", "groups"), [(True, 10), (True, 14), (False, 50)])
def test_among_runs_that_do_not_differ_few_tables_call_anybody_apart(equal, groups):
    people = population((1.0,) * 8, equal, heavy=True, groups=2000, reference=False)
    rng = np.random.default_rng(3)
    worlds = [family(contests(people, groups, rng)) for _ in range(80)]
    judged = [is_anybody_apart(tested) for tested in worlds if tested[0].decidable]
    assert len(judged) > 60
    assert sum(judged) <= stats.binom.ppf(0.999, len(judged), 0.05)
