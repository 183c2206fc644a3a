"""The smallest detectable skill: where the true skill is that large, about 80 % of samples call the run apart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nct, t

from benchmark.apart import Contest, joint_test, verdicts
from benchmark.detectable import smallest_difference
from benchmark.intervals import effective_groups, skill_error
from benchmark.metrics import ACCURACY, RMSE_PER_VIDEO

RESAMPLES = 1000


def errors(groups, runs, skill, rng):
    """A table's contests: the rival's errors, and those of runs whose true skill over it is given."""
    sizes = rng.integers(1, 5, groups).astype(np.float64)
    rival = sizes * rng.gamma(4, 5, groups)
    noise = sizes[:, None] * (2.5 * rng.normal(size=(groups, runs)) + 1.0 * rng.normal(size=(groups, 1)))
    own = (1 - skill) * rival[:, None] + noise
    names = np.arange(groups)
    stacked = [np.stack([own[:, run], sizes], axis=1) for run in range(runs)]
    base = np.stack([rival, sizes], axis=1)
    return [Contest(RMSE_PER_VIDEO, sums, base, sizes, names) for sums in stacked]


def hits(groups, runs, skill, rng):
    """The same of an accuracy in percent."""
    sizes = rng.integers(5, 20, groups).astype(np.float64)
    ease = np.clip(rng.normal(0.5, 0.1, groups), 0, 1)
    rival, names = rng.binomial(sizes.astype(int), ease), np.arange(groups)
    better = np.clip(ease + skill / 100, 0, 1)
    own = [rng.binomial(sizes.astype(int), better) for _ in range(runs)]
    base = np.stack([rival, sizes], axis=1).astype(np.float64)
    return [Contest(ACCURACY, np.stack([sums, sizes], axis=1).astype(np.float64), base, sizes, names) for sums in own]


def detectable(contest, critical):
    return smallest_difference(
        skill_error(contest.metric, contest.run, contest.rival), critical, effective_groups(contest.sizes)
    )


@pytest.mark.parametrize("draw", [errors, hits])
@pytest.mark.parametrize(("groups", "runs"), [(18, 1), (40, 1), (40, 6)])
def test_with_such_a_difference_about_four_in_five_are_called_apart(draw, groups, runs):
    rng = np.random.default_rng([groups, runs])
    worlds = [draw(groups, runs, 0.0, rng) for _ in range(60)]
    judged = [(world[0], verdicts(world, RESAMPLES)[0]) for world in worlds]
    skill = float(np.mean([detectable(contest, verdict.critical) for contest, verdict in judged]))
    apart = [verdict.apart for _ in range(300) for verdict in verdicts(draw(groups, runs, skill, rng), RESAMPLES)[:1]]
    assert np.mean(apart) == pytest.approx(0.8, abs=0.08)


def test_of_one_comparison_it_is_that_of_the_paired_t_test():
    """By the noncentral t: the shift at which t exceeds its own two-sided quantile in 80 % of samples."""
    for groups in (12, 30, 200):
        quantile = t.ppf(0.975, groups - 1)
        critical = quantile / np.sqrt((groups - 1 + quantile**2) / groups)
        shift = smallest_difference(1.0, critical, groups)
        assert nct.sf(quantile, groups - 1, shift) == pytest.approx(0.8, abs=1e-3)


def test_no_difference_is_large_enough_where_groups_are_too_few_for_the_family():
    assert smallest_difference(1.0, 3.5, 12.0) is None
    assert smallest_difference(float("nan"), 2.0, 40.0) is None


def test_the_critical_statistic_parts_apart_from_not_apart():
    rng = np.random.default_rng(3)
    contributions = rng.normal(0.5, 1, (25, 30))
    p_values, critical = joint_test(contributions, 2000)
    statistics = np.abs(contributions.sum(axis=0)) / np.sqrt((contributions**2).sum(axis=0))
    assert ((p_values <= 0.05) == (statistics > critical)).all() and 0 < (p_values <= 0.05).sum() < 30
