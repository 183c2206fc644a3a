"""The audit finds every planted fault, on the bench's own files, and nothing on a bench that was just built."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from benchmark.audit import LEAK, LEFT, LeakyBench, audit, refuse_leaks
from benchmark.bench import Bench
from benchmark.build import build_bench
from corpus.simulate.world import simulate

SIZES = {"train": 150, "validation": 40, "test": 60}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Bench:
    folder = tmp_path_factory.mktemp("audited")
    simulate(folder / "corpus", seed=5, world="clear", brands=15, videos=40, posts=40, emails=1)
    return build_bench(folder / "corpus", folder / "bench", sizes=SIZES, mask_draws=2)


@pytest.fixture
def bench(built, tmp_path) -> Bench:
    """A copy to plant faults in."""
    return Bench.open(shutil.copytree(built.root, tmp_path / "bench"))


def plant(bench: Bench, task: str, split: str, **cells: object) -> None:
    """Overwrite cells of the first row of a public file."""
    path = bench.root / "public" / task / f"{split}.parquet"
    frame = pl.read_parquet(path)
    first = pl.int_range(pl.len()) == 0
    changed = [pl.when(first).then(pl.lit(value)).otherwise(name).alias(name) for name, value in cells.items()]
    frame.with_columns(changed).write_parquet(path)


def found(bench: Bench) -> set[tuple[str, str, str, str, int]]:
    return {(f.grade, f.what, f.task, f.other, f.count) for f in audit(bench)}


def first_test(bench: Bench, task: str, column: str) -> object:
    return bench.public(task, "test")[column][0]


def test_a_bench_just_built_has_no_finding(built):
    assert audit(built) == []
    refuse_leaks(built)


@pytest.mark.parametrize("other", ["views", "tweet_likes_time"])
def test_a_test_message_in_the_training_of_any_task_is_a_leak(bench, other):
    plant(bench, other, "train", message_id=first_test(bench, "tweet_likes_brand", "message_id"))
    assert (LEAK, "messages", "tweet_likes_brand", other, 1) in found(bench)
    with pytest.raises(LeakyBench, match=f"1 test question of .* share messages with the training part of {other}"):
        refuse_leaks(bench)


def test_a_group_that_is_tested_and_learned_from_is_a_leak(bench):
    group = first_test(bench, "views", "group")
    plant(bench, "tweet_likes_time", "train", group=group)
    tested = bench.public("views", "test")["group"].to_list().count(group)
    assert (LEAK, "groups", "views", "tweet_likes_time", tested) in found(bench)


def test_a_prompt_that_is_asked_and_learned_is_a_leak(bench):
    plant(bench, "replay_past", "train", prompt=first_test(bench, "replay_past", "prompt"))
    assert found(bench) == {(LEAK, "prompts", "replay_past", "replay_past", 1)}


def test_training_later_than_a_test_by_time_is_a_leak(bench):
    later = bench.public("tweet_likes_time", "test")["published_at"].max() + timedelta(days=1)
    plant(bench, "tweet_likes_time", "train", published_at=later)
    rows = bench.public("tweet_likes_time", "test").height
    assert found(bench) == {(LEAK, "times", "tweet_likes_time", "tweet_likes_time", rows)}


def test_training_of_another_task_later_than_a_test_by_time_is_a_leak(bench):
    later = bench.public("tweet_likes_time", "test")["published_at"].max() + timedelta(days=100)
    plant(bench, "tweet_likes_brand", "train", published_at=later)
    rows = bench.public("tweet_likes_time", "test").height
    assert found(bench) == {(LEAK, "times", "tweet_likes_time", "tweet_likes_brand", rows)}


def test_test_questions_in_the_validation_part_are_a_leak(bench):
    plant(bench, "views", "validation", message_id=first_test(bench, "views", "message_id"))
    assert (LEAK, "messages", "views", "views (validation)", 1) in found(bench)
    with pytest.raises(LeakyBench):
        refuse_leaks(bench)


def test_a_copied_text_and_a_copied_prompt_with_other_spaces_are_found(bench):
    body = first_test(bench, "tweet_likes_brand", "body")
    prompt = str(first_test(bench, "tweet_likes_brand", "prompt"))
    plant(bench, "tweet_likes_time", "train", body=f"{body}  !", prompt=prompt.replace("\n", " \n") + " ")
    findings = {finding for finding in found(bench) if finding[2] == "tweet_likes_brand"}
    assert findings == {
        (LEFT, "texts", "tweet_likes_brand", "tweet_likes_time", 1),
        (LEAK, "prompts", "tweet_likes_brand", "tweet_likes_time", 1),
    }


def test_a_prompt_that_shows_the_count_it_asks_for_is_said(bench):
    views = bench.answers("views").filter(pl.col("target").list.first() > 1_000)
    path = bench.root / "public" / "views" / "test.parquet"
    shown = f"as seen by {int(views['target'][0][0]):,} people"
    changed = pl.when(pl.col("instance_id") == views["instance_id"][0]).then(pl.col("prompt") + shown)
    pl.read_parquet(path).with_columns(prompt=changed.otherwise("prompt")).write_parquet(path)
    assert found(bench) == {(LEFT, "counts", "views", "views", 1)}


def test_a_bench_without_titles_or_with_null_ones_is_audited(bench):
    for task in ("views", "like_view_ratio"):
        path = bench.root / "public" / task / "test.parquet"
        frame = pl.read_parquet(path)
        (frame.drop("title") if task == "views" else frame.with_columns(title=pl.lit(None))).write_parquet(path)
    assert audit(bench) == []


def test_a_title_left_in_is_said_and_refuses_nothing(bench):
    title = first_test(bench, "views", "title")
    plant(bench, "speech_choice", "train", title=f"{title.upper()} !")
    findings = {finding for finding in found(bench) if finding[2] == "views"}
    assert findings == {(LEFT, "titles", "views", "speech_choice", 1)}
    refuse_leaks(bench)


def test_build_refuses_a_task_that_splits_for_itself(tmp_path, monkeypatch):
    from benchmark.tasks.views import Views

    instances = Views.instances

    def leaky(self, connection, holdout, seed, sizes):
        frame = instances(self, connection, holdout, seed, sizes)
        parts = {split: frame.filter(pl.col("split") == split) for split in ("train", "validation", "test")}
        moved = parts["test"].head(3).with_columns(split=pl.lit("train"))
        return pl.concat([parts["train"], moved, parts["validation"], parts["test"].tail(-3)])

    monkeypatch.setattr(Views, "instances", leaky)
    simulate(tmp_path / "corpus", seed=5, world="clear", brands=15, videos=40, posts=40, emails=1)
    with pytest.raises(LeakyBench, match="training part of views"):
        build_bench(tmp_path / "corpus", tmp_path / "bench", sizes=SIZES)
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_the_command_says_what_it_found(bench, cbc_here):
    clean = cbc_here("benchmark", "audit", "--bench", bench.root)
    assert clean.returncode == 0 and clean.stdout.rstrip().endswith("0 leaks")
    assert all(task in clean.stdout for task in bench.tasks)
    plant(bench, "replay_past", "train", prompt=first_test(bench, "replay_past", "prompt"))
    leaky = cbc_here("benchmark", "audit", "--bench", bench.root)
    assert leaky.returncode == 1 and leaky.stdout.rstrip().endswith("1 leak") and "replay_past" in leaky.stdout
    rows = json.loads(cbc_here("benchmark", "audit", "--bench", bench.root, "--json").stdout)
    assert (rows["leaks"], rows["findings"][0]["what"]) == (1, "prompts")


def test_a_bench_of_an_earlier_version_is_one_line(bench, cbc_here):
    manifest = json.loads((bench.root / "manifest.json").read_text())
    Path(bench.root / "manifest.json").write_text(json.dumps({**manifest, "version": 1}))
    done = cbc_here("benchmark", "audit", "--bench", bench.root)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert "build it again" in done.stderr
