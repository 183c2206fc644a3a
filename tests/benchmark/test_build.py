"""From corpus to bench: splits that do not leak, masks as the paper has them, answers apart from questions."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.bench import Bench, NoAnswers
from benchmark.build import NothingToAsk, build_bench
from benchmark.folds import BadFold, Fold
from benchmark.mask_draws import draws_of
from benchmark.tasks.base import draw_column
from benchmark.tasks.registry import TASKS, task_named
from benchmark.tasks.replay import scene_runs
from benchmark.tasks.tweet_likes import like_classes
from corpus.errors import NoSuchPath, WrongVersion
from corpus.files.written_once import HoldsOther
from corpus.ingest.run import ingest
from corpus.registry import UnknownName
from corpus.simulate.world import simulate
from corpus.sources.registry import source_named

SIZES = {"train": 150, "validation": 40, "test": 60}
SMALL = {"sizes": SIZES, "mask_draws": 2}
REPLAYS = [name for name in TASKS if name.startswith("replay_")]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("world") / "corpus"
    simulate(root, seed=3, world="clear", brands=15, videos=60, posts=40, emails=1)
    return root


@pytest.fixture(scope="module")
def bench(corpus, tmp_path_factory) -> Bench:
    return build_bench(corpus, tmp_path_factory.mktemp("bench") / "bench", **SMALL)


def splits(bench: Bench, task: str) -> dict[str, pl.DataFrame]:
    return {split: bench.public(task, split) for split in ("train", "validation", "test")}


def test_every_task_is_built_with_its_sizes(bench):
    assert list(bench.tasks) == list(TASKS)
    assert bench.manifest["left_out"] == {}
    assert bench.simulated
    for task, entry in bench.tasks.items():
        for split, frame in splits(bench, task).items():
            assert frame.height == entry[split] and frame["message_id"].n_unique() <= SIZES[split]
            assert frame["instance_id"].n_unique() == frame.height
            assert frame.height == frame["message_id"].n_unique() or "draw" in frame.columns


def test_a_group_is_in_one_split_for_all_tasks(bench):
    groups = pl.read_parquet(bench.root / "public" / "groups.parquet")
    split_of = dict(groups.select("group", "split").iter_rows())
    assert len(split_of) == groups.height and set(split_of.values()) == {"train", "validation", "test"}
    for task in TASKS:
        for split, frame in splits(bench, task).items():
            expected = "train" if task == "tweet_likes_time" else split
            assert {split_of[group] for group in frame["group"]} == {expected}


def test_companies_and_messages_of_a_test_are_in_no_training(bench):
    trains = [bench.public(task, "train") for task in TASKS]
    messages = set(pl.concat([frame["message_id"] for frame in trains]))
    companies = set(pl.concat([frame["company"] for frame in trains]).drop_nulls())
    for task in TASKS:
        test = bench.public(task, "test")
        assert not messages & set(test["message_id"])
        assert task == "tweet_likes_time" or not companies & set(test["company"].drop_nulls())


def test_time_separated_tests_begin_after_the_last_train_post(bench):
    parts = splits(bench, "tweet_likes_time")
    assert parts["train"]["published_at"].max() < parts["validation"]["published_at"].min()
    assert parts["validation"]["published_at"].max() < parts["test"]["published_at"].min()


@pytest.mark.parametrize("task", TASKS)
def test_the_public_test_split_holds_no_answer(bench, task):
    frame = bench.public(task, "test")
    assert frame["answer"].null_count() == frame["target"].null_count() == frame.height
    answers = bench.answers(task)
    assert answers["instance_id"].to_list() == frame["instance_id"].to_list()
    low, high = task_named(task).answer.legal
    for column in ("target", "chance"):
        values = answers[column].explode()
        assert values.null_count() == 0 and low <= values.min() and values.max() <= high


@pytest.mark.parametrize("task", TASKS)
def test_every_right_answer_reads_as_its_target(bench, task):
    train = bench.public(task, "train")
    for answer, target, options in train.select("answer", "target", "options").iter_rows():
        read = task_named(task).answer.parse(answer, len(target), options)
        assert read is not None
        assert read == pytest.approx(target, rel=0.051, abs=0.0501)


@pytest.mark.parametrize("task", REPLAYS)
def test_masked_scenes_are_masked_and_the_others_shown(bench, task):
    for frame in splits(bench, task).values():
        for prompt, replay, asked in frame.select("prompt", "replay", "asked").iter_rows():
            scenes = [line for line in prompt.splitlines() if line.startswith("scene ")]
            assert len(scenes) == len(replay)
            assert [i for i, line in enumerate(scenes) if line.endswith(f" = <mask {i + 1}>")] == asked
            shown = [int(line.rsplit(" = ", 1)[1]) for i, line in enumerate(scenes) if i not in asked]
            assert shown == [int(value) for value in replay if value is not None]


def test_masks_are_where_the_condition_says(bench):
    for task, expect in {
        "replay_past": lambda asked, n: asked == list(range(len(asked))) and 0.0 < len(asked) / n <= 0.25,
        "replay_future": lambda asked, n: asked[-1] == n - 1 and asked == list(range(asked[0], n)),
        "replay_random_5": lambda asked, n: len(asked) == 5 and asked == list(range(asked[0], asked[0] + 5)),
        "replay_random_7": lambda asked, n: len(asked) == 7,
        "replay_all_masked": lambda asked, n: asked == list(range(n)),
    }.items():
        frame = bench.public(task, "test")
        assert all(expect(asked, len(replay)) for asked, replay in frame.select("asked", "replay").iter_rows()), task


@pytest.mark.parametrize("length", [5, 7])
def test_runs_of_masked_scenes_do_not_touch(length):
    for seed in range(300):
        scenes = int(np.random.default_rng(seed).integers(length + 2, 101))
        asked = scene_runs(length, scenes, np.random.default_rng(seed))
        assert asked == sorted(set(asked)) and asked[0] >= 0 and asked[-1] < scenes
        assert len(asked) % length == 0
        assert len(asked) <= max(length, 0.2 * scenes)
        starts = asked[::length]
        assert all(b - a > length for a, b in itertools.pairwise(starts))


def test_every_place_of_the_runs_is_equally_likely_the_last_scene_too():
    """20 scenes have room for one run of 5 at 16 places; 55 scenes for two of 5 that do not touch."""
    rng = np.random.default_rng(0)
    starts = np.array([scene_runs(5, 20, rng)[0] for _ in range(8000)])
    counts = np.bincount(starts, minlength=16)
    assert len(counts) == 16 and counts.min() > 400 and counts.max() < 600
    pairs = [tuple(asked[::5]) for asked in (scene_runs(5, 55, rng) for _ in range(150_000)) if len(asked) == 10]
    places = {(a, b) for a in range(51) for b in range(a + 6, 51)}
    seen = Counter(pairs)
    assert set(seen) == places and max(seen.values()) < 4 * len(pairs) / len(places)


def test_speech_is_hidden_from_every_public_column(bench):
    frame = bench.public("speech_choice", "test")
    answers = bench.answers("speech_choice")
    for (speech, asked, text, options), target in zip(
        frame.select("scene_speech", "asked", "text", "option_texts").iter_rows(), answers["target"], strict=True
    ):
        assert all(speech[scene] is None for scene in asked)
        assert len(set(options)) == len(options) == 25
        for part in options[int(target[0])].split(" / "):
            assert part not in text


@pytest.mark.parametrize("task", TASKS)
def test_variants_change_behavior_and_nothing_else(bench, task):
    train = bench.public(task, "train")
    made = {variant: task_named(task).variant(train, variant, 0) for variant in ("behavior", "control", "content")}
    assert made["behavior"].equals(train.select("prompt", "answer"))
    for variant in ("control", "content"):
        again = task_named(task).variant(train, variant, 0)
        assert made[variant].equals(again)
        assert [len(p.splitlines()) for p in made[variant]["prompt"]] == [len(p.splitlines()) for p in train["prompt"]]
    if task == "speech_choice":
        assert made["control"]["answer"].equals(train["answer"])
        return
    for target, answer, options in zip(train["target"], made["content"]["answer"], train["options"], strict=True):
        assert task_named(task).answer.parse(answer, len(target), options) is not None
    if task.startswith("tweet"):
        assert (
            made["control"]["answer"]
            .value_counts()
            .sort("answer")
            .equals(train["answer"].value_counts().sort("answer"))
        )


def test_the_base_sees_how_often_values_occur_but_not_where(bench):
    task, train = task_named("replay_all_masked"), bench.public("replay_all_masked", "train")
    base = task.variant(train, "content", 0)["answer"]
    drawn = np.concatenate([task.answer.parse(a, len(t)) for a, t in zip(base, train["target"], strict=True)])
    truth = train["target"].explode().to_numpy()
    assert set(drawn) <= set(truth.round()) and abs(drawn.mean() - truth.mean()) < 3
    assert np.quantile(drawn, [0.2, 0.8]) == pytest.approx(np.quantile(truth, [0.2, 0.8]), abs=8)
    first = [values[0] for values in train["target"]]
    told = [task.answer.parse(a, len(t))[0] for a, t in zip(base, train["target"], strict=True)]
    assert abs(np.corrcoef(first, told)[0, 1]) < 0.3


@given(st.lists(st.one_of(st.none(), st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=4)), max_size=8))
def test_values_are_drawn_anew_where_they_are_known(rows):
    column = pl.Series("values", rows, dtype=pl.List(pl.Int64))
    drawn = draw_column(column, np.random.default_rng(0)).to_list()
    pool = {value for row in rows for value in row or [] if value is not None}
    for row, new in zip(rows, drawn, strict=True):
        assert (new or []) == [] if not row else [v is None for v in row] == [v is None for v in new]
        assert set(new or []) - {None} <= pool


def test_the_control_keeps_whole_curves_and_their_lengths(bench):
    train = bench.public("replay_all_masked", "train")
    control = task_named("replay_all_masked").variant(train, "control", 0)
    read = [
        tuple(task_named("replay_all_masked").answer.parse(answer, len(target)) or ())
        for answer, target in zip(control["answer"], train["target"], strict=True)
    ]
    assert sorted(read) == sorted(tuple(target) for target in train["target"])
    moved = np.mean([a != tuple(b) for a, b in zip(read, train["target"], strict=True)])
    assert moved > 0.8


def test_messages_of_which_nothing_is_known_are_not_asked_and_learned_alike(tmp_path):
    """Curves without title or channel: whole ones are asked in the same words, parts of them are not."""
    lines = []
    rng = np.random.default_rng(0)
    for n in range(90):
        curve = np.round(np.clip(0.5 + np.cumsum(rng.normal(0, 0.05, 100)), 0.01, 1), 3)
        heatmap = [{"start_time": i * 2.0, "end_time": (i + 1) * 2.0, "value": value} for i, value in enumerate(curve)]
        lines.append(json.dumps({"id": f"video{n:06}", "duration": 200, "channel_id": f"UC{n}", "heatmap": heatmap}))
    (tmp_path / "dump").mkdir()
    for n, line in enumerate(lines):
        (tmp_path / "dump" / f"{n}.info.json").write_text(line)
    ingest(source_named("ytdlp"), [tmp_path / "dump"], tmp_path / "corpus")
    bench = build_bench(tmp_path / "corpus", tmp_path / "bench")
    assert "replay_past" in bench.tasks and "replay_all_masked" not in bench.tasks
    assert "prompts of its training" in bench.manifest["left_out"]["replay_all_masked"]
    assert bench.manifest["holdout"]["same_prompts_left_out"] >= 60


def test_masks_of_a_video_do_not_depend_on_the_others(corpus, bench, tmp_path):
    smaller = build_bench(corpus, tmp_path / "smaller", sizes={**SIZES, "test": 20}, mask_draws=2)
    for task in ("replay_random_5", "replay_past"):
        few, many = (made.public(task, "test").select("instance_id", "prompt") for made in (smaller, bench))
        assert few.height == 20 * smaller.tasks[task]["draws"]
        assert few.join(many, on=["instance_id", "prompt"], how="semi").height == few.height


def test_whole_numbers_are_the_best_answers_within_five(bench):
    """Curves are of whole numbers, of which eleven are within five of a whole number and ten of any other."""
    for task in (task for task in bench.tasks if task.startswith("replay")):
        oracle = pl.read_parquet(bench.root / "private" / task / "oracle.parquet")
        values = oracle["values_accuracy_abs5"].explode()
        assert values.equals(values.round())


def test_same_corpus_and_seed_same_bytes(corpus, bench, tmp_path):
    again = build_bench(corpus, tmp_path / "again", **SMALL)
    assert again.manifest == bench.manifest
    assert {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (tmp_path / "again").rglob("*.parquet")} == {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in bench.root.rglob("*.parquet")
    }
    other = build_bench(corpus, tmp_path / "other", seed=1, **SMALL)
    assert other.fingerprint != bench.fingerprint


def test_likes_are_classed_within_account_and_time():
    rows = 400
    frame = pl.DataFrame(
        {
            "message_id": [f"m{i}" for i in range(rows)],
            "communicator_id": ["a"] * 200 + ["b"] * 200,
            "split": ["train"] * rows,
            "published_at": pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2021, 2, 3), "1d", eager=True)[
                :rows
            ],
            "likes": [float(i % 7 + (1000 if i >= 200 else 0) + i * 10) for i in range(rows)],
        }
    )
    for cut, kept in (("thirds", 2 / 3), ("median", 1.0)):
        classes = like_classes(frame, cut)
        assert classes.height / rows == pytest.approx(kept, abs=0.05)
        for _, part in classes.group_by("communicator_id"):
            assert (part["like_class"] == "high").mean() == pytest.approx(0.5, abs=0.02)
    halves = like_classes(frame).with_columns(late=pl.int_range(pl.len()) % 134 >= 67)
    assert 0.3 < (halves.filter("late")["like_class"] == "high").mean() < 0.7


def test_the_oracle_is_near_its_own_noise_and_the_posts_follow_it(bench):
    for task, error in (("replay_all_masked", 12.5), ("like_view_ratio", 0.7)):
        best = pl.read_parquet(bench.root / "private" / task / "oracle.parquet")
        target = bench.answers(task)["target"].explode().to_numpy()
        assert np.sqrt(np.mean((best["values"].explode().to_numpy() - target) ** 2)) < error
    best = pl.read_parquet(bench.root / "private" / "tweet_likes_brand" / "oracle.parquet")
    right = (best["values"].explode() == bench.answers("tweet_likes_brand")["target"].explode()).mean()
    assert right > 0.8


def test_a_bench_without_answers_says_so(bench, tmp_path):
    shutil.copytree(bench.root / "public", tmp_path / "b" / "public")
    shutil.copy(bench.root / "manifest.json", tmp_path / "b")
    with pytest.raises(NoAnswers, match="private part"):
        Bench.open(tmp_path / "b").answers("views")


def test_nothing_to_ask_and_wrong_places_are_named(tmp_path, cbc_here):
    simulate(tmp_path / "c", brands=3, videos=0, posts=0, emails=2)
    with pytest.raises(NothingToAsk, match="feeds no task"):
        build_bench(tmp_path / "c", tmp_path / "b")
    assert not list(tmp_path.glob("*b*"))
    done = cbc_here("benchmark", "build", "--corpus", tmp_path / "c", "--out", tmp_path / "b")
    *notes, line = done.stderr.splitlines()
    assert (done.returncode, done.stdout, len(line) < 300) == (2, "", True)
    assert line == (
        f"error: {tmp_path / 'c'} feeds no task: it has 6 messages of 3 communicators, 6 with behavior; "
        "ingest videos or posts with views, likes or replay curves, of more communicators (those of one company are "
        "one group)"
    )
    assert len(notes) > 5 and all(note.startswith("note: left out: ") for note in notes)
    assert cbc_here("-q", "benchmark", "build", "--corpus", tmp_path / "c", "--out", tmp_path / "b").stderr == (
        f"{line}\n"
    )
    with pytest.raises(NoSuchPath, match="no corpus"):
        build_bench(tmp_path / "nowhere", tmp_path / "b")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "manifest.json").write_text('{"format": "cbc-bench", "version": 99}')
    with pytest.raises(WrongVersion, match="build it again from its corpus"):
        Bench.open(tmp_path / "b")
    with pytest.raises(WrongVersion, match="build in another folder, or remove this one"):
        build_bench(tmp_path / "c", tmp_path / "b")


def test_a_bench_is_written_once(corpus, bench, tmp_path, cbc):
    out = shutil.copytree(bench.root, tmp_path / "bench")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.rglob("*.parquet")}
    assert build_bench(corpus, out, **SMALL).fingerprint == bench.fingerprint
    for seed, sizes, said in ((1, SIZES, "seed: 0 there, 1 asked"), (0, {**SIZES, "test": 30}, "60 there, 30 asked")):
        with pytest.raises(HoldsOther, match=said):
            build_bench(corpus, out, seed, sizes, mask_draws=2)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.rglob("*.parquet")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["bench"]
    done = cbc("benchmark", "build", "--corpus", corpus, "--out", out, "--seed", "1")
    assert (done.returncode, done.stdout) == (2, "") and "seed: 0 there, 1 asked" in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_a_folder_of_something_else_is_not_replaced(corpus, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for out in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(NoSuchPath, match="exists and is no bench"):
            build_bench(corpus, out, sizes=SIZES)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_over_all_folds_each_video_is_tested_once(corpus, tmp_path, cbc):
    chosen = ("like_view_ratio", "tweet_likes_time")
    folds = [
        build_bench(
            corpus, tmp_path / f"fold{k}", sizes={**SIZES, "test": 10_000}, mask_draws=1, fold=Fold(k, 3), tasks=chosen
        )
        for k in range(3)
    ]
    assert [(made.fold, list(made.tasks)) for made in folds] == [
        (Fold(k, 3), ["like_view_ratio", "tweet_likes_time"]) for k in range(3)
    ]
    groups = [pl.read_parquet(made.root / "public" / "groups.parquet") for made in folds]
    tested = pl.concat(frame.filter(pl.col("split") == "test") for frame in groups)["group"]
    assert sorted(tested) == sorted(groups[0]["group"])
    ids = pl.concat(made.public("like_view_ratio", "test")["message_id"] for made in folds)
    assert ids.n_unique() == len(ids) == 60 * 15
    with pytest.raises(HoldsOther, match="fold: 0/3 there, 1/3 asked"):
        build_bench(corpus, folds[0].root, fold=Fold(1, 3), tasks=chosen)
    done = cbc("benchmark", "build", "--corpus", corpus, "--out", tmp_path / "b", "--fold", "5/5")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "no fold 5 of 5; of K folds" in done.stderr


def test_chosen_tasks_are_built_as_they_are_among_all(corpus, bench, tmp_path):
    some = build_bench(corpus, tmp_path / "some", **SMALL, tasks=["views", "replay_past"])
    assert list(some.tasks) == ["replay_past", "views"] and some.manifest["left_out"] == {}
    for task in some.tasks:
        assert some.public(task, "test").equals(bench.public(task, "test"))
    with pytest.raises(UnknownName, match="no task"):
        build_bench(corpus, tmp_path / "none", tasks=["replay"])
    with pytest.raises(NothingToAsk, match="no task was named"):
        build_bench(corpus, tmp_path / "none", tasks=[])


def test_a_hidden_bench_has_no_folds(corpus, tmp_path):
    with pytest.raises(BadFold, match="hidden"):
        build_bench(corpus, tmp_path / "b", hidden=True, fold=Fold(0, 3))


DRAWN = [name for name in REPLAYS if task_named(name).draws_masks]


@pytest.mark.parametrize("task", DRAWN)
def test_each_video_has_equally_many_draws_of_masks_and_the_panel_the_first(bench, task):
    for split, frame in splits(bench, task).items():
        draws = [0] if split == "train" else [0, 1]
        by_video = frame.group_by("message_id").agg(pl.col("draw").sort(), masks=pl.col("asked").n_unique())
        assert by_video["draw"].to_list() == [draws] * len(by_video)
        assert by_video["masks"].max() == len(draws)
        if split != "train":
            assert set(frame.filter(pl.col("panel_rank").is_not_null())["draw"]) == {0}
    assert bench.tasks[task]["draws"] == bench.manifest["mask_draws"] == 2
    names = bench.public(task, "test")["instance_id"]
    assert names[0].startswith(f"{task}:") and names[-1].startswith(f"{task}#1:")


def test_few_videos_have_more_draws_of_which_the_first_are_those_of_a_bench_with_fewer(corpus, bench, tmp_path):
    many = build_bench(corpus, tmp_path / "b", sizes=SIZES, tasks=DRAWN[:1])
    assert (many.tasks[DRAWN[0]]["draws"], many.tasks[DRAWN[0]]["test"]) == (10, 60 * 10)
    for split, frame in splits(many, DRAWN[0]).items():
        assert frame.filter(pl.col("draw") < 2).equals(bench.public(DRAWN[0], split))


def test_where_all_scenes_are_masked_there_is_one_draw(bench):
    assert "draw" not in bench.public("replay_all_masked", "test").columns
    assert bench.tasks["replay_all_masked"]["draws"] == 1


@given(st.integers(0, 5_000), st.integers(1, 30))
def test_few_videos_have_many_draws_and_many_videos_one(videos, most):
    draws = draws_of(videos, most)
    assert 1 <= draws <= most
    if videos >= 600:
        assert draws == 1
    elif videos:
        assert draws == most or videos * draws >= 600 > videos * (draws - 1)
