"""The best possible answers in the simulated world, from its law (corpus/world.py) and what a prompt shows.

Replay: the conditional mean of the asked scenes given the visible ones, under the law's normal noise, cut to 0..100.
Likes and views: their mean under the law, the channel's hidden effect being noise. Posts: the likelier class given the
account's cuts. Speech: the right option (what is seen names what is said), an upper bound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import norm

from benchmark.tasks.base import Task
from corpus import world

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
    covariance = world.REPLAY_CHANNEL_SD**2 + world.REPLAY_NOISE_SD**2 * world.REPLAY_NOISE_AR**distance
    known = np.array([i for i in scenes[1:] if shown[i] is not None], int)
    wanted = np.array(asked, int)
    seen = np.array([shown[i] for i in known], float) / 100
    weights = np.linalg.solve(covariance[np.ix_(known, known)], covariance[np.ix_(known, wanted)]).T
    center = mean[wanted] + weights @ (seen - mean[known])
    spread = np.sqrt(np.diag(covariance[np.ix_(wanted, wanted)] - weights @ covariance[np.ix_(known, wanted)]))
    expected = 100 * clipped_mean(center, spread)
    return [100.0 if scene == 0 else float(value) for scene, value in zip(wanted, expected, strict=True)]


def clipped_mean(center: Array, spread: Array) -> Array:
    """Mean of a normal variable cut to [0, 1]."""
    low, high = -center / spread, (1 - center) / spread
    inside = norm.cdf(high) - norm.cdf(low)
    mean: Array = center * inside + spread * (norm.pdf(low) - norm.pdf(high)) + 1 - norm.cdf(high)
    return mean


def log_normal_mean(ln: pl.Series, variance: float) -> list[list[float]]:
    """Means of log-normal variables."""
    return [[float(np.exp(value + variance / 2))] for value in ln]


def like_view_values(frame: pl.DataFrame) -> Answers:
    return log_normal_mean(frame["like_view_ln"], world.LIKE_VIEW_NOISE_SD**2 + world.LIKE_VIEW_CHANNEL_SD**2), None


def view_values(frame: pl.DataFrame) -> Answers:
    return log_normal_mean(frame["views_ln"], world.VIEWS_NOISE_SD**2), None


def post_values(frame: pl.DataFrame) -> Answers:
    """The likelier class: the account's cuts lie between its low and its high posts of the same block."""
    block = ["cluster", "block"]
    cuts = frame.with_columns(
        lower=pl.col("likes").filter(pl.col("like_class") == "low").max().over(block),
        upper=pl.col("likes").filter(pl.col("like_class") == "high").min().over(block),
    )
    log = {name: np.log(np.maximum(cuts[name].fill_null(1).to_numpy(), 0.5)) for name in ("lower", "upper")}
    expected = cuts["post_ln"].to_numpy()
    low = norm.cdf((log["lower"] - expected) / world.POST_NOISE_SD)
    high = norm.sf((log["upper"] - expected) / world.POST_NOISE_SD)
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
