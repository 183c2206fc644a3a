"""Rank the options of a text choice by their similarity to the visible context."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from baselines.features import Array


def visible_context(frame: pl.DataFrame) -> list[str]:
    """Visible context of each masked text: captions of its scenes, or else title and description."""
    parts = frame.select(
        captions=pl.col("scene_seen").list.gather(pl.col("asked")).list.join(" "),
        message=pl.concat_str("title", "body", separator=" ", ignore_nulls=True),
    )
    return (
        parts.select(pl.when(pl.col("captions").str.strip_chars() != "").then("captions").otherwise("message"))
        .to_series()
        .to_list()
    )


def rank_options(train: pl.DataFrame, test: pl.DataFrame) -> list[list[float]]:
    """Cosine similarity of each option with the visible context, by TF-IDF of words and pairs of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [*visible_context(train), *train["option_texts"].list.first().to_list()]
    weights = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)).fit(texts)
    context: Any = weights.transform(visible_context(test))
    lengths = test["option_texts"].list.len().to_numpy()
    options = weights.transform(test["option_texts"].explode(empty_as_null=False).to_list())
    repeated = context[np.repeat(np.arange(len(lengths)), lengths)]
    similarity: Array = np.asarray(options.multiply(repeated).sum(axis=1)).ravel()
    return [part.tolist() for part in np.split(similarity, np.cumsum(lengths)[:-1])]
