"""Draws of hidden replay values are those of all curves under the law that show the same: found by brute force too."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.tasks.replay_law import draw_answers, least_rmse, most_near
from corpus.simulate.curves import covariance, draw_curves

MEAN = np.array([0.9, 0.2, 0.5, 0.1, 0.6, -0.1])
NOISE = covariance(6, 0.3, 60, 0.1, 12, 0.3)
NEAR = 2.0  # points of 100: how alike the shown values of brute force must be


def brute_force(shown: list[float | None], asked: list[int]) -> np.ndarray:
    """Draw many curves and keep those that happen to show nearly the same."""
    rng = np.random.default_rng(5)
    curves = 100 * draw_curves(rng, MEAN, NOISE, 3_000_000)
    alike = np.ones(len(curves), bool)
    for scene, value in enumerate(shown):
        if value is not None:
            alike &= np.abs(curves[:, scene] - value) < (0.5 if value in (0, 100) else NEAR)
    return curves[alike][:, asked]


@pytest.mark.parametrize(
    ("shown", "asked"),
    [
        ([100.0, 40.0, None, None, 70.0, 0.0], [2, 3]),  # both extremes are seen
        ([None, None, 62.0, 30.0, 65.0, 0.0], [0, 1]),  # the highest is hidden
        ([100.0, 40.0, 62.0, 30.0, None, None], [4, 5]),  # the lowest is hidden
        ([None, 40.0, 62.0, 30.0, None, None], [0, 4, 5]),  # both are hidden
    ],
)
def test_draws_are_those_of_brute_force(shown, asked):
    direct = brute_force(shown, asked)
    assert len(direct) > 300
    rng = np.random.default_rng(0)
    draws = np.concatenate([draw_answers(MEAN, NOISE, shown, asked, rng) for _ in range(8)])
    error = 4 * direct.std(0) * np.sqrt(1 / len(direct) + 1 / len(draws)) + 0.6  # NEAR blurs the brute force a little
    assert (np.abs(draws.mean(0) - direct.mean(0)) < error).all()
    assert draws.std(0) == pytest.approx(direct.std(0), rel=0.2, abs=0.6)
    for scene in range(len(asked)):
        shares = [[(part[:, scene] <= at).mean() for at in (1, 25, 50, 75, 99)] for part in (draws, direct)]
        assert shares[0] == pytest.approx(shares[1], abs=0.08)


def test_with_nothing_shown_draws_are_those_of_the_law():
    draws = draw_answers(MEAN, NOISE, [None] * 6, list(range(6)), np.random.default_rng(0))
    assert draws.min(axis=1) == pytest.approx(0) and draws.max(axis=1) == pytest.approx(100)
    assert draws.mean(0) == pytest.approx(
        100 * draw_curves(np.random.default_rng(1), MEAN, NOISE, 20_000).mean(0), abs=6
    )


def test_values_that_no_curve_of_the_law_shows_give_answers_all_the_same():
    draws = draw_answers(MEAN, NOISE / 1e4, [0.0, 100.0, None, 90.0, 0.0, 100.0], [2], np.random.default_rng(0))
    assert len(draws) and ((draws >= 0) & (draws <= 100)).all()


def test_the_point_of_least_rmse_beats_its_neighbors_and_the_mean():
    rng = np.random.default_rng(2)
    draws = np.where(rng.random((4000, 1)) < 0.8, rng.normal(20, 3, (4000, 3)), rng.normal(90, 3, (4000, 3)))

    def rmse(point: np.ndarray) -> float:
        return float(np.sqrt(((draws - point) ** 2).mean(1)).mean())

    best = least_rmse(draws)
    assert rmse(best) < rmse(draws.mean(0)) - 1
    assert all(rmse(best) <= rmse(best + step) + 1e-3 for step in rng.normal(0, 1, (30, 3)))


def test_the_window_holds_most_draws():
    draws = np.array([[0.0], [50.0], [52.0], [59.0], [100.0]])
    assert most_near(draws, 5) == pytest.approx([54])
