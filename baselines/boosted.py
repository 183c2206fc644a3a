"""Gradient boosting on simple text and channel features: what a model without language can learn.

Replay values are predicted in two steps. The content step sees a scene's words, its place and its video's title and
numbers, and learns from all training scenes; the curve step corrects it by the contents of the other scenes and the
visible values nearest to it. So that the curve step meets honest content predictions, each training video gets its own
from a model that never saw its channel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from baselines.base import Predictor, Settings, questions
from baselines.features import UNKNOWN, Array, Words, message_matrix, message_numbers, message_texts, scene_rows, titles
from baselines.ranker import rank_options
from benchmark.answers.values import Values
from benchmark.bench import Bench
from benchmark.tasks.base import Task
from benchmark.tasks.registry import task_named

FOLDS = 2
Ints = npt.NDArray[np.int64]


def trees(seed: int, classify: bool = False, **changes: Any) -> Any:
    """LightGBM on one thread, the same trees for the same seed."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    settings = {
        "n_estimators": 300,
        "learning_rate": 0.08,
        "num_leaves": 6,
        "min_child_samples": 20,
        "subsample": 0.8,
        "subsample_freq": 1,
        "colsample_bytree": 0.8,
        "n_jobs": 1,
        "random_state": seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbose": -1,
    }
    return (LGBMClassifier if classify else LGBMRegressor)(**{**settings, **changes})


class ContentModel:
    """Replay value of a scene from its words, its place, its video's title and numbers; cross-fitted by channel."""

    def __init__(self, train: pl.DataFrame, seed: int) -> None:
        rows = scene_rows(train)
        self.words, self.title_words = Words(rows["scene_text"].to_list()), Words(titles(train))
        clusters = train["cluster"].unique(maintain_order=True)
        self.fold_of = dict(zip(clusters, np.arange(len(clusters)) % FOLDS, strict=True))
        matrix, truth = self.matrix(train, rows), rows["value"].to_numpy()
        fold, known = self.folds(rows["cluster"]), np.isfinite(truth.astype(np.float64))
        self.whole = trees(seed).fit(matrix[known], truth[known])
        self.without = [self.fit_without(matrix, truth, known & (fold != i), seed) for i in range(FOLDS)]

    def fit_without(self, matrix: Any, truth: Array, kept: npt.NDArray[np.bool_], seed: int) -> Any:
        """A model that never saw one fold; the whole one where nothing else is left (a single channel)."""
        return trees(seed).fit(matrix[kept], truth[kept]) if kept.any() else self.whole

    def folds(self, clusters: pl.Series) -> Ints:
        """[scenes], -1 for channels that were not trained on."""
        return np.array([self.fold_of.get(cluster, -1) for cluster in clusters], dtype=np.int64)

    def matrix(self, frame: pl.DataFrame, rows: pl.DataFrame) -> Any:
        """Sparse [scenes, place + video's numbers + words of its title + words of the scene]."""
        from scipy.sparse import csr_matrix, hstack

        place = rows.select("scene", "scenes", "position").to_numpy().astype(np.float64)
        video = rows["row"].to_numpy()
        numbers = np.nan_to_num(message_numbers(frame), nan=UNKNOWN)[video]
        title = self.title_words.matrix(titles(frame))[video]
        scene = self.words.matrix(rows["scene_text"].to_list())
        return hstack([csr_matrix(np.hstack([place, numbers])), title, scene], "csr")

    def predict(self, frame: pl.DataFrame, rows: pl.DataFrame) -> Array:
        """[scenes]; a channel that was trained on gets the model that never saw it."""
        matrix, fold = self.matrix(frame, rows), self.folds(rows["cluster"])
        predicted: Array = self.whole.predict(matrix)
        for i, model in enumerate(self.without):
            if (fold == i).any():
                predicted[fold == i] = model.predict(matrix[fold == i])
        return predicted


def curve_features(rows: pl.DataFrame) -> pl.DataFrame:
    """What the curve step sees of each scene: its content prediction, and others' to compare it with.

    The nearest visible values stand as deviations from their own content predictions, with their distances in scenes.
    """
    rows = rows.with_columns(off=pl.col("seen") - pl.col("content"))
    at = pl.when(pl.col("seen").is_not_null()).then(pl.col("scene"))
    rows = rows.with_columns(
        left_off=pl.col("off").forward_fill().over("row"),
        right_off=pl.col("off").backward_fill().over("row"),
        left_gap=pl.col("scene") - at.forward_fill().over("row"),
        right_gap=at.backward_fill().over("row") - pl.col("scene"),
    )
    share = pl.col("left_gap") / (pl.col("left_gap") + pl.col("right_gap"))
    between = pl.col("left_off") * (1 - share) + pl.col("right_off") * share
    return rows.select(
        "content",
        "scene",
        "scenes",
        "position",
        "left_off",
        "right_off",
        "left_gap",
        "right_gap",
        between=pl.coalesce(between, "left_off", "right_off").fill_null(0.0),
        seen_off=pl.col("off").mean().over("row"),
        seen_spread=pl.col("seen").std().over("row"),
        before=pl.col("content").shift(1).over("row"),
        after=pl.col("content").shift(-1).over("row"),
        highest=pl.col("content").max().over("row"),
        level=pl.col("content").mean().over("row"),
    )


