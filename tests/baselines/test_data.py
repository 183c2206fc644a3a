"""Training data: questions as tokens, packed into rows whose examples do not see each other."""

from __future__ import annotations

from itertools import islice

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.lcbm.data import BenchSource, Examples, write_examples
from baselines.lcbm.packing import IGNORED, NothingToTrain, PackedRows, pack, sample_examples, training_order
from baselines.lcbm.tokenizer import train_tokenizer

QUESTIONS = pl.DataFrame(
    {
        "prompt": [f"scene 1: a dog = {n}\nscene 2: a car = <mask>\nanswer:" for n in range(20)],
        "answer": [f"scene 2: a car = {100 - n}" for n in range(20)],
    }
)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer((QUESTIONS["prompt"] + " " + QUESTIONS["answer"]).to_list(), 660)


@pytest.fixture
def examples(tmp_path, tokenizer):
    write_examples(tmp_path / "train", [("first", QUESTIONS), ("second", QUESTIONS.head(4))], tokenizer, 64)
    return Examples.open(tmp_path / "train")


def test_an_example_is_prompt_answer_and_end(examples, tokenizer):
    tokens = examples.tokens_of(3)
    answer = tokens[-examples.answers[3] :]
    assert tokenizer.decode(tokens[:-1]) == QUESTIONS["prompt"][3] + " " + QUESTIONS["answer"][3]
    assert tokenizer.decode(answer[:-1]) == " scene 2: a car = 97"
    assert tokens[-1] == tokenizer.eos_token_id
    assert {task: found["examples"] for task, found in examples.tasks.items()} == {"first": 20, "second": 4}


def test_what_is_too_long_loses_its_beginning_and_is_counted(tmp_path, tokenizer):
    write_examples(tmp_path / "cut", [("first", QUESTIONS)], tokenizer, 16)
    cut = Examples.open(tmp_path / "cut")
    assert cut.tasks["first"]["truncated"] == 20
    assert set(cut.lengths) == {16}
    assert tokenizer.decode(cut.tokens_of(0)[:-1]).endswith("answer: scene 2: a car = 100")


def test_training_says_which_longer_videos_it_leaves_out(small_bench):
    lengths = small_bench.public("replay_past", "train")["scene_seen"].list.len()
    most = int(lengths.min())
    source = BenchSource(small_bench, most_scenes=most)
    kept, every = (len(s.questions("replay_past", "train", "behavior", 0)) for s in (source, BenchSource(small_bench)))
    assert 0 < kept < every
    (line,) = source.leaves_out(["replay_past", "tweet_likes_brand"])
    assert line.startswith(f"{every - kept} of {every} training videos of replay_past have more than {most} scenes")
    assert BenchSource(small_bench).leaves_out(["replay_past"]) == []


def test_an_answer_longer_than_the_context_keeps_its_end(tmp_path, tokenizer):
    write_examples(tmp_path / "cut", [("first", QUESTIONS)], tokenizer, 4)
    assert set(Examples.open(tmp_path / "cut").answers) == {4}


@given(st.lists(st.integers(1, 32), max_size=300))
def test_packing_uses_every_example_once_and_overfills_no_row(lengths):
    rows = list(pack(np.array(lengths, dtype=int), range(len(lengths)), 32))
    assert sorted(example for row in rows for example in row) == list(range(len(lengths)))
    assert all(sum(lengths[example] for example in row) <= 32 for row in rows)


def test_a_draw_does_not_prefer_long_examples():
    lengths = np.array([512] * 500 + [50] * 1500)
    chosen = sample_examples(lengths, 100 * 512)
    assert 0.9 * 100 * 512 < lengths[chosen].sum() <= 100 * 512
    assert 0.15 < np.mean(lengths[chosen] == 512) < 0.35
    assert chosen == sample_examples(lengths, 100 * 512) and sample_examples(lengths, 0) == []


def test_rows_are_nearly_full():
    lengths = np.random.default_rng(0).integers(30, 400, 3000)
    rows = list(pack(lengths, range(3000), 512))
    assert lengths.sum() / (len(rows) * 512) > 0.95


@pytest.mark.parametrize("learn_all", [False, True])
def test_labels_are_the_answers_or_all_but_each_first_token(examples, tokenizer, learn_all):
    rows = PackedRows.of(examples, range(24), 100, 64, tokenizer.pad_token_id, learn_all)
    learnt = 0
    for index in range(len(rows)):
        row, expected = rows[index], []
        for example in rows.row(index):
            tokens, answer = examples.tokens_of(example).tolist(), int(examples.answers[example])
            kept = len(tokens) - 1 if learn_all else answer
            expected += [IGNORED] * (len(tokens) - kept) + tokens[len(tokens) - kept :]
        assert row["labels"].tolist() == expected + [IGNORED] * (64 - len(expected))
        learnt += sum(label != IGNORED for label in expected)
    counts = rows.counts()
    assert counts == {
        "examples": 24,
        "text_tokens": int(examples.lengths.sum()),
        "learnt_tokens": learnt,
        "tokens": len(rows) * 64,
    }


def test_positions_start_anew_with_each_example(examples, tokenizer):
    rows = PackedRows.of(examples, range(24), 1, 64, tokenizer.pad_token_id, False)
    lengths = [len(examples.tokens_of(example)) for example in rows.row(0)]
    expected = [position for length in lengths for position in range(length)]
    assert rows[0]["position_ids"].tolist() == expected + [0] * (64 - len(expected))


def test_each_epoch_holds_tasks_by_their_weight(examples):
    counts = [
        np.bincount(list(islice(training_order(examples, weights, 5), size)), minlength=24)
        for weights, size in [({}, 48), ({"second": 0}, 20), ({"second": 3}, 32), ({"first": 0.5, "second": 0}, 1000)]
    ]
    assert counts[0].tolist() == [2] * 24
    assert counts[1].tolist() == [1] * 20 + [0] * 4
    assert counts[2].tolist() == [1] * 20 + [3] * 4
    assert counts[3][20:].sum() == 0 and 20 < counts[3][:20].min() < counts[3][:20].max() < 80


def test_order_follows_from_the_seed(examples):
    def first(seed):
        return list(islice(training_order(examples, {}, seed), 40))

    assert first(1) == first(1) != first(2)


def test_nothing_to_train_is_said(examples, tmp_path, tokenizer):
    with pytest.raises(NothingToTrain):
        next(training_order(examples, {"first": 0, "second": 0}, 0))
    write_examples(tmp_path / "none", [("first", QUESTIONS.clear())], tokenizer, 64)
    with pytest.raises(NothingToTrain):
        next(training_order(Examples.open(tmp_path / "none"), {}, 0))
