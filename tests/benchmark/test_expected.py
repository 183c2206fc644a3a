"""The best answers to single values: those that do best over many draws of the law, for each metric."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import lognorm

from benchmark.metrics import QUANTILES, Judged, crps_log10_sums, crps_sums
from benchmark.tasks.expected import log_normal_points, log_normal_quantiles

LOG_MEANS, LOG_SDS = np.array([0.5, 3.8, 9.0]), np.array([0.4, 1.2, 0.05])


@pytest.mark.parametrize("highest", [np.inf, 100.0])
def test_the_quantiles_are_those_of_scipy_cut_at_the_highest_value(highest):
    right = lognorm.ppf(QUANTILES[None, :], LOG_SDS[:, None], scale=np.exp(LOG_MEANS)[:, None])
    assert np.array(log_normal_quantiles(LOG_MEANS, LOG_SDS, highest)) == pytest.approx(np.minimum(right, highest))


@pytest.mark.parametrize(("highest", "sums"), [(np.inf, crps_log10_sums), (100.0, crps_sums)])
def test_no_other_distribution_has_a_lower_crps_over_draws_of_the_law(highest, sums):
    rng = np.random.default_rng(1)
    row = rng.integers(0, len(LOG_MEANS), 60_000)
    truth = np.minimum(np.exp(LOG_MEANS[row] + LOG_SDS[row] * rng.standard_normal(len(row))), highest)

    def crps(log_means, log_sds, with_quantiles=True):
        best = np.ravel(log_normal_points(log_means, log_sds, highest)["rmse_log10"])[row]
        quantiles = np.array(log_normal_quantiles(log_means, log_sds, highest))[row] if with_quantiles else None
        everything = np.ones(len(row), bool)
        total = sums(Judged(truth, best, everything, np.arange(len(row)), len(row), quantiles)).sum(axis=0)
        return total[0] / total[1]

    least = crps(LOG_MEANS, LOG_SDS)
    others = [
        (LOG_MEANS + 0.1, LOG_SDS),
        (LOG_MEANS - 0.1, LOG_SDS),
        (LOG_MEANS, 1.3 * LOG_SDS),
        (LOG_MEANS, LOG_SDS / 1.3),
    ]
    assert all(crps(*other) > least for other in others)
    assert crps(LOG_MEANS, LOG_SDS, with_quantiles=False) > 1.2 * least
