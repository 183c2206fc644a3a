"""Pack examples into rows of equal length, in an order that follows from the seed alone.

A row holds several examples side by side; positions restart with each, so that examples do not attend to each other.
"""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from baselines.lcbm.data import Examples, Ints
from corpus.errors import CbcError

IGNORED = -100  # label of a token without loss
OPEN_ROWS = 64


class NothingToTrain(CbcError):
    """The chosen tasks have no training instances."""


def training_order(examples: Examples, weights: dict[str, float], seed: int) -> Iterator[int]:
    """Yield examples in the order of training, epoch after epoch, without end.

    A task of weight 0.5 contributes half of its examples to an epoch, a task of weight 2 each example twice. Raises
    NothingToTrain.
    """
    shares = np.array([weights.get(task, 1.0) for task in examples.tasks])[examples.task_of()]
    if len(examples) == 0 or shares.sum() <= 0:
        mend = "choose other tasks in the recipe, or raise its most_scenes if that leaves them out"
        raise NothingToTrain("the chosen tasks have no training instances", mend)
    epoch = 0
    while True:
        rng = np.random.default_rng([seed, epoch])
        repeats = np.floor(shares + rng.random(len(shares))).astype(int)
        yield from rng.permutation(np.repeat(np.arange(len(examples)), repeats)).tolist()
        epoch += 1


def sample_examples(lengths: Ints, tokens: int) -> list[int]:
    """Sample examples that hold at most `tokens` together: always the same sample, unbiased by length."""
    order = np.random.default_rng(0).permutation(len(lengths))
    chosen: list[int] = order[np.cumsum(lengths[order]) <= tokens].tolist()
    return chosen


def pack(lengths: Ints, order: Iterable[int], context: int) -> Iterator[list[int]]:
    """Yield rows of at most `context` tokens: each example goes to the open row that it fills best.

    A full row is yielded at once, and the fullest row when too many are open; at the end the open rows follow, fullest
    first.
    """
    open_rows: list[tuple[int, int, list[int]]] = []  # free tokens, number, examples; ascending
    number = 0
    for example in order:
        length = int(lengths[example])
        position = bisect.bisect_left(open_rows, (length,))
        if position < len(open_rows):
            free_tokens, row_number, row = open_rows.pop(position)
        else:
            free_tokens, row_number, row = context, number, []
            number += 1
        row.append(example)
        bisect.insort(open_rows, (free_tokens - length, row_number, row))
        if len(open_rows) > OPEN_ROWS or open_rows[0][0] == 0:
            yield open_rows.pop(0)[2]
    yield from (row for _, _, row in open_rows)


@dataclass(frozen=True)
class PackedRows:
    """Map-style dataset of packed rows: input_ids, position_ids and labels, each of `context` tokens."""

    examples: Examples
    packed: Ints  # indices of examples, row after row
    row_ends: Ints
    context: int
    pad: int
    learn_all: bool

    @classmethod
    def of(
        cls, examples: Examples, order: Iterable[int], rows: int, context: int, pad: int, learn_all: bool
    ) -> PackedRows:
        """Pack the first `rows` rows of examples in an order; fewer if the order ends."""
        packed, ends = array("q"), array("q")
        for row in islice(pack(examples.lengths, order, context), rows):
            packed.extend(row)
            ends.append(len(packed))
        return cls(examples, np.asarray(packed), np.asarray(ends), context, pad, learn_all)

    def __len__(self) -> int:
        return len(self.row_ends)

    def row(self, index: int) -> list[int]:
        """Indices of the examples in a row."""
        start = self.row_ends[index - 1] if index else 0
        examples: list[int] = self.packed[start : self.row_ends[index]].tolist()
        return examples

    def __getitem__(self, index: int) -> dict[str, Ints]:
        """A row, padded at its end with tokens at position 0, which no token attends to."""
        ids = np.full(self.context, self.pad, np.int64)
        positions = np.zeros(self.context, np.int64)
        labels = np.full(self.context, IGNORED, np.int64)
        start = 0
        for example in self.row(index):
            tokens = self.examples.tokens_of(example)
            stop = start + len(tokens)
            ids[start:stop] = tokens
            positions[start:stop] = np.arange(len(tokens))
            first = start + 1 if self.learn_all else max(start + 1, stop - int(self.examples.answers[example]))
            labels[first:stop] = np.where(tokens[first - start :] < 0, IGNORED, tokens[first - start :])
            start = stop
        return {"input_ids": ids, "position_ids": positions, "labels": labels}

    def counts(self) -> dict[str, int]:
        """Counts over the rows: examples, tokens of text, tokens with a label, and all tokens with padding."""
        lengths, answers = self.examples.lengths[self.packed], np.asarray(self.examples.answers)[self.packed]
        learnt = lengths - 1 if self.learn_all else np.minimum(answers, lengths - 1)
        return {
            "examples": len(self.packed),
            "text_tokens": int(lengths.sum()),
            "learnt_tokens": int(learnt.sum()),
            "tokens": len(self) * self.context,
        }
