"""Scores of whole runs: the figures, unread answers, the file and the errors."""

from __future__ import annotations

import json
import math
import shutil

import numpy as np
import polars as pl
import pytest
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import accuracy_score, r2_score, root_mean_squared_error

from benchmark.answer_key import DamagedBench
from benchmark.bench import NoAnswers
from benchmark.run import BadRun, NoPredictions, RunForOtherBench, write_run
from benchmark.score import score, scores_text, short_number, write_scores
from benchmark.tasks.registry import TASKS
from corpus.errors import NoSuchPath, WrongVersion
from tests.benchmark.tiny_bench import noisy, truth_of, write_bench, write_values

SOME = ("replay_past", "like_view_ratio", "views", "tweet_likes_brand", "speech_choice")
SD = {"replay_past": 6}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return write_bench(tmp_path_factory.mktemp("bench"), SOME)


@pytest.fixture(scope="module")
def run(bench, tmp_path_factory):
    values = {task: noisy(bench, task, SD.get(task, 0.4)) for task in SOME}
    return write_values(tmp_path_factory.mktemp("runs") / "a", bench, "a", values)


def by_metric(rows):
    return {(row["task"], row["metric"]): row for row in rows}


def test_every_metric_of_every_task_agrees_with_scikit_learn(bench, run):
    found = by_metric(score(run, bench.root))
    assert set(found) == {(task, metric.name) for task in SOME for metric in TASKS[task].metrics}
    for task in SOME:
        truth, values = truth_of(bench, task), noisy(bench, task, SD.get(task, 0.4))
        flat_truth, flat = np.concatenate(truth), np.concatenate(values)
        expected = {
            "rmse": root_mean_squared_error(flat_truth, flat),
            "rmse_log10": root_mean_squared_error(np.log10(np.maximum(flat_truth, 1)), np.log10(np.maximum(flat, 1))),
            "r2": r2_score(flat_truth, flat),
            "accuracy_abs5": 100 * np.mean(np.abs(flat - flat_truth) <= 5),
            "accuracy_rel10": 100 * np.mean(np.abs(flat - flat_truth) <= 0.1 * flat_truth),
            "spearman": spearmanr(flat_truth, flat).statistic,
            "crps": np.abs(flat - flat_truth).mean(),
            "crps_log10": np.abs(np.log10(np.maximum(flat_truth, 1)) - np.log10(np.maximum(flat, 1))).mean(),
            "accuracy": 100 * accuracy_score(flat_truth.astype(str), flat.astype(str)),
        }
        if task.startswith("replay"):
            pairs = list(zip(truth, values, strict=True))
            expected["rmse"] = np.mean([root_mean_squared_error(*pair) for pair in pairs])
            ordered = [pair for pair in pairs if np.ptp(pair[0]) > 0]
            for name, correlation in (("kendall", kendalltau), ("spearman", spearmanr)):
                expected[name] = np.mean([np.nan_to_num(correlation(*pair).statistic) for pair in ordered])
        for metric in TASKS[task].metrics:
            row = found[task, metric.name]
            assert row["value"] == pytest.approx(expected[metric.name]), (task, metric)
            if not metric.heavy_tailed:
                assert row["low"] < row["value"] < row["high"], (task, row)
            assert (row["low"] is None) == (row["reason"] is not None) == metric.heavy_tailed
            assert (row["n"], row["groups"], row["unparsed"], row["run"]) == (40, 12, 0, "a")


@pytest.mark.parametrize(
    "bad", [None, [], [1.0], [1.0, 2.0, math.nan], [1.0, 2.0, math.inf], [1.0, 2.0, 101.0], [-1.0, 2, 3]]
)
def test_what_cannot_be_an_answer_is_unparsed_wrong_and_costs_the_error_of_chance(bench, tmp_path, bad):
    truth = truth_of(bench, "replay_past")
    values = [bad, *truth[1:]]
    found = by_metric(score(write_values(tmp_path / "r", bench, "r", {"replay_past": values}), bench.root))
    chance = bench.answers("replay_past")["chance"][0].to_list()
    rmse = found["replay_past", "rmse"]
    assert rmse["unparsed"] == 1
    assert rmse["value"] == pytest.approx(root_mean_squared_error(truth[0], chance) / 40)
    assert found["replay_past", "accuracy_abs5"]["value"] == pytest.approx(100 * 39 / 40)


