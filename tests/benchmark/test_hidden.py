"""A hidden bench: what its public part does not show, and that everything works on it all the same."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.audit import LEAK, audit
from benchmark.bench import Bench
from benchmark.build import build_bench
from benchmark.one_task_each import CANDIDATE, assign, near_pairs, with_units, without_greedy
from benchmark.secret import BadSecret
from benchmark.tasks.registry import TASKS
from corpus.files.written_once import HoldsOther
from corpus.simulate.world import simulate
from corpus.store import Corpus
from corpus.takedown.takedown import takedown
from tests.benchmark.secret_world import SIZES, WORLD_SEED, hidden_bench, make_world, secret_file


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return make_world(tmp_path_factory.mktemp("hidden") / "corpus")


@pytest.fixture(scope="module")
def bench(corpus) -> Bench:
    return hidden_bench(corpus, corpus.parent / "bench")


def names_of(bench: Bench, task: str) -> pl.DataFrame:
    return pl.read_parquet(bench.root / "private" / task / "names.parquet")


def asked_messages(bench: Bench) -> pl.DataFrame:
    """Each test question with its task and the message's own id."""
    return pl.concat(
        bench.public(task, "test").select("instance_id", "title", "body", task=pl.lit(task)).join(
            names_of(bench, task), on="instance_id"
        )
        for task in bench.tasks
    )  # fmt: skip


