"""The references do what their names say, on any bench, and never look at the test answers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benchmark.references.chance import RANDOM
from benchmark.references.constants import MAJORITY, MEAN, MEDIAN
from benchmark.references.curves import INTERPOLATE, MEAN_CURVE
from benchmark.references.overlap import OVERLAP
from benchmark.tasks.registry import TASKS, references, task_named
from tests.benchmark.tiny_bench import make_frame, write_bench

ALL = tuple(TASKS)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return write_bench(tmp_path_factory.mktemp("bench"), ALL)


def frames(bench, task):
    return bench.public(task, "train"), bench.public(task, "test")


def video(asked, curve, **more):
    hidden = [None if scene in asked else value for scene, value in enumerate(curve)]
    return {
        "instance_id": "v",
        "replay": hidden,
        "asked": asked,
        "target": [curve[s] for s in asked],
        "options": None,
        **more,
    }


@pytest.mark.parametrize("task", ALL)
def test_every_reference_answers_every_question_legally_and_always_alike(bench, task):
    train, test = frames(bench, task)
    low, high = task_named(task).answer.legal
    asked = test["asked"].list.len().to_list() if task_named(task).asks_curve else [1] * len(test)
    for reference in task_named(task).references:
        answers = reference.predictions(train, test)
        assert answers["instance_id"].to_list() == test["instance_id"].to_list()
        assert answers["values"].list.len().to_list() == asked, reference.name
        assert answers["values"].explode().is_between(low, high).all(), reference.name
        assert answers.equals(reference.predictions(train, test)), reference.name


def test_each_task_names_its_own_references():
    def named(task):
        return {reference.name for reference in task_named(task).references}

    assert named("replay_past") == {"random", "mean", "median", "mean_curve", "interpolate"}
    assert named("replay_all_masked") == {"random", "mean", "median", "mean_curve"}
    assert named("views") == {"random", "mean", "median"}
    assert named("tweet_likes_time") == {"random", "majority"}
    assert named("speech_choice") == {"random", "overlap"}
    assert set(references()) == {name for task in TASKS for name in named(task)}


def test_random_draws_from_the_training_values_for_each_instance_by_itself(bench):
    train, test = frames(bench, "replay_past")
    drawn = RANDOM.values(train, test)
    assert {v for values in drawn for v in values} <= set(train["target"].explode())
    assert RANDOM.values(train, test.tail(5)) == drawn[-5:]
    train, test = frames(bench, "speech_choice")
    options = [value for (value,) in RANDOM.values(train, test)]
    assert len(set(options)) > 10


def test_mean_and_median_and_majority_are_those_of_the_training_part(bench):
    train, test = frames(bench, "views")
    values = train["target"].explode().to_numpy()
    assert MEAN.values(train, test)[0] == pytest.approx([values.mean()])
    assert MEDIAN.values(train, test)[-1] == pytest.approx([np.median(values)])
    train = make_frame(
        [{"options": o, "target": [t]} for o, t in ((["low", "high"], 1), (["high", "low"], 0), (["low", "high"], 0))]
    )
    test = make_frame([{"options": ["low", "high"]}, {"options": ["high", "low"]}])
    assert MAJORITY.values(train, test) == [[1], [0]]


def test_interpolation_is_linear_between_and_nearest_beyond():
    test = make_frame(
        [
            video([2, 3], [0, 10, -1, -1, 40, 50.0]),
            video([0, 1], [-1, -1, 7, 9.0]),
            video([3], [1, 2, 30.0, -1]),
            video([0, 1], [-1.0, -1]),
        ]
    )
    train = make_frame([video([0], [20.0, 1, 1])])
    assert INTERPOLATE.values(train, test) == [[20, 30], [7, 7], [30], [20, 20]]


def test_the_mean_curve_restores_the_common_shape_at_other_lengths_and_ignores_missing_values():
    shape = np.linspace(100, 0, 50).round(2).tolist()
    train = make_frame([video([0, 1], shape), video([49], [v - 10 if v > 10 else v for v in shape])])
    test = make_frame([video([0, 12, 24], [0.0] * 25)])
    (values,) = MEAN_CURVE.values(train, test)
    assert values == pytest.approx([94, 45, 1], abs=0.2)
    holes = make_frame([video([1], [10.0, 30.0, None, 30.0])])
    assert MEAN_CURVE.values(holes, make_frame([video([2], [0.0] * 4)])) == [[pytest.approx(30)]]


def test_overlap_takes_what_the_visible_text_speaks_of_and_ignores_the_options_own_lines():
    options = ["unrelated remark here", "running shoes for winter", "something else again"]
    prompt = "title: winter shoes\nscene 1: running\n" + "\n".join(f"{i + 1}) {o}" for i, o in enumerate(options))
    test = pl.DataFrame({"prompt": [prompt], "options": [["1", "2", "3"]], "option_texts": [options]})
    assert OVERLAP.values(test, test) == [[1]]


def test_no_predictor_reads_the_test_answers(bench):
    for task in ("replay_future", "like_view_ratio", "tweet_likes_brand"):
        train, test = frames(bench, task)
        assert test["target"].null_count() == len(test)
        blind = test.drop("target", "answer")
        for reference in task_named(task).references:
            assert reference.values(train, blind) == reference.values(train, test)
