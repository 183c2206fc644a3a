"""Replay values that the simulated law expects, given the visible ones.

A curve runs from its own lowest to its highest value, so what is visible tells the shape of attention but not its
level and range, and may hide where the extremes are. Draws from all curves that fit give the best answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.metrics import Array, Index
from corpus.simulate.curves import draw_curves

DRAWS = 400
MOST_DRAWS = 20_000
GRID = np.linspace(-4, 4, 41)
"""Ranges tried around the most likely one, in standard deviations."""
ROUNDING = 1 / np.sqrt(12) / 100
CLOSE = 0.02
EXTREME = 0.005
"""Visible values are rounded: those below are lowest, those above one less this are highest."""


@dataclass(frozen=True)
class Extremes:
    """Where the lowest and the highest value may be, and what follows from the visible values then.

    known: scenes whose value is known; shown: their values; rest: the others that are asked; ranges and weights: of
    attention, tried on a grid, and how likely each is; levels: the mean of the level for each range, level_sd its
    standard deviation; weight: how likely the case is, in logarithms.
    """

    known: Index
    rest: Index
    shown: Array
    precision: Array
    ranges: Array
    weights: Array
    levels: Array
    level_sd: float
    weight: float


def draw_answers(
    mean: Array, noise: Array, shown: list[float | None], asked: list[int], rng: np.random.Generator
) -> Array:
    """Draw the asked values (0 to 100) of curves that fit the shown ones: [draws, asked].

    mean: expected attention; noise: its covariance.
    """
    visible = np.array([i for i, value in enumerate(shown) if value is not None], np.int64)
    hidden = np.array(asked, np.int64)
    if not len(visible):
        return 100 * draw_curves(rng, mean, noise, DRAWS)[:, hidden]
    values = np.array([shown[i] for i in visible], np.float64) / 100
    lowest: list[int | None] = [None] if values.min() <= EXTREME else [int(i) for i in hidden]
    highest: list[int | None] = [None] if values.max() >= 1 - EXTREME else [int(i) for i in hidden]
    cases = [
        extremes(mean, noise, visible, values, hidden, low, high)
        for low in lowest
        for high in highest
        if low is None or low != high
    ]
    return 100 * draw_cases(cases, mean, noise, hidden, rng)


def extremes(
    mean: Array, noise: Array, visible: Index, values: Array, hidden: Index, low: int | None, high: int | None
) -> Extremes:
    """What follows where the scenes `low` and `high` (None: visible ones) are the extremes.

    Attention is level + range * value; both are integrated over, the level as a normal variable, the range on a grid.
    """
    at_extremes = {scene: value for scene, value in ((low, 0.0), (high, 1.0)) if scene is not None}
    known = np.concatenate([visible, np.array(list(at_extremes), np.int64)])
    shown = np.concatenate([values, np.array(list(at_extremes.values()))])
    rest = hidden[~np.isin(hidden, known)]
    spread = float(np.ptp(mean)) + 2 * float(np.sqrt(noise[-1, -1]))
    jitter = np.concatenate([np.full(len(visible), (ROUNDING * spread) ** 2), np.zeros(len(at_extremes))])
    covariance = noise[np.ix_(known, known)] + np.diag(jitter + 1e-12)
    precision = np.linalg.inv(covariance)
    ones = np.ones(len(known))
    of_level = float(ones @ precision @ ones)

    def residual(left: Array, right: Array) -> float:
        both = left @ precision @ right - (left @ precision @ ones) * (ones @ precision @ right) / of_level
        return float(both)

    square, cross, fixed = residual(shown, shown), residual(shown, mean[known]), residual(mean[known], mean[known])
    power = max(len(known) - 2, 0)
    best = (cross + np.sqrt(cross**2 + 4 * square * power)) / (2 * square)
    ranges = best + GRID / np.sqrt(square + power / best**2)
    ranges = ranges[ranges > 0]
    log_determinant = float(np.linalg.slogdet(covariance)[1])
    weights = power * np.log(ranges) - 0.5 * (ranges**2 * square - 2 * ranges * cross + fixed)
    weights += np.log(np.gradient(ranges)) - 0.5 * (log_determinant + np.log(of_level))
    levels = (ones @ precision @ (mean[known][:, None] - shown[:, None] * ranges)) / of_level
    total = log_sum(weights)
    return Extremes(
        known, rest, shown, precision, ranges, np.exp(weights - total), levels, float(1 / np.sqrt(of_level)), total
    )


def log_sum(logarithms: Array) -> float:
    """Logarithm of a sum."""
    most = float(logarithms.max())
    return most + float(np.log(np.exp(logarithms - most).sum()))


def draw_cases(cases: list[Extremes], mean: Array, noise: Array, hidden: Index, rng: np.random.Generator) -> Array:
    """Draw values of the hidden scenes from weighted cases; draws outside the extremes are rejected."""
    of_case = np.array([case.weight for case in cases])
    share = np.exp(of_case - log_sum(of_case))
    kept, wanted, drawn = np.zeros((0, len(hidden))), DRAWS, 0
    while len(kept) < DRAWS and drawn < MOST_DRAWS:
        parts = [kept]
        for case, draws in zip(cases, rng.multinomial(wanted, share), strict=True):
            if draws:
                values = draw_case(case, mean, noise, hidden, int(draws), rng)
                parts.append(values[((values >= 0) & (values <= 1)).all(axis=1)])
        kept, drawn = np.concatenate(parts), drawn + wanted
        accepted = max(len(kept), 1) / drawn
        wanted = min(int(1.2 * (DRAWS - len(kept)) / accepted) + 1, MOST_DRAWS)
    if not len(kept):  # what is shown lies far from the law: the nearest that fits
        kept = np.clip(draw_case(cases[int(share.argmax())], mean, noise, hidden, DRAWS, rng), 0, 1)
    return kept


def draw_case(case: Extremes, mean: Array, noise: Array, hidden: Index, draws: int, rng: np.random.Generator) -> Array:
    """Draw values of the hidden scenes where the extremes are known, also such as lie outside them."""
    chosen = rng.choice(len(case.ranges), draws, p=case.weights)
    width = case.ranges[chosen]
    level = case.levels[chosen] + case.level_sd * rng.normal(size=draws)
    attention = level[:, None] + width[:, None] * case.shown
    values = np.zeros((draws, len(mean)))
    values[:, case.known] = case.shown
    if len(case.rest):
        pull = noise[np.ix_(case.rest, case.known)] @ case.precision
        left = noise[np.ix_(case.rest, case.rest)] - pull @ noise[np.ix_(case.known, case.rest)]
        root = np.linalg.cholesky(left + 1e-10 * np.eye(len(case.rest)))
        drawn = mean[case.rest] + (attention - mean[case.known]) @ pull.T
        drawn += rng.normal(size=drawn.shape) @ root.T
        values[:, case.rest] = (drawn - level[:, None]) / width[:, None]
    return values[:, hidden]


def least_rmse(draws: Array, steps: int = 50) -> Array:
    """The values whose root mean squared error to the draws is the least on average (Weiszfeld's algorithm)."""
    point: Array = draws.mean(axis=0)
    for _ in range(steps):
        weights = 1 / np.maximum(np.linalg.norm(draws - point, axis=1), 1e-6)
        earlier, point = point, weights @ draws / weights.sum()
        if np.abs(point - earlier).max() < CLOSE:
            break
    return point


def most_near(draws: Array, tolerance: int) -> Array:
    """For each value, the whole number that has most draws at most `tolerance` off; curves are of whole numbers."""
    window, shown = np.ones(2 * tolerance + 1), np.round(draws).astype(np.int64)
    counts = [np.convolve(np.bincount(values, minlength=101), window, "same") for values in shown.T]
    return np.array([float(count.argmax()) for count in counts])
