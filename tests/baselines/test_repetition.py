"""Practice in repeating: what a row holds, which words it is made of, and that it teaches to copy."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch")

from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

from baselines.lcbm.data import Examples, write_examples  # noqa: E402
from baselines.lcbm.loop import collate  # noqa: E402
from baselines.lcbm.model import learn_labels_only  # noqa: E402
from baselines.lcbm.optimizer import MuonAdamW  # noqa: E402
from baselines.lcbm.packing import IGNORED  # noqa: E402
from baselines.lcbm.repetition import Repetition, frequent_words  # noqa: E402
from baselines.lcbm.tokenizer import train_tokenizer  # noqa: E402

WORDS = list(range(100, 140))


def lists_of(row: dict[str, np.ndarray]) -> list[tuple[list[int], list[int]]]:
    """The words and labels of each list in a row."""
    starts = [*np.flatnonzero(row["position_ids"] == 0), len(row["input_ids"])]
    return [(row["input_ids"][a:b].tolist(), row["labels"][a:b].tolist()) for a, b in itertools.pairwise(starts)]


def test_a_row_says_each_list_twice_and_learns_the_second_time_but_its_first_word():
    rows = Repetition(WORDS, 5, 256, seed=3)
    for index in range(5):
        *whole, last = lists_of(rows[index])
        for ids, labels in whole:
            half = len(ids) // 2
            assert ids[:half] == ids[half:] and len(set(ids[:half])) == half and set(ids) <= set(WORDS)
            assert labels == [IGNORED] * (half + 1) + ids[half + 1 :]
        assert last[0] and {word for word in last[1] if word != IGNORED} <= set(last[0])


def test_rows_follow_from_seed_and_index_alone():
    one, same, other = (Repetition(WORDS, 5, 64, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one[2][name], same[2][name]) for name in one[2])
    assert not np.array_equal(one[2]["input_ids"], other[2]["input_ids"])
    assert not np.array_equal(one[2]["input_ids"], one[3]["input_ids"])


def test_words_are_the_answers_own_without_numbers(tmp_path):
    frame = pl.DataFrame({"prompt": ["which dog?"] * 30, "answer": [f"red dog = {n}" for n in range(30)]})
    tokenizer = train_tokenizer((frame["prompt"] + " " + frame["answer"]).to_list(), 720)
    write_examples(tmp_path / "train", [("first", frame)], tokenizer, 64)
    words = frequent_words(Examples.open(tmp_path / "train"), tokenizer)
    assert sorted(tokenizer.decode([word]) for word in words) == [" =", " dog", " red"]


def test_some_hundred_steps_teach_a_small_llama_to_repeat():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    size = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=30, max_position_embeddings=128, **size))
    learn_labels_only(model)
    optimizer = MuonAdamW(model, 0.02, {"lr": 3e-3, "betas": (0.9, 0.98)}, 0.0)
    rows, losses = Repetition(range(5, 21), 8 * 300, 128, seed=0), []
    for step in range(300):
        loss = model(**collate([rows[8 * step + i] for i in range(8)])).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] > 3 and np.mean(losses[-10:]) < 1
