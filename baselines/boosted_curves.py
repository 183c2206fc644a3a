"""Replay curves by gradient boosting: what is expected of each scene, corrected by words and visible values.

The content step reads a scene's words, its position and its video's title and numbers, and learns from all training
scenes. Each training video gets its content predictions from a model that was not trained on its channel.

The curve step begins with the answers of the best reference, or with the content prediction plus what the visible
values differ from theirs, or with the mean of both, and corrects that by trees. Which, and how many trees (perhaps
none), is what errs least on validation. Where that has few videos, training is taken apart into folds, and all steps,
the reference too, are learnt anew without each fold, which is then predicted. The reference stays as it is unless
something else is better by more than the standard error of its gain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from baselines.correction import is_clearly_less
from baselines.features import UNKNOWN, Array, Words, scene_rows, titles
from baselines.learned import LEAST_ROWS, fitted
from baselines.trees import make_trees
from benchmark.bench import Bench
from benchmark.group_splits import LEAST_GROUPS
from benchmark.message_numbers import message_numbers
from benchmark.reference_rows import provided_answers, start_reference
from benchmark.sizes import PanelSize, like_panel
from benchmark.stored_references import ENOUGH, answers_of, folds_by
from benchmark.tasks.registry import references, task_named

if TYPE_CHECKING:
    from baselines.seen_numbers import SeenNumbers

Trial = tuple[pl.DataFrame, pl.DataFrame]
CONTENT_FOLDS = 2
CONTENT_SHARES = (0.0, 0.5, 1.0)
"""Of the content prediction in what the curve step begins with; the rest is the reference's."""
TREES = (0, 10, 30, 100, 300)
Ints = npt.NDArray[np.int64]


class ContentModel:
    """Replay value of a scene from its words, its position, its video's title and numbers; cross-fitted by channel.

    With `seen` it also reads numbers of what the scene shows.
    """

    def __init__(self, train: pl.DataFrame, seed: int, seen: SeenNumbers | None = None) -> None:
        self.seen = seen
        rows = scene_rows(train)
        self.words, self.title_words = Words(rows["scene_text"].to_list()), Words(titles(train))
        groups = train["group"].unique(maintain_order=True)
        self.fold_of = dict(zip(groups, np.arange(len(groups)) % CONTENT_FOLDS, strict=True))
        matrix, truth = self.matrix(train, rows), rows["value"].to_numpy()
        fold, known = self.fold_numbers(rows["group"]), np.isfinite(truth.astype(np.float64))
        self.full_model = fitted(make_trees(seed), matrix[known], truth[known])
        self.fold_models = [
            self.fit_without_fold(matrix, truth, known & (fold != i), seed) for i in range(CONTENT_FOLDS)
        ]

    def fit_without_fold(self, matrix: Any, truth: Array, outside: npt.NDArray[np.bool_], seed: int) -> Any:
        """Train on the scenes outside a fold; gives the full model if there are none (a single channel)."""
        return fitted(make_trees(seed), matrix[outside], truth[outside]) if outside.any() else self.full_model

    def fold_numbers(self, groups: pl.Series) -> Ints:
        """Fold of each scene's channel: [scenes], -1 for channels outside training."""
        return np.array([self.fold_of.get(group, -1) for group in groups], dtype=np.int64)

    def matrix(self, frame: pl.DataFrame, rows: pl.DataFrame) -> Any:
        """Features: sparse [scenes, position + video's numbers + words of its title + words of the scene]."""
        from scipy.sparse import csr_matrix, hstack

        position = rows.select("scene", "scenes", "position").to_numpy().astype(np.float64)
        video = rows["row"].to_numpy()
        numbers = np.nan_to_num(message_numbers(frame), nan=UNKNOWN)[video]
        if self.seen is not None:
            numbers = np.hstack([numbers, np.nan_to_num(self.seen.of_scenes(frame, rows), nan=UNKNOWN)])
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
    train, reference = bench.public(task, "train"), start_reference(bench, task)
    known, other = (
        curve_scenes(content, frame, provided_answers(bench, task, reference, frame)) for frame in (train, asked)
    )
    share, count = choose_start(trials(bench, task, content, known, seed), seed)
    predicted = start_of(other, share)
    if count:
        known = known.filter(pl.col("value").is_finite())
        model = make_trees(seed, n_estimators=count).fit(features_of(known), gaps(known, share))
        predicted = predicted + model.predict(features_of(other))
    lists = other.select("row", value=pl.Series(np.clip(predicted, *task_named(task).answer.legal)))
    return lists.group_by("row", maintain_order=True).agg("value")["value"].to_list()


