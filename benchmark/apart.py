"""Who is apart from whom: one joint test of a whole family of comparisons, by exchanging answers group by group.

If two runs differ by luck alone, it does not matter which of them gave which answers to a group's questions (it does
where they are equally good on average but one has rare large errors: then more are called apart). So each group either
keeps the answers of both runs or exchanges them, for all comparisons of the family at once: all ways where there are at
most RESAMPLES, else random ones. A comparison is apart where its statistic is larger than the largest of the whole
family in all but 5 % of the ways (single-step max-T), and its own 95 % interval excludes zero. So among runs that
differ by luck, at most 5 % of families call anybody apart. Above BLOCKS groups, random blocks of groups exchange.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.intervals import FEWEST_GROUPS, LEVEL, Interval, difference_interval, effective_groups
from benchmark.metrics import Array, Metric

RESAMPLES = 10_000
BLOCKS = 2_000
ROWS = 250  # ways drawn at a time: memory does not grow with their number
TIE = 1e-4  # statistics this close are equal in single precision
Flags = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Contest:
    """A run and its rival on the same questions of a condition, on one metric.

    run, rival: [groups, k] sums; sizes: [groups] instances; names: [groups], the same group in all conditions.
    """

    metric: Metric
    run: Array
    rival: Array
    sizes: Array
    names: npt.NDArray[Any]

    @property
    def decidable(self) -> bool:
        """Whether it can be apart at all."""
        return effective_groups(self.sizes) >= FEWEST_GROUPS and not self.metric.heavy_tailed

    def difference(self) -> Interval:
        """Difference of the run and its rival in the metric's unit, with its own 95 % bounds."""
        return difference_interval(self.metric, self.run, self.rival, self.sizes)

    def exchanged(self) -> Array:
        """Half of what the difference loses when the two exchange one group's answers: [groups]."""
        finish, moved = self.metric.finish, self.run - self.rival
        run, rival = self.run.sum(axis=0), self.rival.sum(axis=0)
        return (finish(run) - finish(rival) - finish(run - moved) + finish(rival + moved)) / 2


@dataclass(frozen=True)
class Verdict:
    """A contest's p-value, adjusted for its whole family, and whether the two are apart.

    critical: the statistic from which the family's joint test calls apart; None where it cannot.
    """

    p: float
    apart: bool
    critical: float | None


def verdicts(family: Sequence[Contest], resamples: int = RESAMPLES) -> list[Verdict]:
    """Judge all contests of a family jointly."""
    decidable = [place for place, contest in enumerate(family) if contest.decidable]
    p_values, critical = np.ones(len(family)), None
    if decidable:
        contributions = side_by_side([family[place] for place in decidable])
        p_values[decidable], critical = joint_test(contributions, resamples)
    level = 1 - LEVEL + 1e-9
    return [
        Verdict(float(p), bool(p <= level and contest.difference().excludes_zero), critical)
        for p, contest in zip(p_values, family, strict=True)
    ]


def side_by_side(family: Sequence[Contest]) -> Array:
    """What every group contributes to each contest, 0 where it is not asked: [all groups, contests]."""
    distinct = {id(contest.names): contest.names for contest in family}
    union = np.unique(np.concatenate(list(distinct.values())))
    place = {key: np.searchsorted(union, names) for key, names in distinct.items()}
    contributions = np.zeros((len(union), len(family)))
    for column, contest in enumerate(family):
        contributions[place[id(contest.names)], column] = contest.exchanged()
    return np.nan_to_num(contributions, nan=0.0, posinf=0.0, neginf=0.0)


def joint_p_values(contributions: Array, resamples: int = RESAMPLES) -> Array:
    """Adjusted p-values of the hypotheses that contributions have random signs: [groups, contests] -> [contests]."""
    return joint_test(contributions, resamples)[0]


def joint_test(contributions: Array, resamples: int = RESAMPLES) -> tuple[Array, float]:
    """Those p-values, and the statistic from which they are 5 % and less: a sum over the root of the sum of squares."""
    merged = merge_groups(contributions)
    length = np.sqrt((merged**2).sum(axis=0))
    scaled = np.divide(merged, length, out=np.zeros_like(merged), where=length > 0)
    kept, every = scaled.sum(axis=0), []
    observed, single = np.abs(kept), scaled.astype(np.float32)
    for exchanged in exchanges(len(scaled), resamples):
        every.append(np.abs(kept - 2 * (exchanged @ single)).max(axis=1))
    largest = np.sort(np.concatenate(every))
    ways = len(largest)
    exceeded = ways - np.searchsorted(largest, observed - TIE)
    return exceeded / ways, float(largest[ways - 1 - int((1 - LEVEL + 1e-9) * ways)]) + TIE


def merge_groups(contributions: Array, seed: int = 0) -> Array:
    """Merge more than BLOCKS groups into random blocks of equal numbers of groups: [groups, k] -> [blocks, k]."""
    if len(contributions) <= BLOCKS:
        return contributions
    block = np.random.default_rng(seed).permutation(len(contributions)) % BLOCKS
    return np.stack([np.bincount(block, weights=column) for column in contributions.T], axis=1)


def exchanges(groups: int, resamples: int, seed: int = 0) -> Iterator[Flags]:
    """Yield which groups exchange, [ways, groups] of 0 and 1: every way but its opposite, or none and random ones."""
    if 2 ** (groups - 1) <= resamples:
        yield ((np.arange(2 ** (groups - 1))[:, None] >> np.arange(groups)) & 1).astype(np.float32)
        return
    rng = np.random.default_rng(seed)
    yield np.zeros((1, groups), dtype=np.float32)
    for start in range(1, resamples, ROWS):
        rows = min(ROWS, resamples - start)
        bits = np.unpackbits(np.frombuffer(rng.bytes(-(-rows * groups // 8)), dtype=np.uint8), count=rows * groups)
        yield bits.reshape(rows, groups).astype(np.float32)