def public_files(bench: Bench) -> dict[str, str]:
    paths = [bench.root / "manifest.json", *(path for path in (bench.root / "public").rglob("*") if path.is_file())]
    return {str(path.relative_to(bench.root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_every_task_is_there_and_no_message_is_tested_twice(bench):
    assert list(bench.tasks) == list(TASKS) and bench.hidden
    rows = asked_messages(bench)
    assert rows["message_id"].n_unique() == rows.height == sum(entry["test"] for entry in bench.tasks.values())
    videos = [bench.tasks[task]["test"] for task in bench.tasks if not task.startswith("tweet")]
    assert min(videos) >= 10 and max(videos) <= SIZES["test"]


def test_what_a_hidden_bench_leaves_out_is_said_with_the_reason(tmp_path):
    simulate(tmp_path / "c", brands=3, videos=1, posts=0, emails=0)
    bench = build_bench(tmp_path / "c", tmp_path / "b", hidden=True, secret_file=secret_file(tmp_path))
    reasons = bench.manifest["left_out"]
    assert 0 < len(bench.tasks) < 3
    assert all(reason.endswith(", beside messages that it gives to other tasks") for reason in reasons.values())


def test_units_are_of_nearly_equal_messages_for_which_the_same_tasks_compete():
    long = "the whole of a long description of a video that somebody has put up again"
    spoken = "what is said in one scene after another is nearly all that is known of this one"
    rows = [
        ("m1", "The Fox!", None, "a", "views"),
        ("m2", "the fox", None, "b", "like_view_ratio"),
        ("m2", "the fox", None, "b", "views"),
        ("m3", "another", long, long, "views"),
        ("m4", "another", f"{long}.", f"{long}.", "like_view_ratio"),
        ("m5", None, None, spoken, "views"),
        ("m6", None, None, f"{spoken}!", "like_view_ratio"),
        ("m7", "the fox", None, None, "tweet_likes_brand"),
        ("m8", None, None, None, "views"),
        ("m9", None, None, None, "views"),
    ]
    units = dict(with_units(pl.DataFrame(rows, CANDIDATE, orient="row")).select("message_id", "unit").iter_rows())
    assert units == {"m1": "m1", "m2": "m1", "m3": "m3", "m4": "m3", "m5": "m5", "m6": "m5"} | {
        name: name for name in ("m7", "m8", "m9")
    }


def test_no_name_of_the_corpus_and_no_seed_is_in_the_public_part(corpus, bench):
    with Corpus.open(corpus).connect() as connection:
        ids = [name for (name,) in connection.execute("SELECT message_id FROM message").fetchall()]
    secret = json.loads((bench.root / "private" / "secret.json").read_text())["secret"]
    text = (bench.root / "manifest.json").read_text()
    for path in (bench.root / "public").rglob("*.parquet"):
        text += "\n".join(map(repr, pl.read_parquet(path).rows()))
    assert not [name for name in ids if name in text or name.split(":")[1] in text]
    assert str(WORLD_SEED) not in text and secret not in text and "simulate@" not in text
    assert bench.manifest["seed"] is None
    assert not [name for name in bench.manifest["files"] if name.startswith("private")]


def test_the_secret_is_readable_for_its_owner_alone(bench):
    assert stat.S_IMODE((bench.root / "private" / "secret.json").stat().st_mode) == 0o600


def test_groups_and_messages_keep_equal_names_in_all_files(bench):
    groups = pl.read_parquet(bench.root / "public" / "groups.parquet")
    split_of = dict(groups.select("group", "split").iter_rows())
    assert groups["group"].is_sorted()
    for task in bench.tasks:
        expected = "train" if task == "tweet_likes_time" else "test"
        assert {split_of[group] for group in bench.public(task, "test")["group"]} == {expected}
    learned = [set(bench.public(task, "train")["message_id"]) for task in ("views", "like_view_ratio")]
    assert len(learned[0] & learned[1]) > 50


def test_rows_are_in_the_order_of_keyed_ids_and_answers_too(bench):
    for task in bench.tasks:
        asked = bench.public(task, "test")["instance_id"]
        assert asked.is_sorted() and asked.equals(bench.answers(task)["instance_id"])
        plain = names_of(bench, task).join(asked.to_frame(), on="instance_id", maintain_order="right")["message_id"]
        assert not plain.is_sorted()


def test_same_secret_same_bytes_and_another_one_another_bench(corpus, bench, tmp_path):
    again = hidden_bench(corpus, tmp_path / "again")
    assert public_files(again) == public_files(bench)
    for made in (
        hidden_bench(corpus, tmp_path / "other", digits="5b" * 32),
        hidden_bench(corpus, tmp_path / "seed", seed=1),
    ):
        assert made.fingerprint != bench.fingerprint
        assert not set(made.public("views", "train")["message_id"]) & set(
            bench.public("views", "train")["message_id"]
        ) or (made.root.name == "seed")
        assert made.public("views", "test")["prompt"].to_list() != bench.public("views", "test")["prompt"].to_list()


def test_a_hidden_bench_is_written_once_and_with_its_own_secret(corpus, bench, tmp_path):
    out = shutil.copytree(bench.root, tmp_path / "bench")
    assert build_bench(corpus, out, sizes=SIZES, hidden=True).fingerprint == bench.fingerprint
    with pytest.raises(HoldsOther, match="hidden: True there, False asked"):
        build_bench(corpus, out, sizes=SIZES)
    with pytest.raises(HoldsOther) as refused:
        hidden_bench(corpus, out, digits="5b" * 32)
    assert "secret: " in str(refused.value) and "5a5a" not in str(refused.value)
    shutil.rmtree(out / "private")
    with pytest.raises(BadSecret, match="without its private part"):
        build_bench(corpus, out, sizes=SIZES, hidden=True)


@pytest.mark.parametrize("content", ["{}", "[]", "no json", '{"secret": "xyz"}', '{"secret": "5a5a5a5a5a5a5a5a"}'])
def test_a_bad_secret_is_one_line(content, corpus, tmp_path, cbc_here):
    (tmp_path / "s.json").write_text(content)
    done = cbc_here("benchmark", "build", "--corpus", corpus, "--out", tmp_path / "b", "--secret", tmp_path / "s.json")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "s.json" in done.stderr and "5a5a" not in done.stderr
    absent = cbc_here("benchmark", "build", "--corpus", corpus, "--out", tmp_path / "b", "--secret", tmp_path / "no")
    assert absent.returncode == 2 and "cannot be read" in absent.stderr


def test_the_audit_finds_nothing_and_then_the_message_that_is_tested_twice(bench, tmp_path):
    assert audit(bench) == []
    copy = Bench.open(shutil.copytree(bench.root, tmp_path / "bench"))
    message = copy.public("views", "test")["message_id"][0]
    path = copy.root / "public" / "like_view_ratio" / "test.parquet"
    first = pl.int_range(pl.len()) == 0
    frame = pl.read_parquet(path)
    frame.with_columns(message_id=pl.when(first).then(pl.lit(message)).otherwise("message_id")).write_parquet(path)
    findings = [(finding.grade, finding.what, finding.task, finding.other, finding.count) for finding in audit(copy)]
    assert findings == [(LEAK, "messages", "like_view_ratio", "views (test)", 1)]


def test_runs_are_predicted_scored_and_shown(bench, tmp_path, cbc_here):
    for name in ("constant", "oracle"):
        done = cbc_here("baselines", "predict", name, "--bench", bench.root, "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
        assert cbc_here("benchmark", "score", tmp_path / name, "--bench", bench.root).returncode == 0
    runs = (tmp_path / "constant", tmp_path / "oracle")
    assert cbc_here("benchmark", "tables", *runs, "--bench", bench.root, "--out", tmp_path / "t").returncode == 0
    assert "oracle" in (tmp_path / "t" / "views.md").read_text()
    done = cbc_here("leaderboard", "build", *runs, "--bench", bench.root, "--out", tmp_path / "site")
    assert done.returncode == 0, done.stderr


def test_a_message_taken_down_leaves_bench_and_runs(tmp_path, monkeypatch, cbc_here):
    monkeypatch.setenv("CBC_HASH_KEY", "salt")
    corpus = make_world(tmp_path / "corpus")
    bench = hidden_bench(corpus, tmp_path / "bench")
    run = tmp_path / "run"
    assert cbc_here("baselines", "predict", "constant", "--bench", bench.root, "--out", run).returncode == 0
    instance, message = names_of(bench, "views").join(
        bench.public("views", "test"), on="instance_id", how="semi"
    ).row(0)  # fmt: skip
    assert instance in pl.read_parquet(run / "predictions" / "views.parquet")["instance_id"]
    takedown(corpus, [message], [run])
    after = Bench.open(bench.root)
    assert after.fingerprint != bench.fingerprint
    assert instance not in after.public("views", "test")["instance_id"]
    assert after.public("views", "test")["instance_id"].equals(after.answers("views")["instance_id"])
    assert message not in names_of(after, "views")["message_id"]
    assert instance not in pl.read_parquet(run / "predictions" / "views.parquet")["instance_id"]


def test_a_task_that_needs_nearly_all_of_its_candidates_gets_none():
    rows = [(f"m{i}", task) for i in range(30) for task in ("views", "speech_choice")] + [("m30", "views")]
    candidates = pl.DataFrame(rows, ["message_id", "task"], orient="row")
    for fewest, tasks in ((20, {"views", "speech_choice"}), (21, {"views"})):
        assert set(without_greedy(candidates, {"views": 1, "speech_choice": fewest})["task"]) == tasks
    assert without_greedy(candidates.tail(1), {"views": 1}).height == 1


UNITS = st.lists(
    st.tuples(st.integers(0, 12), st.sets(st.sampled_from("abcd"), min_size=1)), min_size=1, max_size=40
)  # fmt: skip


@given(UNITS, st.integers(0, 5))
def test_messages_are_given_once_in_whole_units_and_evenly(messages, seed):
    rows = [(f"m{i}", task, f"u{unit}") for i, (unit, tasks) in enumerate(messages) for task in sorted(tasks)]
    candidates = pl.DataFrame(rows, schema=["message_id", "task", "unit"], orient="row")
    given_tasks = assign(candidates, dict.fromkeys("abcd", 1), seed)
    possible = {(message, task) for message, task, _ in rows}
    assert set(given_tasks.items()) <= possible
    unit_of = {f"m{i}": unit for i, (unit, _) in enumerate(messages)}
    tasks_of_unit = {(unit_of[message], task) for message, task in given_tasks.items()}
    assert len({unit for unit, _ in tasks_of_unit}) == len(tasks_of_unit)
    assert {unit for unit, _ in tasks_of_unit} == {unit for unit, _ in messages}
    counts = Counter(given_tasks.values())
    largest = max(Counter(unit for unit, _ in messages).values())
    if all(len(tasks) == 4 for _, tasks in messages):
        assert max(counts[task] for task in "abcd") - min(counts[task] for task in "abcd") <= largest


@given(
    st.lists(st.sampled_from(["the red fox jumps over", "the red fox jumps over!", "nothing at all", ""]), max_size=8)
)
def test_near_pairs_join_all_that_is_near(texts):
    def runs(text):
        return {text[i : i + 5] for i in range(max(1, len(text) - 4))}

    joined = {i: {i} for i in range(len(texts))}
    for i, j in near_pairs(texts):
        assert len(runs(texts[i]) & runs(texts[j])) / len(runs(texts[i]) | runs(texts[j])) >= 0.8
        whole = joined[i] | joined[j]
        joined |= dict.fromkeys(whole, whole)
    for i, text in enumerate(texts):
        alike = {
            j
            for j, other in enumerate(texts)
            if text and (other == text or {text, other} <= {"the red fox jumps over", "the red fox jumps over!"})
        }
        assert alike <= joined[i]


def test_a_secret_world_is_made_once_and_cannot_be_tried(tmp_path, cbc_here):
    words = ("corpus", "simulate", "--secret-seed", "--brands", "3", "--videos", "1", "--posts", "1", "--emails", "0")
    labels = []
    for place in ("one", "one", "two"):
        assert cbc_here(*words, "--corpus", tmp_path / place).returncode == 0
        labels.append(*{ingest["source"] for ingest in Corpus.open(tmp_path / place).ingests()})
    assert labels[0] == labels[1] != labels[2]
    assert all(int(label.split("seed=")[1].split(",")[0]) >> 128 == 1 for label in labels)
    both = cbc_here(*words, "--seed", "3", "--corpus", tmp_path / "three")
    assert both.returncode == 2 and "--secret-seed" in both.stderr and not (tmp_path / "three").exists()


def test_the_command_builds_and_tells_what_to_publish(corpus, tmp_path, cbc_here):
    secret = secret_file(tmp_path)
    done = cbc_here("benchmark", "build", "--corpus", corpus, "--out", tmp_path / "b", "--secret", secret)
    assert done.returncode == 0 and "publish manifest.json and public/ alone" in done.stdout
    assert json.loads((tmp_path / "b" / "private" / "secret.json").read_text()) == {"secret": "5a" * 32, "seed": 0}
    assert not cbc_here("benchmark", "audit", "--bench", tmp_path / "b").returncode