def curve_scenes(content: ContentModel, frame: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """A row for each asked scene, in order: row, group, value (the truth, if known), expected (what the best reference
    answers) and the features of the curve step.
    """
    rows = with_content(content, frame)
    scenes = rows.select("row", "group", "value", "asked").hstack(curve_features(rows)).filter("asked").drop("asked")
    return scenes.with_columns(
        pl.col("value").cast(pl.Float64), expected=expected["values"].explode(empty_as_null=False)
    )


def features_of(scenes: pl.DataFrame) -> Array:
    """What trees read of scenes, [scenes, features]."""
    return scenes.drop("row", "group", "value").to_numpy()


def start_of(scenes: pl.DataFrame, content_share: float) -> Array:
    """What the curve step begins with, [scenes]."""
    by_content = pl.col("content") + pl.col("interpolated")
    start = content_share * by_content + (1 - content_share) * pl.col("expected")
    values: Array = scenes.select(start).to_series().to_numpy()
    return values


def gaps(scenes: pl.DataFrame, content_share: float) -> Array:
    """What the truth differs from that, [scenes]."""
    return np.asarray(scenes["value"].to_numpy() - start_of(scenes, content_share))


def trials(bench: Bench, task: str, content: ContentModel, known: pl.DataFrame, seed: int) -> Iterator[Trial]:
    """Yield scenes to learn from and scenes of other channels to try on, as curve_scenes gives them.

    None where training has fewer than three channels.
    """
    definition, reference = task_named(task), references()[start_reference(bench, task)]
    train, validation = bench.public(task, "train"), like_panel(bench.public(task, "validation"), PanelSize())
    if len(validation) >= ENOUGH:
        answers = provided_answers(bench, task, reference.name, validation)
        yield known, curve_scenes(content, validation, answers)
        return
    if train["group"].n_unique() < LEAST_GROUPS:
        return
    fold = folds_by(train["group"])
    for number in np.unique(fold):
        outside, inside = (train.filter(pl.Series(part)) for part in (fold != number, fold == number))
        own_content = ContentModel(outside, seed, content.seen)
        answers = answers_of(reference, definition, {"train": outside, "validation": inside, "test": inside.clear()})
        own_known, tried = (curve_scenes(own_content, frame, answers_to(frame, answers)) for frame in (outside, inside))
        yield own_known, tried


def answers_to(questions: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """A reference's answers in the order of the questions."""
    return questions.select("instance_id").join(answers, "instance_id", "left", maintain_order="left")


def choose_start(trials: Iterable[Trial], seed: int) -> tuple[float, int]:
    """The share of content and the number of trees with the least RMSE, on average over the tried channels.

    The reference as it is where fewer than five channels were tried, or where the least is not better by more than its
    standard error.
    """
    learnable = ((known.filter(pl.col("value").is_finite()), other) for known, other in trials)
    tried = [errors_of_choices(known, other, seed) for known, other in learnable if len(known) >= LEAST_ROWS]
    errors = np.concatenate([np.zeros((len(CONTENT_SHARES) * len(TREES), 0)), *tried], axis=1)  # [choices, channels]
    best = int(errors.mean(axis=1).argmin()) if errors.size else 0
    if not is_clearly_less(errors[best], errors[0], np.ones(errors.shape[1])):
        return 0.0, 0
    share, count = divmod(best, len(TREES))
    return CONTENT_SHARES[share], TREES[count]


def errors_of_choices(known: pl.DataFrame, tried: pl.DataFrame, seed: int) -> Array:
    """The RMSE of each tried channel under each share of content, and with it each number of trees: [choices,
    channels].
    """
    errors: list[Array] = []
    for share in CONTENT_SHARES:
        model = make_trees(seed, n_estimators=TREES[-1]).fit(features_of(known), gaps(known, share))
        for count in TREES:
            correction = model.predict(features_of(tried), num_iteration=count) if count else 0.0
            errors.append(rmse_of_channels(tried, gaps(tried, share) - correction))
    return np.stack(errors)


def rmse_of_channels(scenes: pl.DataFrame, errors: Array) -> Array:
    """The RMSE of each video with a known truth, as the mean of each channel: [channels]; errors: [scenes]."""
    known = scenes.select("group", "row", error=pl.Series(errors)).filter(pl.col("error").is_finite())
    videos = known.group_by("group", "row", maintain_order=True).agg((pl.col("error") ** 2).mean().sqrt())
    values: Array = videos.group_by("group", maintain_order=True).agg(pl.col("error").mean())["error"].to_numpy()
    return values
