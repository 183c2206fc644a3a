"""Speed of intervals and of the joint test, beside scipy's bootstrap of rows.

    python -m tests.performance.bench_intervals [PREDICTIONS]

Ours: both runs' sums in groups, the intervals of both values, of their skill and their difference, and RESAMPLES ways
of the joint test, for five metrics. scipy knows no groups: it resamples the rows of the same metrics, for the same
figures; its seconds are those of SCIPY_RESAMPLES resamples times their share.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from scipy import stats

from benchmark.apart import RESAMPLES, Contest, verdicts
from benchmark.intervals import difference_interval, group_sums, skill_interval, value_interval
from benchmark.metrics import ACCURACY_ABS5, ACCURACY_REL10, R2, RMSE, RMSE_PER_VIDEO, Array, Judged, Metric
from studies.results import Part
from tests.performance.show import show

METRICS = (RMSE_PER_VIDEO, RMSE, R2, ACCURACY_ABS5, ACCURACY_REL10)
SCIPY_RESAMPLES = 50


def answers(count: int) -> tuple[Judged, Judged]:
    """Answers of two runs to the same questions, one value each."""
    rng = np.random.default_rng(0)
    truth, place = rng.normal(50, 10, count), np.arange(count)
    run, rival = (truth + rng.normal(0, spread, count) for spread in (5, 5.2))
    return tuple(Judged(truth, read, np.ones(count, dtype=bool), place, count) for read in (run, rival))


def ours(sums: list[tuple[Metric, Array, Array]], count: int, groups: int) -> float:
    """Seconds for all intervals and tests, from the sums of instances."""
    group = np.random.default_rng(1).integers(0, groups, count)
    start = time.perf_counter()
    sizes, names = np.bincount(group, minlength=groups).astype(float), np.arange(groups)
    for metric, run_rows, rival_rows in sums:
        run, rival = (group_sums(rows, group, groups) for rows in (run_rows, rival_rows))
        value_interval(metric, run, sizes), value_interval(metric, rival, sizes)
        skill_interval(metric, run, rival, sizes), difference_interval(metric, run, rival, sizes)
        verdicts([Contest(metric, run, rival, sizes, names)])
    return time.perf_counter() - start


def by_scipy(sums: list[tuple[Metric, Array, Array]], count: int) -> float:
    """Seconds of scipy's paired bootstrap of rows for as many resamples, from fewer."""
    start = time.perf_counter()
    for metric, run_rows, rival_rows in sums:

        def gap(drawn: Array, metric: Metric = metric, run: Array = run_rows, rival: Array = rival_rows) -> Array:
            return metric.finish(run[drawn].sum(axis=0)) - metric.finish(rival[drawn].sum(axis=0))

        stats.bootstrap(
            (np.arange(count),), gap, n_resamples=SCIPY_RESAMPLES, method="percentile", vectorized=False, rng=0
        )
    return (time.perf_counter() - start) * RESAMPLES / SCIPY_RESAMPLES


def measure(count: int = 100_000) -> Part:
    """Ours at two numbers of groups, and scipy on rows."""
    run, rival = answers(count)
    sums = [(metric, metric.sums(run), metric.sums(rival)) for metric in METRICS]
    seconds = {f"cbc, {groups:,} groups": ours(sums, count, groups) for groups in (2_000, 44_000)}
    base = next(iter(seconds.values()))
    seconds["scipy, rows"] = by_scipy(sums, count)
    rows = [(name, count, RESAMPLES, taken, taken / base) for name, taken in seconds.items()]
    return Part("Intervals of five metrics", ["what", "predictions", "resamples", "seconds", "times ours"], rows)


if __name__ == "__main__":
    show(measure(*map(int, sys.argv[1:])))
