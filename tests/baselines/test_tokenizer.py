"""The tokenizer learned from the bench's text: numbers whole, nothing lost, the same every time."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.lcbm.tokenizer import load_tokenizer, longest_of, train_tokenizer
from corpus.verbalize.catalog import NUMBERED, frames, number_wordings

FRAMES = [*(f"scene {n}:" for n in range(1, 101)), " | says:", "is it high or low?\nanswer:"]


def corpus() -> list[str]:
    rng = random.Random(0)
    subjects, places = ["a red car", "the highland dog", "my slow robot"], ["on a beach", "in the city", "at home"]
    lines = [
        f"scene {n}: {rng.choice(subjects)} {rng.choice(places)} | says: look = {rng.randrange(101)}\nlikes: high\n"
        for n in range(400)
    ]
    return ["\n".join(lines[start : start + 4]) for start in range(0, 400, 4)]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(corpus(), 1400, FRAMES)


def spelled(tokenizer, text):
    return tokenizer(text)["input_ids"]


@pytest.mark.parametrize("before", ["", " "])
def test_each_value_is_one_token(tokenizer, before):
    tokens = [spelled(tokenizer, f"{before}{value}") for value in range(101)]
    assert all(len(ids) == 1 for ids in tokens)
    assert len({ids[0] for ids in tokens}) == 101
    assert [tokenizer.decode(ids) for ids in tokens] == [f"{before}{value}" for value in range(101)]


def test_a_value_is_the_same_token_wherever_a_template_writes_it(tokenizer):
    (forty,) = spelled(tokenizer, " 40")
    for text in ("scene 3: a red car = 40\n", "likes: 2. 40 %", "a, 40, 41", " 40"):
        assert forty in spelled(tokenizer, text)


def test_longer_numbers_are_read_in_pairs_of_digits_and_decimals_with_their_point(tokenizer):
    assert tokenizer.convert_ids_to_tokens(spelled(tokenizer, " 2043 101 1007 28.1 0.25 3.125")) == [
        *("Ġ20", "43"),
        *("Ġ10", "1"),
        *("Ġ10", "07"),
        *("Ġ28", ".1"),
        *("Ġ0", ".25"),
        *("Ġ3", ".", "12", "5"),
    ]


def test_numbers_that_are_answers_are_a_token_each_beside_the_vocabulary():
    numbers = [*(f" = {value}" for value in range(101)), " = 82.6 thousand", " = 82.6 million", " = 4.81 %"]
    with_numbers, without = (train_tokenizer(corpus(), 1400, FRAMES, texts) for texts in (numbers, ()))
    assert [len(spelled(with_numbers, text)) for text in numbers] == [1] * len(numbers)
    assert spelled(with_numbers, "scene 3: a red car = 40")[-1] == spelled(with_numbers, " = 40")[0]
    assert set(without.get_vocab()) <= set(with_numbers.get_vocab())


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.decimals(0, 1000, places=3).map(str), max_size=40),
    st.lists(st.sampled_from([" thousand", " million", " %", ""]), min_size=1),
)
def test_any_numbers_are_a_token_each(values, units):
    numbers = [f" = {value}{unit}" for value, unit in zip(values, units * 40, strict=False)]
    tokenizer = train_tokenizer(corpus(), 1000, FRAMES[:5], numbers)
    assert [len(spelled(tokenizer, text)) for text in numbers] == [1] * len(numbers)
    assert all(tokenizer.decode(spelled(tokenizer, text)) == text for text in numbers)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab 1.=:\n|é"), min_size=1, max_size=6), min_size=1, max_size=30))
def test_any_wordings_are_a_token_each_whatever_others_begin_alike(wordings):
    tokenizer = train_tokenizer(corpus(), 1000, wordings[::2], wordings[1::2])
    assert {len(spelled(tokenizer, text)) for text in wordings} == {1}
    assert all(tokenizer.decode(spelled(tokenizer, text)) == text for text in wordings)


def test_parts_of_numbers_say_what_they_measure():
    wordings = number_wordings()
    units = ["views: 5 thousand, 6 million, 7 billion"] * 50
    tokenizer = train_tokenizer([*corpus(), *units], 1400, frames()[:60], wordings)
    assert {f"\n{head}:" for head in NUMBERED} <= set(frames())
    assert {len(spelled(tokenizer, text)) for text in wordings} == {1}
    text = "channel: x\npublished: 2026-01-11 01h Sun\nlength: 319 s\nage: 25 days\nviews: 22.8 thousand\nlikes: 3.53 %"
    tokens = [tokenizer.decode([token]) for token in spelled(tokenizer, text)]
    expected = ["\npublished: 2026-01", "-11", " 01h", "\nlength: 31", "9 s", "\nage: 25", "\nviews: 22", ".8 thousand"]
    assert [token for token in tokens if token in wordings] == [*expected, "\nlikes: 3"]
    assert "".join(tokens) == text


@given(st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=8), st.text("abc", max_size=8))
def test_the_pattern_of_wordings_finds_the_longest(wordings, text):
    found = re.match(longest_of(wordings), text)
    assert (found[0] if found else None) == max(filter(text.startswith, wordings), key=len, default=None)


def test_wordings_of_templates_are_one_token_and_words_stay_words(tokenizer):
    for frame in FRAMES:
        assert len(spelled(tokenizer, frame)) == 1
    assert len(spelled(tokenizer, " a red car")) == 3


def test_a_scene_reads_the_same_in_prompt_and_answer(tokenizer):
    (head,) = spelled(tokenizer, "scene 7:")
    assert head in spelled(tokenizer, "answer: scene 7: a red car = 40")
    assert head in spelled(tokenizer, "= 3\nscene 7: a red car")
    assert head not in spelled(tokenizer, "obscene 71:")


def test_classes_do_not_split_ordinary_words(tokenizer):
    (high,) = spelled(tokenizer, " high")
    assert high not in spelled(tokenizer, " the highland dog")
    assert spelled(tokenizer, " low")[-1] not in spelled(tokenizer, " my slow robot")


def test_an_answer_begins_at_a_token_of_its_own(tokenizer):
    for prompt, answer in (
        ("is it high or low?\nanswer:", " high"),
        ("what?\nanswer:", " 40"),
        ("answer:\n", "scene 1"),
    ):
        assert spelled(tokenizer, prompt + answer) == spelled(tokenizer, prompt) + spelled(tokenizer, answer)


def test_a_text_cannot_spell_a_special_token(tokenizer):
    assert tokenizer.eos_token_id not in spelled(tokenizer, "buy <|eos|> now <|pad|>")


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_decodes_to_itself(tokenizer, text):
    assert tokenizer.decode(spelled(tokenizer, text)) == text


@given(st.lists(st.one_of(st.integers(0, 10**7).map(str), st.sampled_from([" ", ".", "\n", "-", "= ", " %", "a"]))))
def test_numbers_in_any_company_decode_to_themselves(tokenizer, parts):
    text = "".join(parts)
    assert tokenizer.decode(spelled(tokenizer, text)) == text


def test_the_same_texts_give_the_same_bytes(tokenizer, tmp_path):
    for name in ("one", "two"):
        train_tokenizer(corpus(), 1400, FRAMES).save_pretrained(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert "tokenizer.json" in files
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)


def test_it_loads_without_code_of_ours(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    loaded = load_tokenizer(tmp_path)
    text = "scene 3: a red car <|eos|> = 40\n"
    assert spelled(loaded, text) == spelled(tokenizer, text)
    assert (loaded.pad_token_id, loaded.bos_token_id, loaded.eos_token_id) == (0, 1, 2)
    assert len(loaded) <= 1400
