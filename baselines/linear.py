"""Linear models of words: TF-IDF with ridge or logistic regression, the plainest model that reads the text.

Of numbers they correct the best reference, whose answers to training questions come from other groups, so that what is
learned is what content adds: to whole messages by words and pairs of words, the labels, and the numbers in bins; to
replay curves by the words of a scene and of its title. Options are chosen from the same words, labels and numbers. How
much to regularize is tried on validation, and whether the reference answers alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from baselines.base import Predictor, Settings, questions
from baselines.choices import Choose, choice_frame, choose_where_it_helps
from baselines.corrected import correct_reference
from baselines.correction import Gaps, learn_correction
from baselines.features import LABELS, Array, label_columns, message_texts, scene_rows, titles
from baselines.learned import fitted, right_options, validation_frame
from benchmark.answers.values import Values
from benchmark.bench import Bench
from benchmark.message_numbers import message_numbers
from benchmark.reference_rows import provided_answers, start_reference
from benchmark.references.bins import bin_edges
from benchmark.tasks.registry import task_named

ALPHAS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
WORDS, BINS, LEAST = 200_000, 16, 3
BIN_WEIGHT = 0.3  # a text has unit length, and a message about a dozen bins
Lists = list[list[float]]


def make_words(texts: list[str], pairs: bool) -> Any:
    """TF-IDF of words, with `pairs` of neighbouring words too, fitted to the training texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    least = min(LEAST, max(len(texts), 1))
    span = (1, 2) if pairs else (1, 1)
    words = TfidfVectorizer(sublinear_tf=True, min_df=least, max_features=WORDS, ngram_range=span, dtype=np.float64)
    try:
        return words.fit(texts)
    except ValueError:  # no word is frequent enough
        return words.set_params(min_df=1).fit([*texts, "nothing"])


class WordsAndBins:
    """A sparse matrix of messages: TF-IDF of their words, their labels, and the bins of their numbers."""

    def __init__(self, train: pl.DataFrame) -> None:
        from sklearn.preprocessing import OneHotEncoder

        self.words = make_words(message_texts(train), pairs=True)
        self.labels = OneHotEncoder(handle_unknown="ignore", min_frequency=LEAST).fit(label_columns(train))
        numbers = message_numbers(train)
        self.edges = [bin_edges(column, BINS) for column in numbers.T]
        self.bins = OneHotEncoder(handle_unknown="ignore").fit(self.binned(numbers))

    def binned(self, numbers: Array) -> Array:
        """The bin of each number; -1 where it is unknown."""
        columns = [np.searchsorted(edges, column) for edges, column in zip(self.edges, numbers.T, strict=True)]
        return np.where(np.isfinite(numbers), np.stack(columns, axis=1), -1).astype(np.float64)

    def matrix(self, frame: pl.DataFrame) -> Any:
        """Features: sparse [messages, words + labels + bins]."""
        from scipy.sparse import hstack

        labels, numbers = self.labels.transform(label_columns(frame)), self.binned(message_numbers(frame))
        words = self.words.transform(message_texts(frame))
        return hstack([words, labels / np.sqrt(len(LABELS)), BIN_WEIGHT * self.bins.transform(numbers)], "csr")


def fit_ridge(matrix: Any, truth: Array, tried: Any, tried_truth: Array) -> Any:
    """Ridge regression with the penalty that has the least error on the tried rows (the middle one without rows)."""
    from sklearn.linear_model import Ridge

    if not len(tried_truth):
        return Ridge(ALPHAS[len(ALPHAS) // 2], solver="sparse_cg").fit(matrix, truth)
    models = [Ridge(alpha, solver="sparse_cg", random_state=0).fit(matrix, truth) for alpha in ALPHAS]
    return min(models, key=lambda model: float(((model.predict(tried) - tried_truth) ** 2).mean()))


def fit_options(train: pl.DataFrame, validation: pl.DataFrame) -> Choose:
    """Logistic regression of the options, which are the same for all questions."""
    from sklearn.linear_model import LogisticRegression

    features = WordsAndBins(train)
    matrix, right = features.matrix(train), right_options(train)
    penalties = [1 / alpha for alpha in ALPHAS] if len(validation) else [1.0]
    models = [fitted(LogisticRegression(C=penalty, max_iter=300), matrix, right) for penalty in penalties]
    tried = features.matrix(validation) if len(validation) else None
    best = max(models, key=lambda model: model.score(tried, right_options(validation)) if tried is not None else 0.0)
    return lambda asked: choice_frame(asked, best.classes_, best.predict_proba(features.matrix(asked)))


def predict_scenes(bench: Bench, task: str, asked: pl.DataFrame) -> Lists:
    """The best reference, corrected by the words of each asked scene and of its title."""
    from scipy.sparse import hstack

    definition = task_named(task)
    reference = start_reference(bench, task)
    frames = [bench.public(task, "train"), validation_frame(bench, task), asked]
    rows = [asked_scenes(frame, provided_answers(bench, task, reference, frame)) for frame in frames]
    scene_words = make_words(rows[0]["scene_text"].to_list(), pairs=False)
    title_words = make_words(titles(frames[0]), pairs=False)

    def matrix(frame: pl.DataFrame, scenes: pl.DataFrame) -> Any:
        title = title_words.transform(titles(frame))[scenes["row"].to_numpy()]
        return hstack([scene_words.transform(scenes["scene_text"].to_list()), title], "csr")

    known, tried = (
        Gaps(
            matrix(frame, scenes) if len(scenes) else None,
            (scenes["value"] - scenes["expected"]).to_numpy().astype(np.float64),
            scenes["group"],
        )
        for frame, scenes in list(zip(frames, rows, strict=True))[:2]
    )
    model, _ = learn_correction(fit_ridge, known, tried)
    correction = model.predict(matrix(asked, rows[2])) if len(rows[2]) else np.zeros(0)
    predicted = np.clip(rows[2]["expected"].to_numpy() + correction, *definition.answer.legal)
    lists = rows[2].with_columns(predicted=pl.Series(predicted)).group_by("row", maintain_order=True).agg("predicted")
    return lists["predicted"].to_list()


def asked_scenes(frame: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """The asked scenes of each video, in order, with what a reference expects."""
    scenes = scene_rows(frame).filter("asked")
    return scenes.with_columns(expected=expected["values"].explode(empty_as_null=False))


class Linear(Predictor):
    """Trains a model for each task, on the bench's training instances, before it predicts."""

    name = "linear"
    kind = "linear"
    description = "TF-IDF of words with ridge or logistic regression; of replay, what words add to the best reference"
    answers = "every task whose options are the same for all questions"

    def applies(self, bench: Bench, task: str) -> bool:
        return bool(bench.tasks[task]["train"]) and "option_texts" not in task_named(task).columns()

    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        """Train on the task's training split and predict the split of the settings."""
        definition, asked = task_named(task), questions(bench, task, settings)
        if definition.asks_curve:
            values = pl.Series(predict_scenes(bench, task, asked), dtype=pl.List(pl.Float64))
            return asked.select("instance_id", values=values)
        if isinstance(definition.answer, Values):
            return correct_reference(bench, definition, asked, WordsAndBins, fit_ridge)
        return choose_where_it_helps(bench, task, asked, fit_options)
