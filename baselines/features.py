"""Compute features of messages and scenes: word counts, and the numbers beside the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmark.message_numbers import DAY, message_numbers

if TYPE_CHECKING:
    from baselines.seen_numbers import SeenNumbers

Array = npt.NDArray[np.float64]
WORDS = 400  # the most frequent in the training texts; more words take time and do not help the trees
MIN_TEXTS = 3
UNKNOWN = -1.0
LEAST_MESSAGES = 20  # of a category, country or language that counts by itself


class Words:
    """Counts of the frequent words of the training texts, as a sparse matrix [texts, words]."""

    def __init__(self, texts: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        vectorizer = CountVectorizer(max_features=WORDS, min_df=min(MIN_TEXTS, max(len(texts), 1)), dtype=np.float64)
        try:
            self.vectorizer = vectorizer.fit(texts)
        except ValueError:  # no word is frequent enough
            self.vectorizer = None

    def matrix(self, texts: Sequence[str]) -> Any:
        """Count the words of texts: sparse [texts, words]."""
        from scipy.sparse import csr_matrix

        return csr_matrix((len(texts), 1)) if self.vectorizer is None else self.vectorizer.transform(texts)


def message_texts(frame: pl.DataFrame) -> list[str]:
    """Company, title, body and other text of each message, joined."""
    parts = [pl.col(name).fill_null("") for name in ("company", "title", "body", "text")]
    return frame.select(pl.concat_str(parts, separator=" ")).to_series().to_list()


def titles(frame: pl.DataFrame) -> list[str]:
    """Title of each message, or an empty text."""
    return frame["title"].fill_null("").to_list()


LABELS = ("category", "country", "language", "flags")


class MessageFeatures:
    """Numbers, labels and words of messages as a sparse matrix, with the labels and words of the training messages.

    `timeless` leaves out the day, since trees cannot extrapolate over time. With `seen` there are also numbers of what
    messages show.
    """

    def __init__(self, train: pl.DataFrame, timeless: bool = False, seen: SeenNumbers | None = None) -> None:
        from sklearn.preprocessing import OneHotEncoder

        self.timeless, self.seen = timeless, seen
        self.words = Words(message_texts(train))
        self.labels = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=LEAST_MESSAGES)
        self.labels.fit(label_columns(train))

    def matrix(self, frame: pl.DataFrame) -> Any:
        """Features: sparse [messages, numbers + labels + words]."""
        from scipy.sparse import csr_matrix, hstack

        numbers = np.nan_to_num(message_numbers(frame), nan=UNKNOWN)
        if self.timeless:
            numbers = np.delete(numbers, DAY, axis=1)
        if self.seen is not None:
            numbers = np.hstack([numbers, np.nan_to_num(self.seen.of_messages(frame), nan=UNKNOWN)])
        labels = self.labels.transform(label_columns(frame))
        return hstack([csr_matrix(numbers), labels, self.words.matrix(message_texts(frame))], "csr")


def label_columns(frame: pl.DataFrame) -> Any:
    """Category, country, language and flags of each message as texts, [messages, 4]."""
    return frame.select(pl.col(name).cast(pl.String).fill_null("") for name in LABELS).to_numpy()


def scene_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """A row for each scene, in order.

    Columns: row (index in `frame`), group, scene, scenes, position (0..1), scene_text, visible (replay value,
    null if masked), asked (whether the value is asked for), value (the truth, if known).
    """
    lists = frame.with_row_index("row").select(
        "row",
        "group",
        pl.col("scene_text"),
        pl.col("replay").alias("visible"),
        pl.int_ranges(0, pl.col("replay").list.len()).alias("scene"),
        pl.col("replay").list.len().alias("scenes"),
    )
    rows = lists.explode("scene_text", "visible", "scene").with_columns(pl.col("scene_text").fill_null(""))
    answers = frame.with_row_index("row").select("row", pl.col("asked").alias("scene"), pl.col("target").alias("truth"))
    if answers["truth"].null_count():
        answers = answers.with_columns(truth=pl.col("scene").list.eval(pl.lit(None, pl.Float64)))
    asked = answers.explode("scene", "truth").with_columns(asked=pl.lit(True))
    return (
        rows.join(asked, ["row", "scene"], "left", maintain_order="left")
        .with_columns(
            pl.col("asked").fill_null(False),
            value=pl.coalesce("truth", "visible"),
            position=pl.col("scene") / (pl.col("scenes") - 1).clip(1),
        )
        .drop("truth")
    )
