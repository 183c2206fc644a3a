"""Gradient boosting as `boosted`, with every word taken away: what the words add is the difference of the two.

Numbers, labels, visible values and the lengths of texts stay.
"""

from __future__ import annotations

import polars as pl

from baselines.base import Settings
from baselines.boosted import Boosted
from benchmark.bench import Bench

WORDS = ("company", "title", "body", "text")
LISTS_OF_WORDS = ("scene_text", "scene_speech", "scene_seen")


class WordlessBench(Bench):
    """A bench whose questions show texts as rows of x of their length."""

    def public(self, task: str, split: str) -> pl.DataFrame:
        """The questions of a task's split; train and validation with their answers."""
        return without_words(super().public(task, split))


class BoostedWithoutWords(Boosted):
    """Trains a model for each task, on the bench's training instances without their words, before it predicts."""

    name = "boosted_without_words"
    description = "gradient boosting as `boosted`, with all words taken away: what words add"
    answers = "every task with training instances but choices among texts"

    def applies(self, bench: Bench, task: str) -> bool:
        return super().applies(bench, task) and "option_texts" not in bench.public(task, "train").columns

    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        return super().predict(WordlessBench(bench.root, bench.manifest), task, settings)


def without_words(frame: pl.DataFrame) -> pl.DataFrame:
    """Questions whose texts are rows of x as long as they were."""
    texts = [pl.col(name).str.replace_all(r"(?s).", "x") for name in WORDS if name in frame.columns]
    lists = [
        pl.col(name).list.eval(pl.element().cast(pl.String).str.replace_all(r"(?s).", "x"))
        for name in LISTS_OF_WORDS
        if name in frame.columns and frame.schema[name] == pl.List(pl.String)
    ]
    return frame.with_columns(*texts, *lists)
