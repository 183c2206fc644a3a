"""Predictors without a language model: what they answer, what they refuse, and that a killed run goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from baselines.base import Predictor, Settings, WrongSettings
from baselines.oracle import NoOracle
from baselines.predict import predict_run
from baselines.registry import PREDICTORS, predictors
from benchmark.bench import Bench
from benchmark.run import Run
from benchmark.score import score
from benchmark.tasks.registry import TASKS
from corpus.errors import NoSuchPath
from corpus.files.written_once import HoldsOther
from tests.benchmark.tiny_bench import write_bench

ROOT = Path(__file__).resolve().parents[2]
REPLAY = [task for task in TASKS if task.startswith("replay_")]
APPLIES = {
    "random": list(TASKS),
    "constant": [*REPLAY, "like_view_ratio", "views"],
    "majority": ["tweet_likes_brand", "tweet_likes_time"],
    "mean_curve": REPLAY,
    "interpolate": [task for task in REPLAY if task != "replay_all_masked"],
    "gaussian_process": [task for task in REPLAY if task != "replay_all_masked"],
    "views_by_age": ["views"],
    "overlap": ["speech_choice"],
    "oracle": list(TASKS),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def beside(out: Path) -> list[str]:
    return sorted(path.name for path in out.parent.iterdir())


@pytest.mark.parametrize("name", ["linear", "boosted", "constant"])
def test_a_task_without_questions_gets_no_answers(name, small_bench, tmp_path):
    """A panel may leave out all videos of a task, and a small bench may have no validation."""
    root = shutil.copytree(small_bench.root, tmp_path / "bench")
    asked = ("replay_past", "like_view_ratio")
    for task in asked:
        path = root / "public" / task / "validation.parquet"
        pl.read_parquet(path).clear().write_parquet(path)
    said = predict_run(name, root, tmp_path / "run", Settings(tasks=asked, split="validation"))
    assert said.endswith("2 tasks, 0 answers, 0 unread")
    frame = pl.read_parquet(tmp_path / "run" / "predictions" / "like_view_ratio.parquet")
    assert frame.is_empty() and "values" in frame.columns


@pytest.mark.parametrize("name", APPLIES)
def test_answers_the_tasks_it_applies_to_in_the_benchs_order(name, small_bench, tmp_path):
    predict_run(name, small_bench.root, tmp_path / "run", Settings())
    run = Run.open(tmp_path / "run", small_bench)
    assert (run.name, run.manifest.kind, run.kind) == (name, predictors()[name].kind, "submitted")
    assert run.tasks == APPLIES[name]
    for task in run.tasks:
        written = pl.read_parquet(tmp_path / "run" / "predictions" / f"{task}.parquet")
        assert written["instance_id"].to_list() == small_bench.public(task, "test")["instance_id"].to_list()
    assert {row["unparsed"] for row in score(tmp_path / "run", small_bench.root)} == {0}


def test_interpolates_between_the_nearest_visible_values(small_bench, tmp_path):
    predict_run("interpolate", small_bench.root, tmp_path / "run", Settings(tasks=("replay_random_5",)))
    values = Run.open(tmp_path / "run", small_bench).predictions("replay_random_5")["values"]
    moved = set()
    for row, found in zip(small_bench.public("replay_random_5", "test").iter_rows(named=True), values, strict=True):
        curve, asked = row["replay"], row["asked"]
        left, right = asked[0] - 1, asked[-1] + 1
        if len(asked) != 5 or left < 0 or right >= len(curve):
            continue
        step = (curve[right] - curve[left]) / 6
        line = np.array([curve[left] + step * (i + 1) for i in range(5)])
        inside = (found.to_numpy() > 0) & (found.to_numpy() < 100)
        moved |= set((found.to_numpy() - line)[inside].round(6))
    assert len(moved) == 1 and abs(moved.pop()) < 3  # by the constant that suits the metric best in training


def test_no_predictor_beats_the_oracle_where_it_knows_the_expectation(small_bench, tmp_path):
    errors = {}
    for name in ("oracle", "boosted", "constant", "mean_curve", "interpolate"):
        predict_run(name, small_bench.root, tmp_path / name, Settings(tasks=("replay_future",)))
        errors[name] = next(row["value"] for row in score(tmp_path / name, small_bench.root) if row["metric"] == "rmse")
    assert min(errors, key=errors.__getitem__) == "oracle"


def test_predicting_needs_no_answers(small_bench, tmp_path):
    public = tmp_path / "bench"
    shutil.copytree(small_bench.root, public, ignore=shutil.ignore_patterns("private"))
    for name in ("random", "boosted"):
        without, whole = tmp_path / f"{name} without", tmp_path / f"{name} with"
        predict_run(name, public, without, Settings(tasks=("views", "tweet_likes_brand")))
        predict_run(name, small_bench.root, whole, Settings(tasks=("views", "tweet_likes_brand")))
        assert contents(without) == contents(whole)


def test_oracle_is_of_the_simulated_world_alone(small_bench, tmp_path):
    shutil.copytree(small_bench.root, tmp_path / "bench", ignore=shutil.ignore_patterns("oracle.parquet"))
    with pytest.raises(NoOracle, match="only the simulated world has an oracle"):
        predict_run("oracle", tmp_path / "bench", tmp_path / "run", Settings())
    assert beside(tmp_path / "run") == ["bench"]


def test_same_settings_give_the_same_bytes_and_a_second_run_does_nothing(small_bench, tmp_path):
    settings = Settings(tasks=("replay_past", "views"), seed=3)
    for run in ("a", "b"):
        predict_run("boosted", small_bench.root, tmp_path / run, settings)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*")}
    assert "nothing to do" in predict_run("boosted", small_bench.root, tmp_path / "a", settings)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*")}


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("boosted", Settings(tasks=("views",), limit=5), "limit: 3 there, 5 asked"),
        ("boosted", Settings(tasks=("views",)), "limit: 3 there, none asked"),
        ("boosted", Settings(tasks=("views",), limit=3, seed=1), "seed: 0 there, 1 asked"),
        ("boosted", Settings(limit=3, tasks=("views", "replay_past")), "tasks: views there, replay_past, views asked"),
        ("boosted", Settings(tasks=("views",), limit=3, split="validation"), "split: test there, validation asked"),
        ("constant", Settings(tasks=("views",), limit=3), "run: boosted there, constant asked"),
    ],
)
def test_a_run_is_written_once(name, settings, said, small_bench, tmp_path):
    predict_run("boosted", small_bench.root, tmp_path / "run", Settings(tasks=("views",), limit=3))
    before = contents(tmp_path)
    with pytest.raises(HoldsOther, match=said):
        predict_run(name, small_bench.root, tmp_path / "run", settings)
    assert contents(tmp_path) == before


def test_a_run_of_another_bench_is_not_overwritten(small_bench, tmp_path, cbc):
    other = shutil.copytree(small_bench.root, tmp_path / "bench")
    manifest = json.loads((other / "manifest.json").read_text()) | {"fingerprint": "beef"}
    (other / "manifest.json").write_text(json.dumps(manifest))
    predict_run("constant", small_bench.root, tmp_path / "run", Settings(tasks=("views",)))
    done = cbc("baselines", "predict", "constant", "--tasks", "views", "--bench", other, "--out", tmp_path / "run")
    assert done.returncode == 2
    assert "there, beef asked" in done.stderr and done.stderr.count("\n") == 1


def test_a_run_stopped_between_tasks_does_only_the_missing_ones(small_bench, tmp_path, monkeypatch):
    whole, asked = tmp_path / "whole", []
    predict_run("constant", small_bench.root, whole, Settings())
    constant = predictors()["constant"]
    answer = type(constant).predict

    def stops_at_views(self, bench, task, settings):
        asked.append(task)
        if task == "views" and asked.count("views") == 1:
            raise KeyboardInterrupt
        return answer(self, bench, task, settings)

    monkeypatch.setattr(type(constant), "predict", stops_at_views)
    with pytest.raises(KeyboardInterrupt):
        predict_run("constant", small_bench.root, tmp_path / "run", Settings())
    assert not (tmp_path / "run").exists()
    predict_run("constant", small_bench.root, tmp_path / "run", Settings())
    assert asked == [*APPLIES["constant"], "views"]
    assert contents(tmp_path / "run") == contents(whole)
    assert beside(tmp_path / "run") == ["run", "whole"]


def test_what_was_done_for_another_seed_is_neither_taken_over_nor_lost(small_bench, tmp_path, monkeypatch):
    boosted = predictors()["boosted"]
    answer = type(boosted).predict

    def stops_at_views(self, bench, task, settings):
        if task == "views":
            raise KeyboardInterrupt
        return answer(self, bench, task, settings)

    tasks = ("like_view_ratio", "views")
    with monkeypatch.context() as patched:
        patched.setattr(type(boosted), "predict", stops_at_views)
        with pytest.raises(KeyboardInterrupt):
            predict_run("boosted", small_bench.root, tmp_path / "run", Settings(tasks=tasks, seed=1))
    before = contents(tmp_path)
    with pytest.raises(HoldsOther, match="seed: 1 there, 2 asked"):
        predict_run("boosted", small_bench.root, tmp_path / "run", Settings(tasks=tasks, seed=2))
    assert contents(tmp_path) == before
    for run in ("run", "whole"):
        predict_run("boosted", small_bench.root, tmp_path / run, Settings(tasks=tasks, seed=1))
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_a_killed_run_goes_on_and_gives_the_same_bytes(small_bench, tmp_path):
    predict_run("boosted", small_bench.root, tmp_path / "whole", Settings())
    out, parts = tmp_path / "run", tmp_path / ".run.tasks"
    command = [sys.executable, "-m", "cbc", "baselines", "predict", "boosted", "--bench", str(small_bench.root)]
    process = subprocess.Popen([*command, "--out", str(out)], cwd=ROOT, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not list(parts.glob("*.parquet")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert list(parts.glob("*.parquet")) or out.exists()
    predict_run("boosted", small_bench.root, out, Settings())
    assert contents(out) == contents(tmp_path / "whole")
    assert beside(out) == ["run", "whole"]


def test_never_writes_over_what_is_no_run(small_bench, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(NoSuchPath, match="exists and is no run"):
        predict_run("constant", small_bench.root, tmp_path / "mine", Settings())
    assert contents(tmp_path / "mine") == {"thesis.txt": b"years of work"}


def test_examples_need_a_training_split(small_bench, tmp_path):
    manifest = {**small_bench.manifest, "tasks": {"views": {**small_bench.tasks["views"], "train": 0}}}
    with pytest.raises(WrongSettings, match="no training instances"):
        from baselines.predict import check_settings

        check_settings(Bench(small_bench.root, manifest), Settings(shots=2))


def test_validation_split_is_predicted_from_the_public_part(small_bench, tmp_path):
    predict_run("constant", small_bench.root, tmp_path / "run", Settings(tasks=("views",), split="validation"))
    written = pl.read_parquet(tmp_path / "run" / "predictions" / "views.parquet")
    assert written["instance_id"].to_list() == small_bench.public("views", "validation")["instance_id"].to_list()


def test_list_names_every_predictor_and_what_it_answers(cbc):
    done = cbc("baselines", "list")
    assert done.returncode == 0
    for name, predictor in predictors().items():
        line = next(line for line in done.stdout.splitlines() if line.split()[0] == name)
        assert predictor.kind in line and predictor.answers in line
    assert "Hugging Face" in done.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["constant", "--bench", "/no/bench"], "no bench at /no/bench"),
        (["constant", "--tasks", "smell"], "has no task smell"),
        (["constant", "--split", "train"], "no split 'train'"),
        (["constant", "--shots", "2"], "constant is no language model"),
        (["constant", "--decode", "greedy"], "constant is no language model"),
        (["constant", "--decode", "loud"], "unknown decoding 'loud'"),
        (["interpolate", "--tasks", "views"], "interpolate applies to no task"),
        (["./no/such/model"], "./no/such/model is no predictor and no model folder"),
        (["oracle", "--split", "validation"], "the oracle has no answers for the validation split"),
    ],
)
def test_a_slip_is_one_line_and_exit_code_2(args, said, cbc, small_bench, tmp_path):
    bench = [] if "--bench" in args else ["--bench", small_bench.root]
    done = cbc("baselines", "predict", *args, *bench, "--out", tmp_path / "run")
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2
    assert len(errors) == 1 and said in errors[0] and "; " in errors[0]
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "shown"), [("lm", "lm"), ("neighbour", "submitted"), ("oracle", "submitted"), ("trivial", "submitted")]
)
def test_a_predictor_of_another_package_has_no_kind_that_runs_lack_and_none_of_the_benchs_own(
    kind, shown, tmp_path, monkeypatch
):
    class Mine(Predictor):
        name, description, answers = "mine", "a constant", "views"

        def applies(self, bench, task):
            return task == "views"

        def predict(self, bench, task, settings):
            asked = bench.public(task, settings.split).select("instance_id")
            return asked.with_columns(values=pl.lit([1.0]))

    Mine.kind = kind
    monkeypatch.setitem(PREDICTORS.paths, "mine", "elsewhere:Mine")
    monkeypatch.setitem(PREDICTORS._loaded, "mine", Mine)
    bench = write_bench(tmp_path / "bench [1] *", ["views"])
    predict_run("mine", bench.root, tmp_path / "run", Settings())
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["kind"] == shown
    assert Run.open(tmp_path / "run", bench).kind == shown
