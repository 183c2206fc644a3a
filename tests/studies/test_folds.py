"""The study of folds: every curve is tested, values are those of the scorer, and repeated draws narrow no interval."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benchmark.build import build_bench
from benchmark.folds import Fold
from benchmark.score import score
from corpus.simulate.world import simulate
from studies.folds import Asked, NoFolds, make_splits, run_study
from studies.pooled import BEST, Split, pool

TASKS = ("replay_random_5", "replay_all_masked")
VIDEOS = 36


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> Asked:
    root = tmp_path_factory.mktemp("folds") / "world"
    simulate(root, seed=5, world="clear", brands=12, videos=3, posts=2, emails=1)
    return Asked(root, folds=3, split_seeds=2, tasks=TASKS, predictors=("linear",))


@pytest.fixture(scope="module")
def splits(asked, tmp_path_factory) -> list[Split]:
    return list(make_splits(asked, tmp_path_factory.mktemp("benches")))


def test_every_video_is_tested_once_by_each_seed(splits):
    for seed in (0, 1):
        tested = [split.bench.public(TASKS[1], "test")["message_id"] for split in splits if split.seed == seed]
        assert pl.concat(tested).n_unique() == len(pl.concat(tested)) == VIDEOS


@pytest.mark.parametrize("task", TASKS)
def test_a_pool_of_one_bench_has_the_scores_of_its_run(splits, task):
    rows = {row["metric"]: row for row in score(splits[0].runs[0].root, splits[0].bench.root) if row["task"] == task}
    of = pool(splits[:1], task)
    for metric, row in rows.items():
        interval = of.measured[metric]["linear"].interval
        assert (interval.value, interval.low, interval.high) == (row["value"], row["low"], row["high"])
        assert of.measured[metric][BEST].value == row["best_trivial_value"]


def test_all_metrics_over_folds_are_means_over_videos_of_means_over_draws(splits):
    """By hand from the runs' values: RMSE of each video's draws, and hits over values with equal draws."""
    of = pool([split for split in splits if split.seed == 0], TASKS[0])
    rows: list[dict[str, object]] = []
    for split in splits[:3]:
        public = split.bench.public(TASKS[0], "test").select("instance_id", "message_id")
        answers = public.join(split.bench.answers(TASKS[0]), on="instance_id", maintain_order="left")
        for (_, video, _, target, _), values in zip(
            answers.iter_rows(), split.runs[0].predictions(TASKS[0])["values"], strict=True
        ):
            gap = np.array(values) - np.array(target)
            rows.append(
                {"video": video, "rmse": np.sqrt((gap**2).mean()), "hits": (np.abs(gap) <= 5).sum(), "n": len(gap)}
            )
    by_video = pl.DataFrame(rows).group_by("video").agg(pl.col("rmse", "hits", "n").mean(), draws=pl.len())
    assert by_video["draws"].to_list() == [20] * len(by_video) and of.key.draws == 20
    assert of.key.messages == len(by_video) < VIDEOS  # videos of fewer than seven scenes are not asked about
    assert of.measured["rmse"]["linear"].value == pytest.approx(by_video["rmse"].mean())
    accuracy = 100 * by_video["hits"].sum() / by_video["n"].sum()
    assert of.measured["accuracy_abs5"]["linear"].value == pytest.approx(accuracy)


def test_the_same_answers_again_narrow_no_interval(splits):
    once = pool(splits[:3], TASKS[0])
    again = pool([*splits[:3], *(replace(split, seed=9) for split in splits[:3])], TASKS[0])
    for metric in ("rmse", "accuracy_abs5"):
        for name in ("linear", BEST, "oracle"):
            first, second = (of.measured[metric][name].interval for of in (once, again))
            assert (first.value, first.low, first.high) == pytest.approx((second.value, second.low, second.high))
    assert (once.key.groups, again.key.instances) == (again.key.groups, 2 * once.key.instances)


def test_the_result_holds_values_spreads_and_what_they_rest_on(asked, tmp_path, cbc_here):
    small = replace(asked, split_seeds=1, folds=2, tasks=TASKS[1:])
    text = run_study(small, tmp_path).read_text()
    assert "`cbc study folds CORPUS --folds 2 --split-seeds 1 --tasks replay_all_masked --predictors linear`" in text
    parts = {part["title"][:9]: part for part in json.loads((tmp_path / "folds.json").read_text())["parts"]}
    values = {row[2]: row for row in parts["Every gro"]["rows"] if row[1] == "rmse"}
    assert {"linear", "oracle", BEST, "mean_curve"} <= set(values)
    for _, _, name, value, low, high, *_ in values.values():
        assert low < value < high, name
    assert values["oracle"][6] > 0 and values[BEST][6] is None
    spreads = {row[2]: row[3:] for row in parts["How much "]["rows"] if row[1] == "rmse"}
    lowest, highest, deviation, same, also, none = spreads["linear"]
    assert lowest <= values["linear"][3] <= highest and deviation == pytest.approx((highest - lowest) / np.sqrt(2))
    assert same == also == pytest.approx(values["linear"][3]) and none is None
    task, questions, videos, groups, effective, draws, best = parts["What this"]["rows"][0]
    assert (task, questions, videos, draws) == (TASKS[1], VIDEOS, VIDEOS, 1) and effective <= groups == 12
    assert sum(int(part.rsplit(" ", 1)[1]) for part in best.split(", ")) == 2
    done = cbc_here("study", "folds", asked.corpus, "--tasks", "tweet_likes_time", "--out", tmp_path)
    assert done.returncode == 2 and "separated by time and has no folds" in done.stderr


def test_a_corpus_without_such_videos_is_named(tmp_path):
    simulate(tmp_path / "c", seed=1, brands=6, videos=0, posts=2, emails=1)
    with pytest.raises(NoFolds, match="feeds none of replay_all_masked"):
        run_study(Asked(tmp_path / "c", 2, 1, TASKS[1:], ("linear",)), tmp_path)


def test_videos_weigh_equally_where_benches_have_unequal_draws(splits, asked, tmp_path):
    fewer = build_bench(asked.corpus, tmp_path / "b", fold=Fold(1, 3), tasks=TASKS[:1], mask_draws=4)
    of = pool([replace(splits[0], runs=()), Split(0, Fold(1, 3), fewer, ())], TASKS[0])
    assert of.key.instances == 4 * of.key.messages and of.key.draws == 4
