"""Shingles, signatures and similarities against plain Python sets and against datasketch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.filters.minhash import RECALL, VALUES, banding, bands_of, shingles, signatures, similarities

TEXT = st.text(st.characters(codec="utf-8", exclude_characters=" "), min_size=1, max_size=30)
SAID = st.lists(TEXT | st.sampled_from("abc"), min_size=1, max_size=8).map(" ".join)
PAIRS = st.lists(st.tuples(SAID, SAID) | SAID.map(lambda text: (text, text + "!")), min_size=1, max_size=6)
UNITS = st.sampled_from(["character", "word"])


def plain(text: str, unit: str, size: int) -> set[tuple[str, ...]]:
    """A text's shingles as a set."""
    units = tuple(text) if unit == "character" else tuple(text.split(" "))
    return {units[n : n + size] for n in range(max(1, len(units) - size + 1))}


def jaccard(one: set, other: set) -> float:
    return len(one & other) / len(one | other)


@given(PAIRS, UNITS, st.integers(1, 6))
def test_similarities_are_those_of_sets(pairs, unit, size):
    left, right = zip(*pairs, strict=True)
    expected = [jaccard(plain(a, unit, size), plain(b, unit, size)) for a, b in pairs]
    assert similarities(left, right, unit, size) == pytest.approx(expected, abs=0)


@given(st.lists(SAID, min_size=1, max_size=6), UNITS, st.integers(1, 6))
def test_a_texts_bands_do_not_depend_on_its_neighbours(texts, unit, size):
    together = bands_of(texts, unit, size, 0.8)
    assert all((bands_of([text], unit, size, 0.8)[0] == row).all() for text, row in zip(texts, together, strict=True))


def test_signatures_estimate_the_similarity_without_bias():
    rng = np.random.default_rng(0)
    errors = []
    for share in np.linspace(0.1, 0.9, 9):
        words = rng.integers(0, 10**9, 400).astype(str)
        cut = int(200 * (1 - share))
        one, other = " ".join(words[:200]), " ".join(words[cut : cut + 200])
        first, second = signatures(*shingles([one, other], "word", 1), VALUES)
        errors.append((first == second).mean() - jaccard(plain(one, "word", 1), plain(other, "word", 1)))
    assert max(map(abs, errors)) < 4 * 0.5 / np.sqrt(VALUES)  # four deviations at most
    assert abs(np.mean(errors)) < 4 * 0.5 / np.sqrt(VALUES * len(errors))


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.95, 1.0])
def test_bands_find_what_they_promise_at_the_threshold(threshold):
    bands, rows = banding(threshold)
    assert bands * rows <= VALUES
    assert 1 - (1 - threshold**rows) ** bands >= RECALL


def test_datasketch_finds_no_pair_that_our_bands_miss():
    datasketch = pytest.importorskip("datasketch")
    rng = np.random.default_rng(1)
    texts: list[str] = []
    for _ in range(150):
        words = list(rng.integers(0, 500, 30).astype(str))
        texts.append(" ".join(words))
        for position in rng.integers(0, 30, rng.integers(0, 4)):
            words[position] = "changed"
        texts.append(" ".join(words))
    index = datasketch.MinHashLSH(threshold=0.8, num_perm=128)
    sketches = []
    for number, text in enumerate(texts):
        sketch = datasketch.MinHash(num_perm=128)
        sketch.update_batch([" ".join(piece).encode() for piece in plain(text, "word", 2)])
        index.insert(number, sketch)
        sketches.append(sketch)
    theirs = {(n, m) for n, sketch in enumerate(sketches) for m in index.query(sketch) if n < m}
    near = {(n, m) for n, m in theirs if jaccard(plain(texts[n], "word", 2), plain(texts[m], "word", 2)) >= 0.8}
    keys = bands_of(texts, "word", 2, 0.8)
    assert len(near) > 50
    assert all((keys[n] == keys[m]).any() for n, m in near)
