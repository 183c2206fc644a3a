"""References of tasks that ask for one answer about a whole message: each reads one number beside the text."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmark.references.base import Reference, ValueLists
from benchmark.references.bins import by_bin

TEXT_CHARACTERS = pl.col("text").fill_null("").str.len_chars()


def views_per_follower(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Read the views from a straight line through logarithms of views and of the audience, fitted in training.

    Messages of an unknown audience get the geometric mean of those in training.
    """
    audience, asked = (
        frame.select(pl.col("audience").cast(pl.Float64).log1p()).to_series().to_numpy() for frame in (train, test)
    )
    views = np.log(np.maximum(train["target"].list.first().cast(pl.Float64).to_numpy(), 1))
    known = np.isfinite(audience)
    unknown_mean = views[~known].mean() if (~known).any() else views.mean()
    if np.unique(audience[known]).size < 2:
        slope, level = 0.0, views[known].mean() if known.any() else unknown_mean
    else:
        slope, level = np.polyfit(audience[known], views[known], 1)
    fitted = np.where(np.isfinite(asked), level + slope * np.nan_to_num(asked), unknown_mean)
    return [[float(value)] for value in np.exp(fitted)]


VIEWS_PER_FOLLOWER = Reference(
    "views_per_follower",
    "a straight line through logarithms of followers and views",
    "views of videos",
    views_per_follower,
    "factor",
)
VIEWS_BY_AGE = Reference(
    "views_by_age",
    "the mean of training messages of about the same age",
    "views of videos",
    by_bin(pl.col("age_days"), logarithms=True),
    "factor",
)
VIEWS_BY_LENGTH = Reference(
    "views_by_text_length",
    "the mean of training messages with a text of about the same length",
    "views of videos",
    by_bin(TEXT_CHARACTERS, logarithms=True),
    "factor",
)
RATIO_BY_AGE = Reference(
    "by_age",
    "the mean of training messages of about the same age",
    "likes per view",
    by_bin(pl.col("age_days")),
    "shift",
)
RATIO_BY_VIEWS = Reference(
    "by_views",
    "the mean of training messages with about as many views",
    "likes per view",
    by_bin(pl.col("views")),
    "shift",
)
RATIO_BY_FOLLOWERS = Reference(
    "by_followers",
    "the mean of training messages with about as many followers",
    "likes per view",
    by_bin(pl.col("audience")),
    "shift",
)
RATIO_BY_LENGTH = Reference(
    "by_text_length",
    "the mean of training messages with a text of about the same length",
    "likes per view",
    by_bin(TEXT_CHARACTERS),
    "shift",
)
CLASS_BY_LENGTH = Reference(
    "text_length",
    "the class that was right most often for texts of about the same length",
    "tweets' likes",
    by_bin(TEXT_CHARACTERS),
)
