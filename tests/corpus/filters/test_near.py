"""Near duplicates against brute force: nothing below the threshold is joined, little above it is missed."""

from __future__ import annotations

import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.filters.pool import normalised
from tests.corpus.filters.made import corpus_of, posts, removed
from tests.corpus.filters.test_minhash import jaccard, plain

THRESHOLD, MARGIN = 0.8, 0.1
VOCABULARY = ["red", "blue", "green", "shoes", "spring", "new", "for", "run", "with", "us", "today"]
WORDS = st.lists(st.sampled_from(VOCABULARY), max_size=14)


def groups(texts: list[str], unit: str, size: int, threshold: float) -> list[int]:
    """The least number of each text's group, by comparing all with all."""
    said = [plain(normalised(text), unit, size) if normalised(text) else None for text in texts]
    first = list(range(len(texts)))
    for one, other in combinations(range(len(texts)), 2):
        a, b = said[one], said[other]
        if a and b and jaccard(a, b) >= threshold:
            low, high = sorted((first[one], first[other]))
            first = [low if number == high else number for number in first]
    return first


def found(texts: list[str], **given: object) -> list[int]:
    """The same by the filter."""
    with tempfile.TemporaryDirectory() as folder:
        root = corpus_of(Path(folder, "c"), message=posts(*texts))
        gone = removed(root, {"near_duplicates": {"threshold": THRESHOLD, **given}})
    return [int(gone[f"p{n:03}"][2][1:]) if f"p{n:03}" in gone else n for n in range(len(texts))]


def within(fine: list[int], coarse: list[int]) -> bool:
    """Whether whatever is joined in the one is joined in the other."""
    return all(coarse[number] == coarse[first] for number, first in enumerate(fine))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(WORDS.map(" ".join), min_size=2, max_size=25), st.sampled_from([("character", 5), ("word", 2)]))
def test_groups_lie_between_those_of_brute_force(texts, pieces):
    unit, size = pieces
    joined = found(texts, shingle=unit, size=size)
    assert within(joined, groups(texts, unit, size, THRESHOLD))
    assert within(groups(texts, unit, size, THRESHOLD + MARGIN), joined)


def edited(rng: np.random.Generator, text: str, edits: int) -> str:
    characters = list(text)
    for position in rng.integers(0, len(text), edits):
        characters[position] = "abcdefghij"[int(rng.integers(10))]
    return "".join(characters)


def test_hundreds_of_posts_give_the_groups_of_brute_force():
    rng = np.random.default_rng(2)
    vocabulary = ["".join(rng.choice(list("abcdefghijklmnop"), 6)) for _ in range(400)]
    texts = [" ".join(rng.choice(vocabulary, 18)) for _ in range(120)]
    texts += [edited(rng, texts[int(rng.integers(120))], int(rng.integers(1, 5))) for _ in range(240)]
    expected = groups(texts, "character", 5, THRESHOLD)
    assert sum(number != first for number, first in enumerate(expected)) > 100
    joined = found(texts)
    assert within(joined, expected)
    missed = sum(a != b for a, b in zip(joined, expected, strict=True))
    assert missed <= 2


def test_one_large_bucket_is_one_group():
    start = "the same long announcement of our spring sale with all the details that everybody knows by heart "
    texts = [start + f"{n:03}" for n in range(400)]
    assert found(texts) == [0] * 400


def test_value_names_the_closest_and_the_first_of_a_chain_is_kept(tmp_path):
    texts = ["a b c d e f g h i j", "a b c d e f g h i j k", "a b c d e f g h i j k l m"]
    root = corpus_of(tmp_path / "c", message=posts(*texts))
    gone = removed(root, {"near_duplicates": {"shingle": "word", "size": 1, "threshold": 0.8}})
    reason = "near duplicate of an earlier one"
    assert gone == {"p001": (reason, "0.91", "p000"), "p002": (reason, "0.85", "p000")}


def test_kinds_and_with_same_duration_lengths_are_apart(tmp_path):
    said = "the whole story of our new running shoes told by those who made them in spring"
    rows = [
        {"message_id": name, "kind": kind, "body": said + name, "duration_s": length}
        for name, kind, length in [("a", "video", 60), ("b", "post", None), ("c", "video", 90), ("d", "video", 60.2)]
    ]
    root = corpus_of(tmp_path / "c", message=rows)
    assert {name: row[2] for name, row in removed(root, {"near_duplicates": {}}).items()} == {"c": "a", "d": "a"}
    assert list(removed(root, {"near_duplicates": {"same_duration": True}})) == ["d"]


def test_hostile_texts_are_compared_all_the_same():
    base = "שלום עולם \u202eevil\u202c 👩\u200d👧 " * 5
    texts = [base, base + "!", "x" * 60_000, "x" * 60_000 + "y", "\x00\x01\x02", "\u200b", " ", "a"]
    assert found(texts) == [0, 0, 2, 2, 4, 5, 6, 7]