def test_a_question_without_an_answer_and_an_option_that_is_none_are_unparsed(bench, tmp_path):
    right = truth_of(bench, "tweet_likes_brand")
    frame = bench.public("tweet_likes_brand", "test").select("instance_id")
    given = frame.with_columns(pl.Series("values", [[0.5], [2.0], *right[2:]], dtype=pl.List(pl.Float64))).head(30)
    run = write_run(tmp_path / "r", bench, "r", "lm", {"tweet_likes_brand": given.reverse()}, {})
    (row,) = score(run, bench.root)
    assert row["unparsed"] == 12
    assert row["value"] == pytest.approx(100 * 28 / 40)


def test_answers_may_lie_in_another_order_than_questions(bench, run, tmp_path):
    shuffled = tmp_path / "bench"
    shutil.copytree(bench.root, shuffled)
    for task in SOME:
        path = shuffled / "private" / task / "test.parquet"
        pl.read_parquet(path).reverse().write_parquet(path)
    assert score(run, shuffled) == score(run, bench.root)


def test_the_file_holds_the_rows_and_comes_out_the_same_twice(bench, run):
    rows = write_scores(run, bench.root)
    first = (run / "scores.json").read_bytes()
    content = json.loads(first)
    assert content["format"] == "cbc-scores"
    assert content["rows"] == rows
    write_scores(run, bench.root)
    assert (run / "scores.json").read_bytes() == first
    assert not list(run.glob(".*"))


def test_one_group_has_a_value_and_a_reason_instead_of_an_interval(tmp_path):
    bench = write_bench(tmp_path / "b", ["like_view_ratio"], groups=1)
    run = write_values(tmp_path / "r", bench, "r", {"like_view_ratio": noisy(bench, "like_view_ratio", 1)})
    rows = score(run, bench.root)
    assert all(
        row["value"] is not None and row["low"] is None and "1.0 effective groups" in row["reason"] for row in rows
    )
    assert "[no interval]" in scores_text(rows)


def test_each_mistake_has_its_error(bench, run, tmp_path):
    with pytest.raises(NoSuchPath, match="no bench at"):
        score(run, tmp_path / "nowhere")
    with pytest.raises(NoSuchPath, match="no run at"):
        score(tmp_path / "nowhere", bench.root)
    public = write_bench(tmp_path / "public", SOME, answers=False)
    with pytest.raises(NoAnswers, match="holds no answers"):
        score(run, public.root)
    other = write_bench(tmp_path / "other", SOME, fingerprint="beef")
    with pytest.raises(RunForOtherBench):
        score(run, other.root)
    with pytest.raises(NoPredictions):
        score(write_run(tmp_path / "empty", bench, "empty", "lm", {}, {}), bench.root)
    lost = write_values(tmp_path / "lost", bench, "lost", {"views": truth_of(bench, "views")})
    (lost / "predictions" / "views.parquet").unlink()
    with pytest.raises(NoSuchPath, match="no predictions"):
        write_scores(lost, bench.root)
    assert not (lost / "scores.json").exists()
    (lost / "manifest.json").write_text("{")
    with pytest.raises(BadRun, match="is no JSON"):
        score(lost, bench.root)
    (lost / "manifest.json").write_text('{"format": "cbc-run", "version": 1}')
    with pytest.raises(WrongVersion):
        score(lost, bench.root)
    path = other.root / "private" / "views" / "test.parquet"
    pl.read_parquet(path).head(3).write_parquet(path)
    foreign = write_values(tmp_path / "foreign", other, "f", {"views": truth_of(bench, "views")})
    with pytest.raises(DamagedBench):
        score(foreign, other.root)


def test_the_command_prints_the_scores_and_one_line_for_a_mistake(cbc, bench, run, tmp_path):
    done = cbc("benchmark", "score", run, "--bench", bench.root)
    assert done.returncode == 0, done.stderr
    assert "accuracy_rel10" in done.stdout
    wrong = cbc("benchmark", "score", tmp_path / "nowhere", "--bench", bench.root)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: no run at") and wrong.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.000"),
        (-0.1234, "-0.123"),
        (9.876, "9.88"),
        (12.34, "12.3"),
        (1234, "1234"),
        (45678, "45.7k"),
        (7.1e6, "7.10M"),
        (None, "-"),
    ],
)
def test_figures_are_short(value, text):
    assert short_number(value) == text
