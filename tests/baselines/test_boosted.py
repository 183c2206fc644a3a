"""Gradient boosting: strong where the world is learnable, honest about what it has seen, at ease with gaps."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from baselines.base import Settings
from baselines.boosted import Boosted, ContentModel, predict_class, predict_number, with_content
from baselines.features import Words, message_matrix, message_numbers, scene_rows
from baselines.predict import predict_run
from baselines.ranker import rank_options
from benchmark.score import score


def figures(run, bench) -> dict[tuple[str, str], float]:
    return {(row["task"], row["metric"]): row["value"] for row in score(run, bench)}


@pytest.fixture(scope="module")
def scores(small_bench, tmp_path_factory) -> dict[str, dict[tuple[str, str], float]]:
    out = tmp_path_factory.mktemp("runs")
    for name in ("boosted", "mean", "mean_curve", "interpolate", "majority", "random"):
        predict_run(name, small_bench.root, out / name, Settings())
    return {path.name: figures(path, small_bench.root) for path in out.iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize("task", ["replay_past", "replay_future", "replay_random_5", "replay_random_7"])
def test_beats_interpolation_and_the_mean_curve_on_replay_values(task, scores):
    for other in ("interpolate", "mean_curve", "mean"):
        assert scores["boosted"][task, "rmse"] < 0.8 * scores[other][task, "rmse"]


def test_beats_the_constant_on_whole_curves_likes_views_and_tweets(scores):
    boosted = scores["boosted"]
    assert boosted["replay_all_masked", "rmse"] < 0.7 * scores["mean_curve"]["replay_all_masked", "rmse"]
    assert boosted["like_view_ratio", "r2"] > 0.5
    assert boosted["views", "rmse_log10"] < 0.7 * scores["mean"]["views", "rmse_log10"]
    for task in ("tweet_likes_brand", "speech_choice"):
        assert boosted[task, "accuracy"] > scores["random"][task, "accuracy"] + 10


def test_a_channels_own_curves_do_not_shape_its_content_predictions(small_bench):
    train = small_bench.public("replay_all_masked", "train")
    own = train["group"] == train["group"][0]
    reversed_curves = pl.when(own).then(pl.col("target").list.reverse()).otherwise("target")
    changed = train.with_columns(target=reversed_curves)
    before, after = (with_content(ContentModel(frame, 0), frame) for frame in (train, changed))
    rows = pl.Series(own)[before["row"].to_list()]
    assert not before.filter(rows)["value"].equals(after.filter(rows)["value"])
    assert before.filter(rows)["content"].equals(after.filter(rows)["content"])
    assert not before["content"].equals(after["content"])


def test_scene_rows_keep_what_is_asked_apart_from_what_is_seen(small_bench):
    for split in ("train", "test"):
        frame = small_bench.public("replay_future", split)
        rows = scene_rows(frame)
        asked = rows.filter("asked").group_by("row", maintain_order=True).agg("scene")["scene"]
        assert asked.to_list() == frame["asked"].to_list()
        assert rows.filter("asked")["visible"].null_count() == rows["asked"].sum()
        assert rows.height == frame["replay"].list.len().sum()
        assert rows["position"].min() == 0 and rows["position"].max() == 1
        assert (rows.filter("asked")["value"].null_count() == 0) == (split == "train")


def test_answers_stay_in_the_legal_range(small_bench):
    boosted = Boosted()
    for task, (low, high) in {"replay_all_masked": (0, 100), "like_view_ratio": (0, 1e9), "views": (0, 1e12)}.items():
        values = boosted.predict(small_bench, task, Settings())["values"].explode()
        assert values.is_between(low, high).all()


def blank(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every optional content column unknown."""
    unknown = ("company", "title", "body", "published_at", "observed_at", "duration_s", "audience", "age_days")
    return frame.with_columns(pl.lit(None, frame.schema[name]).alias(name) for name in unknown)


def test_messages_of_which_nothing_is_known_are_answered(small_bench):
    train, test = (blank(small_bench.public("views", split)) for split in ("train", "test"))
    values = predict_number(train, test, True, 0)
    assert np.isfinite(values).all() and len(values) == test.height


def test_one_training_channel_is_enough(small_bench):
    train = small_bench.public("replay_future", "train")
    train = train.filter(pl.col("group") == train["group"][0])
    rows = with_content(ContentModel(train, 0), small_bench.public("replay_future", "test"))
    assert rows["content"].is_finite().all()


def test_options_keep_their_own_order(small_bench):
    train, test = (small_bench.public("tweet_likes_brand", split) for split in ("train", "test"))
    turned = test.with_columns(options=pl.col("options").list.reverse())
    chances, other = predict_class(train, test, False, 0), predict_class(train, turned, False, 0)
    assert chances == [row[::-1] for row in other]
    assert np.allclose(np.sum(chances, axis=1), 1)


def test_the_option_that_names_what_is_seen_ranks_first(small_bench):
    train, test = (small_bench.public("speech_choice", split) for split in ("train", "test"))
    scores = rank_options(train, test)
    assert [len(row) for row in scores] == test["options"].list.len().to_list()
    gold = small_bench.answers("speech_choice")["target"].list.first().to_list()
    right = sum(int(np.argmax(row) == index) for row, index in zip(scores, gold, strict=True))
    assert right / len(gold) > 0.5


def test_days_can_be_hidden_and_texts_without_words_are_fine(small_bench):
    frame = small_bench.public("tweet_likes_time", "train")
    assert message_numbers(frame).shape == (frame.height, 9)
    words = Words(["", " "])
    assert message_matrix(frame, words).shape == (frame.height, 10)
    assert message_matrix(frame, words, timeless=True).shape == (frame.height, 9)
