"""Gradient boosting: strong where the world is learnable, honest about what it has seen, at ease with gaps."""

from __future__ import annotations

import shutil

import numpy as np
import polars as pl
import pytest

from baselines.base import Settings
from baselines.boosted import Boosted, fit_class
from baselines.boosted_curves import (
    ContentModel,
    choose_start,
    curve_scenes,
    predict_replay,
    start_of,
    trials,
    with_content,
)
from baselines.features import MessageFeatures, message_numbers, scene_rows
from baselines.predict import predict_run
from baselines.ranker import rank_options
from baselines.trees import best_trees
from benchmark.bench import SPLITS, Bench
from benchmark.build import build_bench
from benchmark.reference_rows import provided_answers, start_reference
from benchmark.score import score
from corpus.simulate.world import simulate


def figures(run, bench) -> dict[tuple[str, str], float]:
    return {(row["task"], row["metric"]): row["value"] for row in score(run, bench)}


@pytest.fixture(scope="module")
def scores(small_bench, tmp_path_factory) -> dict[str, dict[tuple[str, str], float]]:
    out = tmp_path_factory.mktemp("runs")
    for name in ("boosted", "linear", "constant", "mean_curve", "interpolate", "majority", "random"):
        predict_run(name, small_bench.root, out / name, Settings())
    return {path.name: figures(path, small_bench.root) for path in out.iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize("task", ["replay_past", "replay_future", "replay_random_5", "replay_random_7"])
def test_beats_interpolation_and_the_mean_curve_on_replay_values(task, scores):
    for other in ("interpolate", "mean_curve", "constant"):
        assert scores["boosted"][task, "rmse"] < 0.8 * scores[other][task, "rmse"]


def test_beats_the_constant_on_whole_curves_and_classes(scores):
    boosted = scores["boosted"]
    assert boosted["replay_all_masked", "rmse"] < 0.7 * scores["mean_curve"]["replay_all_masked", "rmse"]
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


def scenes_of(expected, content, truth=None, **features):
    """Asked scenes of videos of ten scenes, two a channel, with what a reference and the content step expect."""
    rows = np.arange(len(expected)) // 10
    columns = {
        "row": rows,
        "group": [f"channel {row // 2}" for row in rows],
        "value": np.zeros(len(expected)) if truth is None else truth,
        "expected": expected,
        "content": content,
        "interpolated": np.zeros(len(expected)),
    }
    return pl.DataFrame({**columns, **features})


def test_the_curve_step_begins_with_what_errs_least_and_adds_no_trees_to_noise():
    rng = np.random.default_rng(5)
    near, far = (50 + rng.normal(0, 20, 2000) for _ in range(2))
    noise, number = rng.normal(0, 10, 2000), rng.normal(size=2000)

    def chosen(expected, content, truth):
        scenes = scenes_of(expected, content, truth, number=number)
        return choose_start([(scenes.filter(pl.col("row") < 100), scenes.filter(pl.col("row") >= 100))], 0)

    assert chosen(near, far, near + noise) == (0.0, 0)
    assert chosen(far, near, near + noise) == (1.0, 0)
    share, trees = chosen(near, far, near + noise + 30.0 * (number > 0))
    assert share == 0.0 and trees >= 30
    assert choose_start([], 0) == (0.0, 0)


def test_one_channel_or_one_scene_decides_nothing():
    far, near = np.full(400, 50.0), np.arange(400.0)
    scenes = scenes_of(far, near, near).with_columns(group=pl.lit("the only one"))
    halves = scenes.filter(pl.col("row") < 20), scenes.filter(pl.col("row") >= 20)
    assert choose_start([halves], 0) == (0.0, 0)
    assert choose_start([(scenes.head(1), scenes_of(far, near, near))], 0) == (0.0, 0)


@pytest.fixture(scope="module")
def null_bench(tmp_path_factory):
    """Curves of a world where nothing can be learned from content."""
    root = tmp_path_factory.mktemp("null")
    simulate(root / "corpus", 3, "null", brands=60, videos=3, posts=0, emails=0)
    return build_bench(root / "corpus", root / "bench", 0, tasks=["replay_all_masked"])


def test_where_nothing_can_be_learned_boosting_answers_as_the_best_reference(null_bench):
    """Cross-fitted means are low where a fold is high: trees that learn this would be worse on other channels."""
    task = "replay_all_masked"
    train, reference = null_bench.public(task, "train"), start_reference(null_bench, task)
    content = ContentModel(train, 0)
    known = curve_scenes(content, train, provided_answers(null_bench, task, reference, train))
    tried = list(trials(null_bench, task, content, known, 0))
    assert sum(other["row"].n_unique() for _, other in tried) == len(train) > 60
    assert choose_start(tried, 0) == (0.0, 0)
    asked = null_bench.public(task, "test")
    answers = provided_answers(null_bench, task, reference, asked)["values"].to_list()
    assert predict_replay(null_bench, task, content, asked, 0) == [pytest.approx(values) for values in answers]


def test_each_scene_is_beside_what_the_reference_answers_for_it(null_bench):
    train = null_bench.public("replay_all_masked", "train")
    numbered = train.select("instance_id", values=pl.col("asked").cast(pl.List(pl.Float64)))
    scenes = curve_scenes(ContentModel(train, 0), train, numbered)
    assert scenes["expected"].equals(scenes["scene"].cast(pl.Float64).alias("expected"))
    truth = train["target"].explode()
    assert scenes["value"].equals(truth.alias("value"))


def test_of_a_single_message_trees_learn_its_value():
    one = best_trees(np.zeros((1, 2)), np.array([7.0]), None, np.zeros(0), 0)
    assert one.predict(np.zeros((3, 2))).tolist() == [7, 7, 7]
    label = best_trees(np.zeros((1, 2)), np.array(["high"]), None, np.zeros(0), 0, classify=True)
    assert (label.classes_.tolist(), label.predict_proba(np.zeros((2, 2))).tolist()) == (["high"], [[1], [1]])


def test_the_start_is_a_mixture_of_reference_and_content():
    scenes = scenes_of([10.0, 20.0], [30.0, 40.0])
    assert [start_of(scenes, share).tolist() for share in (0.0, 0.5, 1.0)] == [[10, 20], [20, 30], [30, 40]]


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


@pytest.mark.parametrize("name", ["linear", "boosted"])
def test_messages_of_which_nothing_is_known_are_answered(name, small_bench, tmp_path):
    root = shutil.copytree(small_bench.root, tmp_path / "bench")
    for split in SPLITS:
        path = root / "public" / "views" / f"{split}.parquet"
        blank(pl.read_parquet(path)).write_parquet(path)
    predict_run(name, root, tmp_path / "run", Settings(tasks=("views",)))
    assert all(row["unparsed"] == 0 for row in score(tmp_path / "run", root))


def test_one_training_channel_is_enough(small_bench):
    train = small_bench.public("replay_future", "train")
    train = train.filter(pl.col("group") == train["group"][0])
    rows = with_content(ContentModel(train, 0), small_bench.public("replay_future", "test"))
    assert rows["content"].is_finite().all()


def test_options_keep_their_own_order(small_bench):
    train, test = (small_bench.public("tweet_likes_brand", split) for split in ("train", "test"))
    turned = test.with_columns(options=pl.col("options").list.reverse())
    choose = fit_class(train, train.clear(), False, 0)
    chances, other = (choose(asked)["scores"].to_list() for asked in (test, turned))
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
    silent = frame.with_columns(pl.lit(" ").alias(name) for name in ("company", "title", "body", "text"))
    assert message_numbers(frame).shape == (frame.height, 10)
    whole, timeless = (MessageFeatures(silent, timeless).matrix(frame) for timeless in (False, True))
    assert whole.shape[0] == frame.height and timeless.shape[1] == whole.shape[1] - 1


def test_words_correct_the_reference_of_curves_and_tell_classes_linearly(scores):
    linear = scores["linear"]
    assert linear["replay_all_masked", "rmse"] < 0.9 * scores["mean_curve"]["replay_all_masked", "rmse"]
    assert linear["tweet_likes_brand", "accuracy"] > scores["random"]["tweet_likes_brand", "accuracy"] + 10
    assert not any(task == "speech_choice" for task, _ in linear)


@pytest.fixture(scope="module")
def many_channels(tmp_path_factory) -> Bench:
    """A bench of 120 channels, 12 of them for validation."""
    root = tmp_path_factory.mktemp("many")
    simulate(root / "corpus", seed=1, world="clear", brands=120, videos=8, posts=0, emails=0)
    return build_bench(root / "corpus", root / "bench", mask_draws=1)


@pytest.mark.parametrize("name", ["linear", "boosted"])
def test_whole_messages_of_many_channels_beat_every_reference_with_distributions_as_wide_as_the_errors(
    name, many_channels, tmp_path
):
    predict_run(name, many_channels.root, tmp_path / "run", Settings(tasks=("views", "like_view_ratio")))
    rows = score(tmp_path / "run", many_channels.root)
    values = {(row["task"], row["metric"]): (row["value"], row["best_trivial_value"]) for row in rows}
    for key, share in {
        ("views", "rmse_log10"): 1,
        ("like_view_ratio", "rmse"): 0.9,
        ("views", "crps_log10"): 1,
    }.items():
        assert values[key][0] < share * values[key][1], key
    for row in rows:
        assert 65 <= row["coverage_80"] <= 92 and row["unparsed"] == 0
        assert 0.3 * row["spread_true"] < row["spread_predicted"] < 1.3 * row["spread_true"]
