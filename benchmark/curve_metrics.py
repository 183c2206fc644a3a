"""Metrics of the order of a video's scenes, as highlight detection has them: a score a video, their mean over videos.

They read the asked scenes of a video in their order. What asks for a place among all scenes (the most replayed, the
part `after_opening`, which leaves out the first tenth since nearly every video is replayed most at its beginning) is
for tasks that ask for all of them; correlations are for all tasks of replay. Scenes with equal predictions stand for
any order of them: the scores are those expected. Videos whose true values are all equal have no order and do not count.

Kendall's tau-b and Spearman's rho; map15 and map50 (average precision of finding the 15 or 50 % of scenes that are
replayed most; equals of the last of them count too); peak_hit (the scene predicted highest is the most replayed or the
next to it).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from benchmark.metrics import Array, Flags, Judged, Metric, percent, ratio

CORRELATING = ("kendall", "spearman")
PAIRS_AT_ONCE = 20_000_000
OPENING = 0.1
Score = Callable[[Array, Array], Array]
"""True and predicted values, [videos, scenes] each -> [videos]."""


def kendall(truth: Array, predicted: Array) -> Array:
    """Kendall's tau-b of each video; 0 where the prediction has no order."""
    concordant = np.empty(len(truth))
    untied = np.empty((len(truth), 2))
    videos = max(1, PAIRS_AT_ONCE // truth.shape[1] ** 2)
    for start in range(0, len(truth), videos):
        part = slice(start, start + videos)
        signs = [np.sign(values[part, :, None] - values[part, None, :]) for values in (truth, predicted)]
        concordant[part] = np.einsum("vij,vij->v", *signs)
        untied[part] = np.stack([np.einsum("vij,vij->v", sign, sign) for sign in signs], axis=1)
    return share(concordant, np.sqrt(untied.prod(axis=1)))


def spearman(truth: Array, predicted: Array) -> Array:
    """Spearman's rho of each video; 0 where the prediction has no order."""
    ranks = [rankdata(values, axis=1) for values in (truth, predicted)]
    first, second = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    return share((first * second).sum(axis=1), np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1)))


def share(part: Array, whole: Array) -> Array:
    """Divide; 0 by 0 is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def most_replayed(truth: Array, fraction: float) -> Flags:
    """Whether each scene is of the fraction (at least one scene) that is replayed most; equals of the last are too."""
    count = max(1, round(fraction * truth.shape[1]))
    lowest = np.sort(truth, axis=1)[:, -count]
    return truth >= lowest[:, None]


def average_precision(fraction: float) -> Score:
    """The score of finding the most replayed fraction of scenes."""

    def score(truth: Array, predicted: Array) -> Array:
        positive = most_replayed(truth, fraction)
        order = np.argsort(-predicted, axis=1, kind="stable")
        ordered, hits = (np.take_along_axis(values, order, axis=1) for values in (predicted, positive))
        last_of_equals = np.ones(ordered.shape, dtype=bool)
        last_of_equals[:, :-1] = ordered[:, 1:] != ordered[:, :-1]
        hits_so_far = hits.cumsum(axis=1)
        precision = hits_so_far / np.arange(1, ordered.shape[1] + 1)
        hits_at_ends = np.where(last_of_equals, hits_so_far, 0)
        before = np.concatenate([np.zeros((len(hits), 1)), np.maximum.accumulate(hits_at_ends, axis=1)[:, :-1]], axis=1)
        gained = np.where(last_of_equals, hits_so_far - before, 0)
        scores: Array = (gained * precision).sum(axis=1) / positive.sum(axis=1)
        return scores

    return score


def peak_hit(truth: Array, predicted: Array) -> Array:
    """Share of the highest predicted scenes that are a true peak or next to one."""
    peak = truth == truth.max(axis=1, keepdims=True)
    near = peak.copy()
    near[:, 1:] |= peak[:, :-1]
    near[:, :-1] |= peak[:, 1:]
    highest = predicted == predicted.max(axis=1, keepdims=True)
    hits: Array = (near & highest).sum(axis=1) / highest.sum(axis=1)
    return hits


def curve_sums(score: Score, opening: float) -> Callable[[Judged], Array]:
    """Sums of a score: of each video, and 1 for each video whose true values differ; without the opening scenes."""

    def sums(judged: Judged) -> Array:
        lengths = judged.count.astype(np.int64)
        first = np.cumsum(lengths) - lengths
        total = np.zeros((judged.instances, 2))
        for length in np.unique(lengths):
            skipped = int(np.ceil(opening * length))
            if length - skipped < 2:
                continue
            rows = np.flatnonzero(lengths == length)
            cells = first[rows][:, None] + np.arange(skipped, length)
            truth, predicted = judged.truth[cells], judged.predicted[cells]
            ordered = truth.max(axis=1) > truth.min(axis=1)
            total[rows[ordered]] = np.stack([score(truth[ordered], predicted[ordered]), np.ones(ordered.sum())], axis=1)
        return total

    return sums


SCORES: tuple[tuple[str, Score, str], ...] = (
    ("kendall", kendall, "Kendall's tau-b of a video's asked scenes, mean over videos"),
    ("spearman", spearman, "Spearman's rho of a video's asked scenes, mean over videos"),
    ("map15", average_precision(0.15), "average precision of finding the 15 % most replayed scenes, mean over videos"),
    ("map50", average_precision(0.5), "average precision of finding the 50 % most replayed scenes, mean over videos"),
    ("peak_hit", peak_hit, "percent of videos whose highest predicted scene is the most replayed or next to it"),
)


def curve_metric(name: str, score: Score, meaning: str, opening: float) -> Metric:
    """A score as a metric, over all scenes or without the opening ones."""
    correlates = name in CORRELATING
    ending, addition = ("_after_opening", ", without the first tenth of the scenes") if opening else ("", "")
    return Metric(
        f"{name}{ending}",
        curve_sums(score, opening),
        ratio if correlates else percent,
        False,
        "difference",
        meaning + addition,
        "of 1" if correlates else "%",
        depends_on_level=False,
        detail=True,
    )


CURVE_METRICS = tuple(curve_metric(*score, opening) for opening in (0.0, OPENING) for score in SCORES)
CORRELATIONS = tuple(metric for metric in CURVE_METRICS if metric.name in CORRELATING)
