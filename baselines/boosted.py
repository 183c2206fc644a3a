"""Gradient boosting on simple text and channel features: what a model without language can learn.

Replay values are predicted in two steps. The content step reads a scene's words, its position and its video's title
and numbers, and learns from all training scenes. The curve step corrects that prediction by the contents of the other
scenes and the nearest visible values. It must train on out-of-sample content predictions, so each training video gets
its content predictions from a model that was not trained on its channel.

Numbers of whole messages: what the best reference leaves is predicted from words, labels and numbers.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from baselines.base import Predictor, Settings, questions
from baselines.choices import best_options, choice_frame
from baselines.corrected import correct_reference
from baselines.features import UNKNOWN, Array, MessageFeatures, Words, scene_rows, titles
from baselines.learned import right_options, validation_frame
from baselines.ranker import rank_options
from benchmark.answers.values import Values
from benchmark.bench import Bench
from benchmark.message_numbers import message_numbers
from benchmark.tasks.registry import task_named

FOLDS = 2
LEAVES = (6, 63)
"""Sizes of the trees of whole messages, of which the best on validation is used: few messages, or many."""
Ints = npt.NDArray[np.int64]


def make_trees(seed: int, classify: bool = False, **changes: Any) -> Any:
    """Make an untrained LightGBM model; on one thread, so that equal seeds give equal trees."""
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
    """Replay value of a scene from its words, its position, its video's title and numbers; cross-fitted by channel."""

    def __init__(self, train: pl.DataFrame, seed: int) -> None:
        rows = scene_rows(train)
        self.words, self.title_words = Words(rows["scene_text"].to_list()), Words(titles(train))
        groups = train["group"].unique(maintain_order=True)
        self.fold_of = dict(zip(groups, np.arange(len(groups)) % FOLDS, strict=True))
        matrix, truth = self.matrix(train, rows), rows["value"].to_numpy()
        fold, known = self.fold_numbers(rows["group"]), np.isfinite(truth.astype(np.float64))
        self.full_model = make_trees(seed).fit(matrix[known], truth[known])
        self.fold_models = [self.fit_without_fold(matrix, truth, known & (fold != i), seed) for i in range(FOLDS)]

    def fit_without_fold(self, matrix: Any, truth: Array, outside: npt.NDArray[np.bool_], seed: int) -> Any:
        """Train on the scenes outside a fold; gives the full model if there are none (a single channel)."""
        return make_trees(seed).fit(matrix[outside], truth[outside]) if outside.any() else self.full_model

    def fold_numbers(self, groups: pl.Series) -> Ints:
        """Fold of each scene's channel: [scenes], -1 for channels outside training."""
        return np.array([self.fold_of.get(group, -1) for group in groups], dtype=np.int64)

    def matrix(self, frame: pl.DataFrame, rows: pl.DataFrame) -> Any:
        """Features: sparse [scenes, position + video's numbers + words of its title + words of the scene]."""
        from scipy.sparse import csr_matrix, hstack

        position = rows.select("scene", "scenes", "position").to_numpy().astype(np.float64)
        video = rows["row"].to_numpy()
        numbers = np.nan_to_num(message_numbers(frame), nan=UNKNOWN)[video]
        title = self.title_words.matrix(titles(frame))[video]
        scene = self.words.matrix(rows["scene_text"].to_list())
        return hstack([csr_matrix(np.hstack([position, numbers])), title, scene], "csr")

    def predict(self, frame: pl.DataFrame, rows: pl.DataFrame) -> Array:
        """Predict [scenes]; channels of training get the model that was not trained on them."""
        matrix, fold = self.matrix(frame, rows), self.fold_numbers(rows["group"])
        predicted: Array = self.full_model.predict(matrix)
        for i, model in enumerate(self.fold_models):
            if (fold == i).any():
                predicted[fold == i] = model.predict(matrix[fold == i])
        return predicted