def with_content(model: ContentModel, frame: pl.DataFrame) -> pl.DataFrame:
    """Scene rows with their content prediction."""
    rows = scene_rows(frame)
    return rows.with_columns(content=pl.Series(model.predict(frame, rows)))


def predict_replay(content: ContentModel, train: pl.DataFrame, test: pl.DataFrame, seed: int) -> list[list[float]]:
    """Values asked of each test video."""
    told, asked = with_content(content, train), with_content(content, test)
    told_x, asked_x = curve_features(told), curve_features(asked)
    chosen = told["asked"].to_numpy() & told["value"].is_not_null().to_numpy()
    base, truth = (told_x["content"] + told_x["between"]).to_numpy(), told["value"].to_numpy()
    model = trees(seed).fit(told_x.to_numpy()[chosen], (truth - base)[chosen])
    value = (asked_x["content"] + asked_x["between"]).to_numpy() + model.predict(asked_x.to_numpy())
    picked = asked.with_columns(predicted=pl.Series(np.clip(value, 0, 100))).filter("asked")
    lists = picked.group_by("row", maintain_order=True).agg("predicted")
    return lists["predicted"].to_list()


def predict_number(train: pl.DataFrame, test: pl.DataFrame, logarithms: bool, seed: int) -> list[list[float]]:
    """One number a message, never below zero."""
    words = Words(message_texts(train))
    truth = train["target"].list.first().to_numpy()
    learnt = np.log10(np.maximum(truth, 1)) if logarithms else truth
    predicted = trees(seed).fit(message_matrix(train, words), learnt).predict(message_matrix(test, words))
    return [[max(float(10**x if logarithms else x), 0.0)] for x in predicted]


def predict_class(train: pl.DataFrame, test: pl.DataFrame, timeless: bool, seed: int) -> list[list[float]]:
    """Probability of each option of each message, in the order of its options."""
    words = Words(message_texts(train))
    right = train["options"].list.get(train["target"].list.first().cast(pl.Int64))
    model = trees(seed, classify=True).fit(message_matrix(train, words, timeless), right.to_numpy())
    column = {label: i for i, label in enumerate(model.classes_)}
    chances = model.predict_proba(message_matrix(test, words, timeless))
    return [
        [float(row[column[option]]) if option in column else 0.0 for option in options]
        for row, options in zip(chances, test["options"], strict=True)
    ]


def option_scores(task: Task, train: pl.DataFrame, test: pl.DataFrame, seed: int) -> list[list[float]]:
    """Scores of each question's options: classes that training knows, or texts of the question's own."""
    if "option_texts" in train.columns:
        return rank_options(train, test)
    return predict_class(train, test, task.split_by_time, seed)


def choices(test: pl.DataFrame, scores: list[list[float]]) -> pl.DataFrame:
    """The best option of each question, with the scores of all."""
    best = [[float(np.argmax(row))] for row in scores]
    return test.select("instance_id", values=pl.Series(best), scores=pl.Series(scores))


class Boosted(Predictor):
    """One model a task, trained on the bench's training instances when it is asked."""

    name = "boosted"
    kind = "boosted"
    description = "gradient boosting on word counts, channel and message numbers, and the visible replay values"
    answers = "every task with training instances"
    uses_settings = ("seed",)

    def __init__(self) -> None:
        self.content: dict[tuple[str, int], ContentModel] = {}

    def applies(self, bench: Bench, task: str) -> bool:
        return bool(bench.tasks[task]["train"])

    def content_model(self, bench: Bench, seed: int) -> ContentModel:
        """Trained once for all replay tasks, on the one that has the most training videos."""
        key = bench.fingerprint, seed
        if key not in self.content:
            curves = [task for task in bench.tasks if task_named(task).asks_curve]
            largest = max(curves, key=lambda task: bench.tasks[task]["train"])
            self.content[key] = ContentModel(bench.public(largest, "train"), seed)
        return self.content[key]

    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        """Train on the task's training split, answer the asked one."""
        train, test = bench.public(task, "train"), questions(bench, task, settings)
        asked = task_named(task)
        if asked.asks_curve:
            values = predict_replay(self.content_model(bench, settings.seed), train, test, settings.seed)
        elif isinstance(asked.answer, Values):
            values = predict_number(train, test, asked.spans_decades, settings.seed)
        else:
            return choices(test, option_scores(asked, train, test, settings.seed))
        return test.select("instance_id", values=pl.Series(values, dtype=pl.List(pl.Float64)))
