"""Join by texts that are nearly equal: exact Jaccard similarity of the runs of five characters of title and body."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from benchmark.attacks.base import Attack, Found
from benchmark.attacks.facts import Rows
from benchmark.attacks.public_part import TEST, PublicPart
from benchmark.attacks.read_pairs import read_pairs
from corpus.filters.pool import normalised

SIMILAR, RUN, CHARACTERS, AT_ONCE = 0.8, 5, 300, 200


def words_of(frame: pl.DataFrame) -> list[str]:
    """Title and body of each row, but for their form, cut after 300 characters."""
    names = [name for name in ("title", "body") if name in frame.columns]
    if not names:
        return [""] * frame.height
    joined = frame.select(pl.concat_str(names, separator=" ", ignore_nulls=True).fill_null("")).to_series()
    return [normalised(text)[:CHARACTERS] for text in joined]


def shingle_matrix(texts: list[str]) -> csr_array:
    """Which runs of characters each text has: [texts, runs], ones."""
    number: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for row, text in enumerate(texts):
        runs = {text[i : i + RUN] for i in range(max(1, len(text) - RUN + 1))}
        columns += [number.setdefault(run, len(number)) for run in sorted(runs)]
        rows += [row] * len(runs)
    ones = np.ones(len(rows), np.int32)
    return csr_array((ones, (rows, columns)), shape=(len(texts), max(1, len(number))))


def near_texts(asked: list[str], others: list[str]) -> dict[str, list[str]]:
    """The texts nearly equal to each asked one, the most similar first."""
    matrix = shingle_matrix([*asked, *others])
    sizes = matrix.sum(axis=1)
    known = matrix[len(asked) :].T.tocsr()
    near: dict[str, list[str]] = {}
    for start in range(0, len(asked), AT_ONCE):
        shared = (matrix[start : min(start + AT_ONCE, len(asked))] @ known).tocoo()
        row, other, count = shared.coords[0] + start, shared.coords[1], shared.data
        similarity = count / (sizes[row] + sizes[other + len(asked)] - count)
        for i in np.argsort(-similarity, kind="stable")[: int((similarity >= SIMILAR).sum())]:
            near.setdefault(asked[row[i]], []).append(others[other[i]])
    return near


def run_near(part: PublicPart, seeds: int) -> Found:
    """Pair test questions with the most similar row of each file, if it is similar enough."""
    words = cache(lambda task, split: words_of(part.frame(task, split)))
    files = part.all_rows()
    every = sorted({text for rows in files for text in words(rows.task, rows.split)} - {""})
    asked = sorted({text for rows in files if rows.split == TEST for text in words(rows.task, rows.split)} - {""})
    near = near_texts(asked, every)

    def pairs(asking: Rows, source: Rows) -> Iterable[tuple[int, int]]:
        places: dict[str, int] = {}
        for place, text in enumerate(words(source.task, source.split)):
            places.setdefault(text, place)
        for row, text in enumerate(words(asking.task, asking.split)):
            alike = near.get(text, []) if asking.split == TEST else [text] if text else []
            if (other := next((places[other] for other in alike if other in places), None)) is not None:
                yield row, other

    return read_pairs(part, pairs)


NEAR = Attack("join: near texts", "rows with nearly the same title and body", run_near)