def curve_features(rows: pl.DataFrame) -> pl.DataFrame:
    """Features of the curve step, a row for each scene: its content prediction, and those of its neighbors.

    The nearest visible values are given as deviations from their own content predictions, with distances in scenes.
    """
    rows = rows.with_columns(deviation=pl.col("visible") - pl.col("content"))
    visible_scene = pl.when(pl.col("visible").is_not_null()).then(pl.col("scene"))
    rows = rows.with_columns(
        left_deviation=pl.col("deviation").forward_fill().over("row"),
        right_deviation=pl.col("deviation").backward_fill().over("row"),
        left_gap=pl.col("scene") - visible_scene.forward_fill().over("row"),
        right_gap=visible_scene.backward_fill().over("row") - pl.col("scene"),
    )
    share = pl.col("left_gap") / (pl.col("left_gap") + pl.col("right_gap"))
    interpolated = pl.col("left_deviation") * (1 - share) + pl.col("right_deviation") * share
    return rows.select(
        "content",
        "scene",
        "scenes",
        "position",
        "left_deviation",
        "right_deviation",
        "left_gap",
        "right_gap",
        interpolated=pl.coalesce(interpolated, "left_deviation", "right_deviation").fill_null(0.0),
        visible_deviation=pl.col("deviation").mean().over("row"),
        visible_spread=pl.col("visible").std().over("row"),
        content_before=pl.col("content").shift(1).over("row"),
        content_after=pl.col("content").shift(-1).over("row"),
        content_highest=pl.col("content").max().over("row"),
        content_mean=pl.col("content").mean().over("row"),
    )


def with_content(model: ContentModel, frame: pl.DataFrame) -> pl.DataFrame:
    """Scene rows with the column `content`: the prediction of the content step."""
    rows = scene_rows(frame)
    return rows.with_columns(content=pl.Series(model.predict(frame, rows)))


def predict_replay(content: ContentModel, train: pl.DataFrame, test: pl.DataFrame, seed: int) -> list[list[float]]:
    """Predict the asked values of each test video."""
    train_rows, test_rows = with_content(content, train), with_content(content, test)
    train_features, test_features = curve_features(train_rows), curve_features(test_rows)
    learnable = train_rows["asked"].to_numpy() & train_rows["value"].is_not_null().to_numpy()
    start = (train_features["content"] + train_features["interpolated"]).to_numpy()
    truth = train_rows["value"].to_numpy()
    model = make_trees(seed).fit(train_features.to_numpy()[learnable], (truth - start)[learnable])
    start = (test_features["content"] + test_features["interpolated"]).to_numpy()
    predicted = start + model.predict(test_features.to_numpy())
    asked_rows = test_rows.with_columns(predicted=pl.Series(np.clip(predicted, 0, 100))).filter("asked")
    lists = asked_rows.group_by("row", maintain_order=True).agg("predicted")
    return lists["predicted"].to_list()


def best_trees(matrix: Any, learned: Any, tried: Any, tried_learned: Any, seed: int, classify: bool = False) -> Any:
    """Trees of the size that is best on the tried rows; of the smallest where there are none."""
    models = [make_trees(seed, classify, num_leaves=leaves).fit(matrix, learned) for leaves in LEAVES]
    if not len(tried_learned):
        return models[0]
    if classify:
        return max(models, key=lambda model: float(model.score(tried, tried_learned)))
    return min(models, key=lambda model: float(((model.predict(tried) - tried_learned) ** 2).mean()))


def predict_class(
    train: pl.DataFrame, validation: pl.DataFrame, test: pl.DataFrame, timeless: bool, seed: int
) -> pl.DataFrame:
    """Probabilities of the options, which are the classes of training."""
    features = MessageFeatures(train, timeless)
    tried = features.matrix(validation) if len(validation) else None
    model = best_trees(
        features.matrix(train), right_options(train), tried, right_options(validation), seed, classify=True
    )
    return choice_frame(test, model.classes_, model.predict_proba(features.matrix(test)))


class Boosted(Predictor):
    """Trains a model for each task, on the bench's training instances, before it predicts."""

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
        """The content model of all replay tasks, trained once, on the task with the most training videos."""
        key = bench.fingerprint, seed
        if key not in self.content:
            curves = [task for task in bench.tasks if task_named(task).asks_curve]
            largest = max(curves, key=lambda task: bench.tasks[task]["train"])
            self.content[key] = ContentModel(bench.public(largest, "train"), seed)
        return self.content[key]

    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        """Train on the task's training split and predict the split of the settings."""
        train, test = bench.public(task, "train"), questions(bench, task, settings)
        definition = task_named(task)
        if definition.asks_curve:
            values = predict_replay(self.content_model(bench, settings.seed), train, test, settings.seed)
            return test.select("instance_id", values=pl.Series(values, dtype=pl.List(pl.Float64)))
        if isinstance(definition.answer, Values):
            return correct_reference(bench, definition, test, MessageFeatures, partial(best_trees, seed=settings.seed))
        if "option_texts" in train.columns:
            return best_options(test, rank_options(train, test))
        return predict_class(
            train, validation_frame(bench, task), test, definition.split_by_time is not None, settings.seed
        )
