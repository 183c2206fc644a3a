"""Attacks find what an open bench gives away and each planted weakness, and nothing in a hidden bench."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.attack import ATTACKS, attack
from benchmark.attacks.eliminate import ELIMINATE
from benchmark.attacks.grade import at_least
from benchmark.attacks.near_texts import near_texts
from benchmark.attacks.public_part import PublicPart
from benchmark.bench import Bench
from benchmark.build import build_bench
from benchmark.group_splits import split_groups
from tests.benchmark.secret_world import SIZES, hidden_bench, make_world


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return make_world(tmp_path_factory.mktemp("attacked") / "corpus")


@pytest.fixture(scope="module")
def hidden(corpus) -> Bench:
    return hidden_bench(corpus, corpus.parent / "hidden")


@pytest.fixture
def copy(hidden, tmp_path) -> Bench:
    """A copy of the hidden bench to plant weaknesses in."""
    return Bench.open(shutil.copytree(hidden.root, tmp_path / "bench"))


def tried(root: Path, *names: str, seeds: int = 4) -> dict[str, dict[str, object]]:
    """The rows of some attacks by name; of all if none is named."""
    chosen = [attempt for attempt in ATTACKS if not names or attempt.name in names]
    return {row["attack"]: row for row in attack(root, seeds, chosen)["attacks"]}


def change(bench: Bench, task: str, split: str, *changes: pl.Expr, **named: object) -> None:
    path = bench.root / "public" / task / f"{split}.parquet"
    pl.read_parquet(path).with_columns(*changes, **named).write_parquet(path)


def reorder(bench: Bench, task: str, split: str, column: str) -> None:
    path = bench.root / "public" / task / f"{split}.parquet"
    pl.read_parquet(path).sort(column).write_parquet(path)


def test_an_open_bench_gives_its_answers_away(corpus, tmp_path):
    bench = build_bench(corpus, tmp_path / "open", sizes=SIZES, mask_draws=2)
    rows = tried(bench.root)
    for name in ("message_id", "instance_id", "title and time", "company and title", "time and length", "near texts"):
        row = rows[f"join: {name}"]
        assert row["found"] and row["answers"] == row["right"] > row["of"] / 2
        assert {"views", "like_view_ratio", "replay_past", "replay_future", "replay_all_masked"} <= set(row["tasks"])
    assert all(rows[name]["found"] for name in ("order", "names", "files", "bench seeds", "join: scenes"))
    assert not rows["world seeds"]["found"] and not rows["own question"]["found"]
    assert rows["bench seeds"]["signs"] == ["seed 0 draws its panel", "seed 0 draws its masks"]


def test_draws_of_masks_reveal_each_other_in_an_open_bench_alone(corpus, hidden, tmp_path):
    """Where a task is alone, what one mask hides another draw of the same video shows."""
    for draws in (8, 1):
        out = tmp_path / f"open{draws}"
        bench = build_bench(corpus, out, sizes=SIZES, tasks=["replay_random_5"], mask_draws=draws)
        row = tried(bench.root, "other draws")["other draws"]
        assert row["answers"] == row["right"] and row["found"] == (draws > 1)
        assert row["answers"] > row["of"] / 4 or draws == 1  # the middle of short videos is in every mask
    assert hidden.manifest["mask_draws"] == 1
    assert {entry["draws"] for entry in hidden.tasks.values()} == {1}


def test_a_hidden_bench_gives_nothing_away_with_or_without_its_private_part(hidden, tmp_path, cbc_here):
    done = cbc_here("benchmark", "attack", hidden.root, "--corpus-seeds", 4)
    assert done.returncode == 0 and done.stdout.rstrip().endswith(f"0 of {len(ATTACKS)} attacks found something")
    shutil.copytree(hidden.root / "public", tmp_path / "b" / "public")
    shutil.copy(hidden.root / "manifest.json", tmp_path / "b")
    public = tried(tmp_path / "b")
    assert not [name for name, row in public.items() if row["found"]]
    assert {row["right"] for row in public.values()} == {None}


def test_a_world_whose_seed_can_be_tried_is_made_again(tmp_path, cbc_here):
    corpus = make_world(tmp_path / "corpus", seed=3)
    bench = hidden_bench(corpus, tmp_path / "bench")
    row = tried(bench.root, "world seeds")["world seeds"]
    assert row["found"] and row["right"] == row["answers"] and row["signs"][0].startswith("world clear, seed 3: ")
    videos = sum(bench.tasks[task]["test"] for task in bench.tasks if not task.startswith("tweet"))
    assert row["answers"] > 0.9 * videos
    done = cbc_here("benchmark", "attack", bench.root, "--corpus-seeds", 4, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1 and found["found"] == 1 and found["attacks"][-1]["found"]
    assert not tried(bench.root, "world seeds", seeds=3)["world seeds"]["found"]


def test_rows_that_were_not_shuffled(copy):
    reorder(copy, "views", "test", "published_at")
    reorder(copy, "replay_past", "train", "group")
    signs = tried(copy.root, "order")["order"]["signs"]
    assert any(sign.startswith("rows are in order of published_at: views/test") for sign in signs)
    assert any(sign.startswith("rows of a group stand together: replay_past/train") for sign in signs)


def test_rows_in_the_order_of_their_answers(copy):
    reorder(copy, "like_view_ratio", "train", "target")
    path = copy.root / "public" / "like_view_ratio" / "test.parquet"
    answers = copy.answers("like_view_ratio").sort("target").select("instance_id")
    answers.join(pl.read_parquet(path), on="instance_id", maintain_order="left").write_parquet(path)
    row = tried(copy.root, "order")["order"]
    assert row["found"] and row["tasks"] == {"like_view_ratio": copy.tasks["like_view_ratio"]["test"]}
    assert row["right"] > 3 * row["by_luck"] / 2


def test_ids_without_a_key(copy):
    names = pl.read_parquet(copy.root / "private" / "views" / "names.parquet")
    plain = dict(names.iter_rows())
    change(copy, "views", "test", instance_id=pl.col("instance_id").replace(plain))
    digest = {name: hashlib.sha256(message.encode()).hexdigest()[:32] for name, message in plain.items()}
    ratio = dict(pl.read_parquet(copy.root / "private" / "like_view_ratio" / "names.parquet").iter_rows())
    digest |= {name: hashlib.sha256(message.encode()).hexdigest()[:32] for name, message in ratio.items()}
    change(
        copy, "like_view_ratio", "test", instance_id=pl.lit("like_view_ratio:") + pl.col("instance_id").replace(digest)
    )
    signs = tried(copy.root, "names")["names"]["signs"]
    assert set(signs) == {
        "instance ids are not keyed: views",
        "instance ids are digests without a key: like_view_ratio",
    }


def test_seeds_in_the_manifest_are_seen_and_tried(corpus, tmp_path):
    bench = build_bench(corpus, tmp_path / "open", seed=77, sizes=SIZES, mask_draws=1)
    rows = tried(bench.root, "files", "bench seeds")
    assert "manifest.json shows seed" in rows["files"]["signs"]
    assert "seed 77 draws its panel" in rows["bench seeds"]["signs"]


@pytest.mark.parametrize("renamed", [False, True])
def test_the_same_message_in_two_tasks(copy, renamed):
    """The joined answers are right although no id is shared, by time and title."""
    shown = copy.public("like_view_ratio", "test").head(6)
    answers = shown["views"].to_list()
    path, private = (copy.root / part / "views" / "test.parquet" for part in ("public", "private"))
    frame, key = pl.read_parquet(path), pl.read_parquet(private)
    names = [f"views:{hashlib.sha256(bytes([i])).hexdigest()[:32]}" for i in range(6)]
    planted = shown.select(
        pl.Series("instance_id", names),
        *(name for name in frame.columns if name in shown.columns and name != "instance_id"),
    )
    if renamed:
        planted = planted.with_columns(message_id=pl.Series([name[-32:] for name in names]))
    pl.concat([frame, planted], how="diagonal_relaxed").write_parquet(path)
    targets = pl.DataFrame({"instance_id": names, "target": [[value] for value in answers]})
    pl.concat([key, targets], how="diagonal_relaxed").write_parquet(private)
    rows = tried(copy.root)
    joins = {name for name, row in rows.items() if row["found"] and row["tasks"].get("views") == row["right"] == 6}
    assert {"join: title and time", "join: company and title", "join: time and length", "join: near texts"} <= joins
    assert ("join: message_id" in joins) != renamed


def test_a_test_message_that_is_learned_from(copy):
    first = pl.int_range(pl.len()) < 5
    tested = copy.public("views", "test")["message_id"].to_list()
    learned = copy.public("views", "train")
    named = pl.Series(tested[:5] + learned["message_id"].to_list()[5:])
    targets = dict(copy.answers("views").select("instance_id", "target").iter_rows())
    answers = [targets[name] for name in copy.public("views", "test")["instance_id"][:5]]
    change(copy, "views", "train", message_id=named, target=pl.Series(answers + learned["target"].to_list()[5:]))
    assert copy.public("views", "train").filter(first)["message_id"].to_list() == tested[:5]
    row = tried(copy.root, "join: message_id")["join: message_id"]
    assert row["found"] and row["tasks"] == {"views": 5} and row["right"] == 5


def test_options_that_other_questions_show(copy):
    choices = copy.public("speech_choice", "test").join(
        copy.answers("speech_choice").select("instance_id", number=pl.col("target").list.first()), on="instance_id"
    )
    options, number, instance = choices.select("option_texts", "number", "instance_id").row(0)
    others = set(choices["option_texts"].explode()) - {options[int(number)]}
    path = copy.root / "public" / "views" / "test.parquet"
    frame = pl.read_parquet(path)
    shown = pl.DataFrame({"scene_speech": [text.split(" / ") for text in sorted(others)]})
    pl.concat([frame, shown], how="diagonal").write_parquet(path)
    answers = ELIMINATE.run(PublicPart.open(copy.root), 0).answers
    assert answers.filter(pl.col("instance_id") == instance)["values"].to_list() == [[number]]
    assert tried(copy.root, "eliminate options")["eliminate options"]["answers"] == answers.height


def test_a_split_that_a_small_seed_draws(copy):
    names = [f"company {i}" for i in range(80)]
    split = split_groups(pl.DataFrame({"group": names, "fact": ["youtube video"] * 80}), 3)
    split.with_columns(messages=pl.lit(1)).write_parquet(copy.root / "public" / "groups.parquet")
    assert tried(copy.root, "bench seeds")["bench seeds"]["signs"] == ["seed 3 draws its split"]
    assert tried(copy.root, "bench seeds", seeds=3)["bench seeds"]["signs"] == []


def test_answers_and_leftovers_in_the_files(copy):
    targets = copy.answers("views").select("instance_id", known="target")
    path = copy.root / "public" / "views" / "test.parquet"
    frame = pl.read_parquet(path).join(targets, on="instance_id", maintain_order="left")
    frame.with_columns(target="known").drop("known").write_parquet(path)
    (copy.root / "public" / "notes.txt").write_text("simulate@2")
    titles = pl.read_parquet(copy.root / "public" / "like_view_ratio" / "test.parquet").to_arrow()
    column = titles.column("title").dictionary_encode().combine_chunks()
    wider = pa.DictionaryArray.from_arrays(
        column.indices, pa.concat_arrays([column.dictionary, pa.array(["more"], column.dictionary.type)])
    )
    titles = titles.set_column(titles.column_names.index("title"), "title", wider)
    pq.write_table(
        titles.replace_schema_metadata({"made": "by hand"}), copy.root / "public" / "like_view_ratio" / "test.parquet"
    )
    manifest = json.loads((copy.root / "manifest.json").read_text())
    (copy.root / "manifest.json").write_text(json.dumps({**manifest, "world": "simulate@2:clear,seed=3,1x1-1-1"}))
    row = tried(copy.root, "files")["files"]
    assert row["tasks"] == {"views": copy.tasks["views"]["test"]} and row["right"] == row["answers"]
    assert "public/notes.txt is not in the manifest" in row["signs"]
    assert "manifest.json shows the label of a simulated world" in row["signs"]
    assert "public/like_view_ratio/test.parquet: title holds 1 values that no row has" in row["signs"]


def test_a_bench_that_is_not_there_is_one_line(tmp_path, cbc_here):
    done = cbc_here("benchmark", "attack", tmp_path / "nothing")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@given(st.lists(st.floats(0, 1), max_size=6), st.integers(0, 7))
def test_luck_is_that_of_all_outcomes(chances, right):
    total = 0.0
    for outcome in itertools.product([0, 1], repeat=len(chances)):
        if sum(outcome) >= right:
            total += np.prod([p if hit else 1 - p for p, hit in zip(chances, outcome, strict=True)])
    assert at_least(right, np.array(chances)) == pytest.approx(total, abs=1e-9)


WORDS = st.lists(st.text("ab c", min_size=1, max_size=14), min_size=1, max_size=6, unique=True)


@given(WORDS, WORDS)
def test_near_texts_are_those_of_a_pairwise_comparison(asked, others):
    def runs(text):
        return {text[i : i + 5] for i in range(max(1, len(text) - 4))}

    near = near_texts(asked, others)
    for text in asked:
        alike = {other for other in others if len(runs(text) & runs(other)) >= 0.8 * len(runs(text) | runs(other))}
        assert set(near.get(text, [])) == alike
