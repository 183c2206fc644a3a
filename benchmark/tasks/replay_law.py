"""Expected replay values under the simulated world's law, given the visible ones."""

from __future__ import annotations

import numpy as np

from benchmark.metrics import Array
from corpus.simulate import law as rules


def conditional_mean(mean: Array, shown: list[float | None], asked: list[int]) -> list[float]:
    """Expected replay values of the asked scenes given the shown ones; the first scene is always 100."""
    scenes = np.arange(len(mean))
    distance = np.abs(scenes[:, None] - scenes[None, :])
    covariance = rules.REPLAY_CHANNEL_SD**2 + rules.REPLAY_NOISE_SD**2 * rules.REPLAY_NOISE_AR**distance
    known = np.array([i for i in scenes[1:] if shown[i] is not None], int)
    target = np.array(asked, int)
    share = np.clip([shown[i] for i in known], 0.5, 99.5) / 100
    weights = np.linalg.solve(covariance[np.ix_(known, known)], covariance[np.ix_(known, target)]).T
    center = mean[target] + weights @ (np.log(share / (1 - share)) - mean[known])
    spread = np.sqrt(np.diag(covariance[np.ix_(target, target)] - weights @ covariance[np.ix_(known, target)]))
    expected = 100 * logistic_mean(center, spread)
    return [100.0 if scene == 0 else float(value) for scene, value in zip(target, expected, strict=True)]


def logistic_mean(center: Array, spread: Array) -> Array:
    """Mean of 1 / (1 + exp(-z)) for normal z, by Gauss-Hermite quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(20)
    z = center[:, None] + spread[:, None] * points
    mean: Array = (weights / (1 + np.exp(-z))).sum(1) / weights.sum()
    return mean
