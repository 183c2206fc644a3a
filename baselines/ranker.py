"""Choosing one text among options: the one whose words are most like those of the question around it."""

from __future__ import annotations

import numpy as np
import polars as pl

from baselines.features import Array


def without_options(frame: pl.DataFrame) -> list[str]:
    """Each prompt with its own options taken out, so that every option is compared with the rest alone."""
    texts = []
    for prompt, options in zip(frame["prompt"], frame["options"], strict=True):
        for option in options:
            prompt = prompt.replace(option, " ")
        texts.append(prompt)
    return texts


def rank_options(train: pl.DataFrame, test: pl.DataFrame) -> list[list[float]]:
    """Cosine similarity of each option with its question, words weighted by their rarity in the training prompts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    weights = TfidfVectorizer(sublinear_tf=True).fit(without_options(train))
    around = weights.transform(without_options(test))
    lengths = test["options"].list.len().to_numpy()
    options = weights.transform(test["options"].explode(empty_as_null=False).to_list())
    owner = np.repeat(np.arange(len(lengths)), lengths)
    alike: Array = np.asarray(options.multiply(around[owner]).sum(axis=1)).ravel()
    return [part.tolist() for part in np.split(alike, np.cumsum(lengths)[:-1])]
