"""Choosing one text among options: the one whose words are most like what is seen while it is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from baselines.features import Array


def around(frame: pl.DataFrame) -> list[str]:
    """What is known of each masked text: what is seen in its own scenes, else title and description."""
    asked = frame.select(
        seen=pl.col("scene_seen").list.gather(pl.col("asked")).list.join(" "),
        rest=pl.concat_str("title", "body", separator=" ", ignore_nulls=True),
    )
    return (
        asked.select(pl.when(pl.col("seen").str.strip_chars() != "").then("seen").otherwise("rest"))
        .to_series()
        .to_list()
    )


def rank_options(train: pl.DataFrame, test: pl.DataFrame) -> list[list[float]]:
    """Cosine similarity of each option with what is known; words and pairs of words weigh by their rarity."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [*around(train), *train["option_texts"].list.first().to_list()]
    weights = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)).fit(texts)
    known: Any = weights.transform(around(test))
    lengths = test["option_texts"].list.len().to_numpy()
    options = weights.transform(test["option_texts"].explode(empty_as_null=False).to_list())
    alike: Array = np.asarray(options.multiply(known[np.repeat(np.arange(len(lengths)), lengths)]).sum(axis=1)).ravel()
    return [part.tolist() for part in np.split(alike, np.cumsum(lengths)[:-1])]
