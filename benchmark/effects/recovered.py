"""How much of the planted effects of a factor shows in some answers: size, signs, order.

size: the slope of recovered on planted effects, 1 where all is recovered, 0 where nothing is, below 0 where the signs
are turned. signs: of the levels whose planted effect is larger than the noise of the test part, how many are recovered
with the right sign. order: Kendall's tau-b of the levels, 1 where they stand in the planted order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.curve_metrics import kendall
from benchmark.effects.regression import Effects
from benchmark.intervals import PLAIN, Interval, student
from benchmark.metrics import Array, Flags

NOTHING = 1e-3
"""Planted effects below this are none: a thousandth of a decade, or of a point of 100."""
FEWEST_ORDERED = 3
"""Levels that have an order worth a word."""


@dataclass(frozen=True)
class Recovered:
    """What some answers show of a factor; size, order and signs are None where nothing is planted.

    effects: an interval for each level; spread: root mean square of the recovered effects.
    """

    effects: list[Interval]
    spread: float
    size: Interval | None
    signs_right: int | None
    order: float | None


def is_planted(planted: Array) -> bool:
    """Whether the law has any effect: [levels]."""
    return bool(np.abs(planted).max() >= NOTHING)


def visible_levels(planted: Array, true_outcomes: list[Interval]) -> Flags:
    """Which planted effects, [levels], are larger than the noise: half the width of the true outcomes' intervals."""
    noise = [np.inf if e.low is None or e.high is None else (e.high - e.low) / 2 for e in true_outcomes]
    visible: Flags = np.abs(planted) > np.array(noise)
    return visible


def intervals_of(effects: Effects, outcome: int, sizes: Array) -> list[Interval]:
    """The effect of each level in an outcome; sizes: [groups] questions."""
    full, without = effects.full[:, outcome], effects.without[:, :, outcome]
    return [student(float(full[level]), without[:, level], sizes, PLAIN) for level in range(len(full))]


def compare_effects(effects: Effects, planted: int, outcome: int, visible: Flags, sizes: Array) -> Recovered:
    """Compare the effects in an outcome with those in the outcome `planted`, what the law expects."""
    law, seen = effects.full[:, planted], effects.full[:, outcome]
    shown = intervals_of(effects, outcome, sizes)
    spread = float(np.sqrt((seen**2).mean()))
    if not is_planted(law):
        return Recovered(shown, spread, None, None, None)
    without = slope(effects.without[:, :, planted], effects.without[:, :, outcome])
    size = student(float(slope(law, seen)), without, sizes, PLAIN)
    order = float(kendall(law[None], seen[None])[0]) if len(law) >= FEWEST_ORDERED else None
    right = int(((law * seen > 0) & visible).sum()) if visible.any() else None
    return Recovered(shown, spread, size, right, order)


def slope(planted: Array, recovered: Array) -> Array:
    """Slope through the origin of recovered on planted effects: [..., levels] -> [...]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes: Array = (planted * recovered).sum(axis=-1) / (planted**2).sum(axis=-1)
    return slopes
