"""Shared words: choose the text that shares most of its words with the visible part of the question."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from benchmark.references.base import Reference, ValueLists

WORD = re.compile(r"\w{3,}")


def words(text: str) -> set[str]:
    """Distinct words of three letters or more."""
    return set(WORD.findall(text.lower()))


def overlap(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Choose the option with the largest share of words in the question's visible text; the first of equals.

    Only the prompt without its options is used: content columns of the message contain the masked speech too.
    """
    values: ValueLists = []
    texts = "option_texts" if "option_texts" in test.columns else "options"
    for prompt, options in test.select("prompt", texts).iter_rows():
        for option in options:
            prompt = prompt.replace(option, " ")
        visible = words(prompt)
        shares = [len(words(option) & visible) / max(len(words(option)), 1) for option in options]
        values.append([float(np.argmax(shares))])
    return values


OVERLAP = Reference("overlap", "the option that shares most words with the visible text", "speech choice", overlap)
