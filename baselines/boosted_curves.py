"""Replay curves by gradient boosting: what is expected of each scene, corrected by words and visible values.

The content step reads a scene's words, its position and its video's title and numbers, and learns from all training
scenes. Each training video gets its content predictions from a model that was not trained on its channel.

The curve step begins with the answers of the best reference, or with the content prediction and what the visible values
differ from theirs, or with the mean of both, and corrects that by trees. Which, and how many trees (perhaps none), is
what errs least on training channels that the trees have not seen: of few curves the reference as it is, of many the
content.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from baselines.features import UNKNOWN, Array, Words, scene_rows, titles
from baselines.trees import LEAST_ROWS, make_trees
from benchmark.bench import Bench
from benchmark.message_numbers import message_numbers
from benchmark.reference_rows import best_reference, provided_answers
from benchmark.stored_references import folds_by
from benchmark.tasks.registry import task_named

FOLDS = 2
CONTENT_SHARES = (0.0, 0.5, 1.0)
"""Of the content prediction in what the curve step begins with; the rest is the reference's."""
TREES = (0, 10, 30, 100, 300)
Ints = npt.NDArray[np.int64]


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


def predict_replay(bench: Bench, task: str, content: ContentModel, asked: pl.DataFrame, seed: int) -> list[list[float]]:
    """Predict the asked values of each video."""
    train = bench.public(task, "train")
    known, tried = (asked_scenes(bench, task, content, frame) for frame in (train, asked))
    truth = known["value"].to_numpy().astype(np.float64)
    learnable = np.isfinite(truth)
    matrix, other_matrix = (scenes.drop("row", "group", "value").to_numpy() for scenes in (known, tried))
    share, count = choose_start(matrix[learnable], known.filter(pl.Series(learnable)), truth[learnable], seed)
    predicted = start_of(tried, share)
    if count:
        model = make_trees(seed, n_estimators=count)
        model.fit(matrix[learnable], (truth - start_of(known, share))[learnable])
        predicted = predicted + model.predict(other_matrix)
    lists = tried.select("row", value=pl.Series(np.clip(predicted, *task_named(task).answer.legal)))
    return lists.group_by("row", maintain_order=True).agg("value")["value"].to_list()


def asked_scenes(bench: Bench, task: str, content: ContentModel, frame: pl.DataFrame) -> pl.DataFrame:
    """A row for each asked scene, in order: row, group, value (the truth, if known), expected (what the best reference
    answers) and the features of the curve step.
    """
    reference = best_reference(bench, task, task_named(task).metrics[0].name) or task_named(task).references[0].name
    rows = with_content(content, frame)
    scenes = rows.select("row", "group", "value", "asked").hstack(curve_features(rows)).filter("asked").drop("asked")
    answers = provided_answers(bench, task, reference, frame)["values"]
    return scenes.with_columns(expected=answers.explode(empty_as_null=False))


def start_of(scenes: pl.DataFrame, content_share: float) -> Array:
    """What the curve step begins with, [scenes]."""
    by_content = pl.col("content") + pl.col("interpolated")
    start = content_share * by_content + (1 - content_share) * pl.col("expected")
    values: Array = scenes.select(start).to_series().to_numpy()
    return values


def choose_start(matrix: Array, scenes: pl.DataFrame, truth: Array, seed: int) -> tuple[float, int]:
    """The share of content and the number of trees with the least squared error on channels that the trees have not
    seen; the reference alone where the scenes are too few to learn from.
    """
    fold = folds_by(scenes["group"])
    errors = np.zeros((len(CONTENT_SHARES), len(TREES)))
    if len(fold) - np.bincount(fold).max(initial=0) < LEAST_ROWS:  # outside of the largest fold
        return 0.0, 0
    for place, share in enumerate(CONTENT_SHARES):
        gap = truth - start_of(scenes, share)
        for own in sorted(set(fold.tolist())):
            outside = fold != own
            model = make_trees(seed, n_estimators=TREES[-1]).fit(matrix[outside], gap[outside])
            for column, count in enumerate(TREES):
                left = gap[~outside] - (model.predict(matrix[~outside], num_iteration=count) if count else 0.0)
                errors[place, column] += float((left**2).sum())
    best_share, best_count = divmod(int(errors.argmin()), len(TREES))
    return CONTENT_SHARES[best_share], TREES[best_count]
