"""The best possible answers in the simulated world, from its law (corpus/simulate/law.py) and what a prompt shows.

Replay: the conditional mean of the asked scenes given the visible ones, under the law's normal noise.
Likes and views: their mean under the law, the channel's hidden effect being noise. Posts: the likelier class given the
account's cuts. Speech: the right option (what is seen names what is said), an upper bound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import norm

from benchmark.tasks.base import Task
from corpus.simulate import law as rules

LAW = "law@1"
Array = npt.NDArray[np.float64]
Answers = tuple[list[list[float]], list[list[float]] | None]


def oracle_answers(task: Task, test: pl.DataFrame, law: pl.DataFrame) -> pl.DataFrame:
    """Columns instance_id, values, scores (choices: one an option) for every test instance."""
    frame = test.join(law, on="message_id", how="left", maintain_order="left")
    answers, scores = BEST[task.table](frame)
    return frame.select(
        "instance_id",
        pl.Series("values", answers, pl.List(pl.Float64)),
        pl.Series("scores", scores, pl.List(pl.Float64))
        if scores
        else pl.lit(None, pl.List(pl.Float64)).alias("scores"),
    )


def replay_values(frame: pl.DataFrame) -> Answers:
    """One conditional mean a video; the first scene is always 100."""
    rows = frame.select("replay_mean", "replay", "asked").iter_rows()
    return [conditional(np.array(mean), shown, asked) for mean, shown, asked in rows], None


def conditional(mean: Array, shown: list[float | None], asked: list[int]) -> list[float]:
    """Expected replay values of the asked scenes given the shown ones."""
    scenes = np.arange(len(mean))
    distance = np.abs(scenes[:, None] - scenes[None, :])
    covariance = rules.REPLAY_CHANNEL_SD**2 + rules.REPLAY_NOISE_SD**2 * rules.REPLAY_NOISE_AR**distance
    known = np.array([i for i in scenes[1:] if shown[i] is not None], int)
    wanted = np.array(asked, int)
    share = np.clip([shown[i] for i in known], 0.5, 99.5) / 100
    weights = np.linalg.solve(covariance[np.ix_(known, known)], covariance[np.ix_(known, wanted)]).T
    center = mean[wanted] + weights @ (np.log(share / (1 - share)) - mean[known])
    spread = np.sqrt(np.diag(covariance[np.ix_(wanted, wanted)] - weights @ covariance[np.ix_(known, wanted)]))
    expected = 100 * logistic_mean(center, spread)
    return [100.0 if scene == 0 else float(value) for scene, value in zip(wanted, expected, strict=True)]


def logistic_mean(center: Array, spread: Array) -> Array:
    """Mean of 1 / (1 + exp(-z)) for normal z, by Gauss-Hermite quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(20)
    z = center[:, None] + spread[:, None] * points
    mean: Array = (weights / (1 + np.exp(-z))).sum(1) / weights.sum()
    return mean


def log_normal_mean(ln: pl.Series, variance: float) -> list[list[float]]:
    """Means of log-normal variables."""
    return [[float(np.exp(value + variance / 2))] for value in ln]


def like_view_values(frame: pl.DataFrame) -> Answers:
    return log_normal_mean(frame["like_view_ln"], rules.LIKE_VIEW_NOISE_SD**2 + rules.LIKE_VIEW_CHANNEL_SD**2), None


def view_values(frame: pl.DataFrame) -> Answers:
    return log_normal_mean(frame["views_ln"], rules.VIEWS_NOISE_SD**2), None


def post_values(frame: pl.DataFrame) -> Answers:
    """The likelier class, given where its account's low posts end and its high ones begin (likes)."""
    log = {name: np.log(np.maximum(frame[name].to_numpy(), 0.5)) for name in ("low_below", "high_above")}
    expected = frame["post_ln"].to_numpy()
    low = norm.cdf((log["low_below"] - expected) / rules.POST_NOISE_SD)
    high = norm.sf((log["high_above"] - expected) / rules.POST_NOISE_SD)
    share = high / np.maximum(low + high, 1e-12)
    return [[float(p > 0.5)] for p in share], [[float(1 - p), float(p)] for p in share]


def spoken_values(frame: pl.DataFrame) -> Answers:
    """The right option: an upper bound."""
    return frame["target"].to_list(), None


BEST = {
    "replay_values": replay_values,
    "like_view_ratio": like_view_values,
    "views": view_values,
    "twitter_likes": post_values,
    "content_simulation": spoken_values,
}
