"""Which videos and predictors are shown, and that what is drawn is what was asked and answered."""

from __future__ import annotations

from itertools import chain, pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.bench import Bench
from benchmark.run import Run, write_run
from leaderboard.curves import (
    Video,
    choose_predictors,
    choose_videos,
    draw_curve,
    legal_values,
    stretches,
    videos,
    with_curves,
)
from leaderboard.page import make_curve
from leaderboard.results import read_tables
from tests.leaderboard.small import HOSTILE, RUNS, guesses


@pytest.fixture(scope="module")
def bench(folder):
    return Bench.open(folder / "bench")


@pytest.fixture(scope="module")
def table(folder, bench):
    return read_tables(folder / "site" / "data", bench.fingerprint, RUNS)[0]


@given(st.sets(st.integers(0, 60)))
def test_stretches_hold_the_asked_scenes_and_no_other(asked):
    found = stretches(sorted(asked))
    assert list(chain.from_iterable(range(first, last + 1) for first, last in found)) == sorted(asked)
    assert all(first > last + 1 for (_, last), (first, _) in pairwise(found))


def test_the_same_videos_of_different_channels_are_shown_in_every_task(bench):
    frames = [bench.public(task, "test") for task in ("replay_future", "replay_all_masked")]
    shown = [frame.filter(pl.col("instance_id").is_in(choose_videos(frame))) for frame in frames]
    assert shown[0]["message_id"].to_list() == shown[1]["message_id"].to_list()
    assert shown[0]["group"].n_unique() == shown[0].height == 6


def test_the_order_of_the_questions_does_not_matter(bench):
    frame = bench.public("replay_future", "test")
    assert choose_videos(frame) == choose_videos(frame.sample(fraction=1, shuffle=True, seed=3))


def test_few_videos_of_one_channel_are_all_shown(bench):
    frame = bench.public("replay_future", "test").head(4).with_columns(group=pl.lit("one"))
    assert sorted(choose_videos(frame)) == sorted(frame["instance_id"])


def test_the_best_of_each_kind_is_shown_and_not_the_oracle(table):
    assert choose_predictors(table, table.columns[0]) == ["nano-lcbm", "boosted", "interpolate_residual", HOSTILE]


def test_videos_hold_truth_where_asked_and_seen_values_elsewhere(folder, runs, bench):
    opened = [Run.open(path, bench) for path in runs]
    questions = {row["title"]: row for row in bench.public("replay_future", "test").iter_rows(named=True)}
    answers = dict(bench.answers("replay_future").select("instance_id", "target").iter_rows())
    for video in videos(bench, "replay_future", ["oracle", "interpolate"], opened):
        if video.title not in questions or video.title.startswith("<"):
            continue
        row = questions[video.title]
        seen = [value for value in row["replay"] if value is not None]
        assert video.truth.tolist() == seen + answers[row["instance_id"]]
        assert video.predicted["interpolate"] == pytest.approx([seen[-1]] * 4, abs=5)  # moved by what suits the metric
        assert np.abs(np.array(video.predicted["oracle"]) - video.truth[video.asked]).max() < 30


@pytest.fixture
def panel_run(bench, tmp_path) -> Run:
    """A model that was asked eight of the sixty questions."""
    answers = {"replay_future": guesses(bench, "replay_future", 0.1, 0.0, 5).tail(8)}
    return Run.open(
        write_run(tmp_path / "panel", bench, "panel", "lm", answers, {"says": "a panel"}, partial=True), bench
    )


def test_the_videos_are_those_that_all_who_are_drawn_were_asked_about(bench, panel_run, runs):
    whole = next(run for run in (Run.open(path, bench) for path in runs) if run.name == "boosted")
    drawn = list(videos(bench, "replay_future", ["panel", "boosted", "interpolate"], [panel_run, whole]))
    assert len(drawn) == 6
    assert all(video.predicted["panel"] and video.predicted["boosted"] and not video.not_asked for video in drawn)
    assert not any(make_curve("replay_future", place, video).unread for place, video in enumerate(drawn))


def test_who_was_not_asked_is_not_called_unreadable(bench, panel_run, tmp_path):
    first = {"replay_future": guesses(bench, "replay_future", 0.1, 0.0, 6).head(8)}
    other = Run.open(
        write_run(tmp_path / "other", bench, "other", "lm", first, {"says": "others"}, partial=True), bench
    )
    drawn = list(videos(bench, "replay_future", ["panel", "other"], [panel_run, other]))
    assert len(drawn) == 6 and all(video.not_asked for video in drawn)
    for place, video in enumerate(drawn):
        asked = {name for name, values in video.predicted.items() if values}
        assert (
            asked | set(video.not_asked) == {"panel", "other"} and not make_curve("replay_future", place, video).unread
        )


def test_a_video_without_a_readable_answer_is_drawn():
    truth = np.array([50.0, np.nan, 20.0])
    drawn = draw_curve(Video("title", "", truth, [0, 2], {"a": None, "b": [1.0, 2.0]}))
    assert drawn.startswith("<svg") and drawn == draw_curve(
        Video("other", "", truth, [0, 2], {"a": None, "b": [1.0, 2.0]})
    )


@pytest.mark.parametrize(("asked", "count"), [([4], 0), ([4, 9], 0), ([4, 5, 6], 1)])
def test_a_video_with_fewer_than_three_asked_scenes_is_not_drawn(bench, asked, count):
    questions = bench.public("replay_future", "test").head(1).with_columns(asked=pl.lit(asked))
    answers = bench.answers("replay_future").with_columns(target=pl.lit([50.0] * len(asked)))
    assert with_curves(questions, answers).height == count


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_video_without_known_values_is_not_drawn(bench, missing):
    questions = bench.public("replay_future", "test")
    target = pl.Series([[missing] * 4], dtype=pl.List(pl.Float64))
    answers = bench.answers("replay_future").with_columns(target=pl.lit(target.first()))
    assert with_curves(questions, answers).is_empty()


def test_a_known_value_between_unknown_ones_is_drawn_as_a_dot():
    lone, none = (np.array([50.0, np.nan, value, np.nan, 10.0]) for value in (30.0, np.nan))
    dots = [draw_curve(Video("", "", truth, [0], {})).count("<use") for truth in (lone, none)]
    assert dots[0] == dots[1] + 1


@pytest.mark.parametrize("values", [None, [], [1.0], [1.0, 101.0], [-1.0, 2.0], [float("nan"), 2.0], [None, 2.0]])
def test_answers_that_count_as_unparsed_are_not_drawn(values):
    assert legal_values(values, 2) is None and legal_values([0.0, 100.0], 2) == [0.0, 100.0]
