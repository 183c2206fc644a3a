"""Practice in repeating, for models from scratch: lists of words in random order, each list said twice.

A language model that was pre-trained can say again what stands in its text. One from scratch cannot, and the answers of
this bench begin by saying which scene they speak of; from the questions alone it does not learn that in minutes
(RESULTS.md, section ablation). So the first rows of a recipe may be lists: what is learnt of them is the second saying.
They hold words of the answers but no number, in an order that means nothing: neither content nor behavior can be learnt
from them. Every variant of a recipe has equally many, of the same words: the most frequent of the answers
of the validation split with their true behavior, which no variant learns from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from baselines.lcbm.data import IGNORED, Examples, Ints

LENGTHS = (4, 40)  # words of a list, the upper bound excluded
WORDS = 64  # few, since repeating is learnt the sooner the fewer there are; it then holds for all words
EXAMPLES = 20_000  # looked through for words


def frequent_words(examples: Examples, tokenizer: Any, count: int = WORDS) -> list[int]:
    """The most frequent tokens of the answers that are neither numbers nor special tokens."""
    every = -(-len(examples) // EXAMPLES)
    times = np.zeros(len(tokenizer), np.int64)
    for example in range(0, len(examples), every):
        tokens = examples.tokens_of(example)
        np.add.at(times, tokens[-int(examples.answers[example]) :], 1)
    times[tokenizer.all_special_ids] = 0
    order = np.argsort(-times, kind="stable")[: 4 * count]
    words = [int(token) for token in order if times[token] and not tokenizer.decode([int(token)]).strip().isdigit()]
    return words[:count]


@dataclass(frozen=True)
class Repetition:
    """A map-style dataset of rows as PackedRows gives them; a row follows from the seed and its index alone."""

    words: Sequence[int]
    rows: int
    context: int
    seed: int

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: int) -> dict[str, Ints]:
        """One row, full: lists of `words` without a word twice, each said twice; positions start anew with each."""
        rng = np.random.default_rng([self.seed, index])
        ids, positions = np.zeros(self.context, np.int64), np.zeros(self.context, np.int64)
        labels = np.full(self.context, IGNORED, np.int64)
        start = 0
        while start < self.context:
            said = rng.permutation(self.words)[: rng.integers(*LENGTHS)]
            stop = min(start + 2 * len(said), self.context)
            ids[start:stop] = np.tile(said, 2)[: stop - start]
            positions[start:stop] = np.arange(stop - start)
            again = start + len(said) + 1  # which word comes first cannot be known
            labels[again:stop] = ids[again:stop]
            start = stop
        return {"input_ids": ids, "position_ids": positions, "labels": labels}
