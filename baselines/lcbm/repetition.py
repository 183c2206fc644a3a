"""Train models from scratch to repeat: rows of word lists in random order, each list written twice.

A pre-trained language model can repeat parts of its text. A model from scratch cannot. The answers of this bench begin
by restating the scene, and from the questions alone such a model does not learn that in minutes
(docs/results/ablations.md). So the first rows of a recipe may be lists, with loss on the second copy. They hold words
of the answers but no numbers, in random order, so neither content nor behavior can be learned from them. Every variant
of a recipe gets equally many of the same words: the most frequent in the answers of the validation split with true
behavior, which no variant trains on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from baselines.lcbm.data import Examples, Ints
from baselines.lcbm.packing import IGNORED, NothingToTrain

LENGTHS = (4, 40)  # words of a list, upper bound excluded
WORDS = 28  # with few words, repetition is learned sooner, and it transfers to all words
EXAMPLES = 20_000  # in which words are counted
DIGIT = re.compile(r"\d")


def frequent_words(examples: Examples, tokenizer: Any, count: int = WORDS) -> list[int]:
    """The most frequent tokens of the answers that are neither numbers nor special tokens. Raises NothingToTrain."""
    if not len(examples):
        raise NothingToTrain(
            "the validation part has no question of these tasks", "choose other tasks, or repetition: 0"
        )
    stride = -(-len(examples) // EXAMPLES)
    counts = np.zeros(len(tokenizer), np.int64)
    for example in range(0, len(examples), stride):
        tokens = examples.tokens_of(example)
        answer = tokens[-int(examples.answers[example]) :]
        np.add.at(counts, answer[answer >= 0], 1)
    counts[tokenizer.all_special_ids] = 0
    order = np.argsort(-counts, kind="stable")[: 4 * count]
    words = [int(token) for token in order if counts[token] and not DIGIT.search(tokenizer.decode([int(token)]))]
    return words[:count]


@dataclass(frozen=True)
class Repetition:
    """Map-style dataset with rows like those of PackedRows; a row follows from the seed and its index alone."""

    words: Sequence[int]
    rows: int
    context: int
    seed: int

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: int) -> dict[str, Ints]:
        """A full row: lists of distinct words, each list twice; positions restart with each list."""
        rng = np.random.default_rng([self.seed, index])
        ids, positions = np.zeros(self.context, np.int64), np.zeros(self.context, np.int64)
        labels = np.full(self.context, IGNORED, np.int64)
        start = 0
        while start < self.context:
            words = rng.permutation(self.words)[: rng.integers(*LENGTHS)]
            stop = min(start + 2 * len(words), self.context)
            ids[start:stop] = np.tile(words, 2)[: stop - start]
            positions[start:stop] = np.arange(stop - start)
            predictable = start + len(words) + 1  # the first word of the second copy cannot be predicted
            labels[predictable:stop] = ids[predictable:stop]
            start = stop
        return {"input_ids": ids, "position_ids": positions, "labels": labels}
