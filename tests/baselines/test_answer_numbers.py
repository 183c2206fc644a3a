"""Answers that are numbers of one token: which there are, the nearest of an answer, and soft labels over them."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from torch.nn.functional import cross_entropy  # noqa: E402

from baselines.lcbm.answer_numbers import (  # noqa: E402
    SCENE_TEXTS,
    choose_numbers,
    read_numbers,
    values_of,
    with_nearest,
    write_numbers,
)
from baselines.lcbm.soft_labels import SoftLabels  # noqa: E402
from corpus.verbalize.number_words import count_in_three_digits, read_number  # noqa: E402

COUNTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=60)


def answers_of(counts: list[int]) -> pl.Series:
    """Answers about views as the task writes them, with a sign in the title as well."""
    frame = pl.DataFrame({"count": counts})
    return frame.select(answer="1 + 1 = 2, they say = " + count_in_three_digits(pl.col("count")))["answer"]


@given(COUNTS, st.integers(2, 20))
def test_numbers_are_training_answers_at_their_quantiles(counts, count):
    answers = answers_of(counts)
    numbers = choose_numbers(answers, count)
    written = [read_number(answer.rpartition(" = ")[2]) for answer in answers]
    levels = (np.arange(count) + 0.5) / count
    wanted = np.quantile(written, levels, method="inverted_cdf")
    assert values_of(numbers).tolist() == sorted(set(wanted.tolist()))


@given(COUNTS, COUNTS)
def test_an_answer_becomes_the_nearest_number_alone(training, counts):
    numbers = choose_numbers(answers_of(training), 9)
    found = with_nearest(pl.DataFrame({"answer": answers_of(counts)}), numbers)["answer"]
    for before, after in zip(answers_of(counts), found, strict=True):
        value = read_number(before.rpartition(" = ")[2])
        assert f" {after}" in numbers
        assert abs(read_number(after) - value) == pytest.approx(min(abs(values_of(numbers) - value)))
    restated = with_nearest(pl.DataFrame({"answer": answers_of(counts)}), numbers, restate=True)["answer"]
    assert restated.to_list() == [f"1 + 1 = 2, they say {text}" for text in found]


def test_small_counts_keep_their_value_beside_the_integers_of_scenes():
    counts = [0, 3, 3, 87, 90, 250, 1200]
    answers = pl.Series("answer", [f"= {count}" for count in counts])
    numbers = choose_numbers(pl.Series("answer", [f"{count} views = {count}" for count in counts]), 50, SCENE_TEXTS)
    assert values_of(numbers).tolist() == sorted({*counts}) and not set(numbers) & set(SCENE_TEXTS)
    near = with_nearest(pl.DataFrame({"answer": [f"x {text}" for text in answers]}), numbers)["answer"]
    assert [read_number(text.removeprefix("= ")) for text in near] == counts


def test_numbers_of_other_tasks_are_taken_and_texts_without_a_number_stay():
    answers = pl.Series("answer", ["a = 7", "b = 200", "c = 3 thousand", "none", "x = unknown"])
    numbers = choose_numbers(answers, 5, taken=[" = 7", " = 7.0", " = 3 thousand"])
    assert numbers == [" = 7.00", " = 200", " = 3.0 thousand"]
    near = with_nearest(answers.to_frame(), numbers)["answer"].to_list()
    assert near == ["= 7.00", "= 200", "= 3.0 thousand", "none", "x = unknown"]
    near = with_nearest(answers.to_frame(), numbers, restate=True)["answer"].to_list()
    assert near == ["a = 7.00", "b = 200", "c = 3.0 thousand", "none", "x = unknown"]
    assert choose_numbers(answers.head(0), 5) == [] and with_nearest(answers.to_frame(), [])["answer"].equals(answers)


def test_a_model_keeps_its_numbers(tmp_path):
    assert read_numbers(tmp_path) == {}
    write_numbers(tmp_path, {"views": (" = 200", " = 3 thousand")})
    assert read_numbers(tmp_path) == {"views": [" = 200", " = 3 thousand"]}


@pytest.mark.parametrize("spread", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("of_others", [0.0, 3.0])
def test_soft_labels_share_the_label_among_neighbours_of_a_family(spread, of_others):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 12, generator=generator, requires_grad=True)
    labels, family = torch.tensor([3, 5, 9, 9, 7, 0]), [9, 4, 3, 8]
    soft = SoftLabels(12, [(family, spread), ([5], of_others)])
    target = torch.zeros(6, 12)
    for row, label in enumerate(labels.tolist()):
        if label not in family:
            target[row, label] = 1.0
            continue
        for place, token in enumerate(family):
            distance = place - family.index(label)
            if abs(distance) <= math.ceil(3 * spread):
                target[row, token] = math.exp(-0.5 * (distance / spread) ** 2) if spread else float(distance == 0)
    target /= target.sum(1, keepdim=True)
    assert soft.loss(logits, labels).item() == pytest.approx(
        cross_entropy(logits, target, reduction="sum").item(), rel=1e-5
    )
