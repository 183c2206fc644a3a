"""Training data: a bench's questions as tokens on disk, packed into rows of equal length.

Examples lie in flat memory-mapped files, so memory does not grow with the corpus. A row holds several examples side
by side; their positions start anew, which keeps them from attending to each other. Which example goes where follows
from the seed alone.

FOLDER/tokens.bin    int32, all examples one after another: prompt, answer, end of text
       ends.bin      int64, where each example ends
       answers.bin   int32, how many of its tokens are the answer
       meta.json     counts by task, written last
"""

from __future__ import annotations

import bisect
import json
import shutil
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmark.bench import Bench
from corpus.errors import CbcError
from corpus.files.atomic import replace_folder, write_json

Ints = npt.NDArray[np.integer[Any]]

BETWEEN = " "  # stands between prompt and answer, here and when a model is asked (lm-eval's target_delimiter)
IGNORED = -100  # label of a token that is not learnt
ROWS_AT_ONCE = 512
OPEN_ROWS = 64


class UnknownTask(CbcError):
    """A recipe names a task that the bench does not have."""


class NothingToTrain(CbcError):
    """The chosen tasks have no training instances."""


class Source(Protocol):
    """Where questions with answers come from."""

    @property
    def fingerprint(self) -> str:
        """Digest that tells this source from any other."""

    @property
    def tasks(self) -> list[str]:
        """Names of its tasks."""

    def questions(self, task: str, split: str, variant: str, seed: int) -> pl.DataFrame:
        """Columns prompt and answer."""


@dataclass(frozen=True)
class BenchSource:
    """The public part of a bench."""

    bench: Bench

    @property
    def fingerprint(self) -> str:
        """The bench's own."""
        return self.bench.fingerprint

    @property
    def tasks(self) -> list[str]:
        """The tasks of the bench, in its order."""
        return list(self.bench.tasks)

    def questions(self, task: str, split: str, variant: str, seed: int) -> pl.DataFrame:
        """One task's questions with true, shuffled or drawn behavior."""
        from benchmark.tasks.registry import task_named

        return task_named(task).variant(self.bench.public(task, split), variant, seed)


def chosen_tasks(source: Source, tasks: str | list[str]) -> list[str]:
    """The tasks of a recipe, in the source's order. Raises UnknownTask."""
    if isinstance(tasks, str):
        return source.tasks
    unknown = [task for task in tasks if task not in source.tasks]
    if unknown:
        raise UnknownTask(f"the bench has no task {unknown[0]}", f"its tasks: {', '.join(source.tasks)}")
    return [task for task in source.tasks if task in tasks]


def texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds `text`: prompt and answer as they are learnt."""
    return frame.with_columns(text=pl.concat_str("prompt", pl.lit(BETWEEN), "answer"))


def begins_with_bos(tokenizer: Any) -> bool:
    """Whether the tokenizer puts its begin-of-text token before a text, as Llama's does."""
    return tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id


def encode(frame: pl.DataFrame, tokenizer: Any, context: int) -> Iterator[tuple[list[int], int, bool]]:
    """Each question's tokens, how many of them are the answer (its end included), whether it was cut on the left."""
    head = int(begins_with_bos(tokenizer))
    for part in frame.iter_slices(ROWS_AT_ONCE):
        coded = tokenizer(texts(part)["text"].to_list(), return_offsets_mapping=True, verbose=False)
        for ids, offsets, prompt in zip(coded["input_ids"], coded["offset_mapping"], part["prompt"], strict=True):
            asked = bisect.bisect_right([end for _, end in offsets], len(prompt))
            tokens = [*ids, tokenizer.eos_token_id]
            answer = len(tokens) - asked
            too_long = len(tokens) > context
            if too_long:
                tokens = tokens[:head] + tokens[head - context :]
            yield tokens, min(answer, context - head), too_long


def write_examples(folder: Path, frames: Iterable[tuple[str, pl.DataFrame]], tokenizer: Any, context: int) -> None:
    """Write the examples of each task into a folder, put in place whole."""
    staged = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    tasks: dict[str, dict[str, int]] = {}
    end = 0
    with (
        (staged / "tokens.bin").open("wb") as tokens_file,
        (staged / "ends.bin").open("wb") as ends_file,
        (staged / "answers.bin").open("wb") as answers_file,
    ):
        for task, frame in frames:
            found = tasks[task] = {"examples": 0, "tokens": 0, "answer_tokens": 0, "truncated": 0}
            for tokens, answer, too_long in encode(frame, tokenizer, context):
                end += len(tokens)
                np.asarray(tokens, np.int32).tofile(tokens_file)
                np.asarray([end], np.int64).tofile(ends_file)
                np.asarray([answer], np.int32).tofile(answers_file)
                counts = (1, len(tokens), answer, too_long)
                for name, count in zip(found, counts, strict=True):
                    found[name] += int(count)
    write_json(staged / "meta.json", {"tasks": tasks})
    replace_folder(staged, folder)


@dataclass(frozen=True)
class Examples:
    """Examples on disk, memory-mapped."""

    tokens: Ints
    ends: Ints
    answers: Ints
    tasks: dict[str, dict[str, int]]

    @classmethod
    def open(cls, folder: Path) -> Examples:
        """Open what `write_examples` wrote."""
        tasks = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["tasks"]

        def column(name: str, kind: Any) -> Ints:
            path = folder / f"{name}.bin"
            return np.memmap(path, kind, "r") if path.stat().st_size else np.zeros(0, kind)

        return cls(column("tokens", np.int32), column("ends", np.int64), column("answers", np.int32), tasks)

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def lengths(self) -> Ints:
        """Tokens of each example."""
        ends: Ints = np.asarray(self.ends, np.int64)
        lengths: Ints = np.subtract(ends, np.concatenate([[0], ends[:-1]]), dtype=np.int64)
        return lengths

    def task_of(self) -> Ints:
        """Each example's task, as an index into `tasks`."""
        return np.repeat(np.arange(len(self.tasks)), [found["examples"] for found in self.tasks.values()])

    def tokens_of(self, example: int) -> Ints:
        """An example's tokens."""
        start = self.ends[example - 1] if example else 0
        return self.tokens[start : self.ends[example]]


def visits(examples: Examples, weights: dict[str, float], seed: int) -> Iterator[int]:
    """Examples in the order of training, epoch after epoch, without end.

    A task of weight 0.5 shows half of its examples an epoch, one of weight 2 shows each twice. Raises NothingToTrain.
    """
    shares = np.array([weights.get(task, 1.0) for task in examples.tasks])[examples.task_of()]
    if len(examples) == 0 or shares.sum() <= 0:
        raise NothingToTrain("the chosen tasks have no training instances", "choose other tasks in the recipe")
    epoch = 0
    while True:
        rng = np.random.default_rng([seed, epoch])
        times = np.floor(shares + rng.random(len(shares))).astype(int)
        yield from rng.permutation(np.repeat(np.arange(len(examples)), times)).tolist()
        epoch += 1


def drawn(lengths: Ints, tokens: int) -> list[int]:
    """Examples drawn at random, the same each time, as many as hold so many tokens together: long ones no likelier."""
    order = np.random.default_rng(0).permutation(len(lengths))
    chosen: list[int] = order[np.cumsum(lengths[order]) <= tokens].tolist()
    return chosen


def pack(lengths: Ints, order: Iterable[int], context: int) -> Iterator[list[int]]:
    """Rows of at most `context` tokens: each example goes to the open row it fills best.

    A full row is closed, and the fullest when too many are open; those open when the order ends follow, fullest first.
    """
    open_rows: list[tuple[int, int, list[int]]] = []  # tokens left, number, examples; ascending
    number = 0
    for example in order:
        length = int(lengths[example])
        place = bisect.bisect_left(open_rows, (length,))
        if place < len(open_rows):
            left, row_number, row = open_rows.pop(place)
        else:
            left, row_number, row = context, number, []
            number += 1
        row.append(example)
        bisect.insort(open_rows, (left - length, row_number, row))
        if len(open_rows) > OPEN_ROWS or open_rows[0][0] == 0:
            yield open_rows.pop(0)[2]
    yield from (row for _, _, row in open_rows)


@dataclass(frozen=True)
class PackedRows:
    """A map-style dataset of packed rows: input_ids, position_ids and labels, each of `context` tokens."""

    examples: Examples
    packed: Ints  # examples, row after row
    row_ends: Ints
    context: int
    pad: int
    learn_all: bool

    @classmethod
    def of(
        cls, examples: Examples, order: Iterable[int], rows: int, context: int, pad: int, learn_all: bool
    ) -> PackedRows:
        """The first `rows` rows packed from examples in an order; fewer if the order ends."""
        packed, ends = array("q"), array("q")
        for row in islice(pack(examples.lengths, order, context), rows):
            packed.extend(row)
            ends.append(len(packed))
        return cls(examples, np.asarray(packed), np.asarray(ends), context, pad, learn_all)

    def __len__(self) -> int:
        return len(self.row_ends)

    def row(self, index: int) -> list[int]:
        """The examples of a row."""
        found: list[int] = self.packed[self.row_ends[index - 1] if index else 0 : self.row_ends[index]].tolist()
        return found

    def __getitem__(self, index: int) -> dict[str, Ints]:
        """One row; what is left over at its end is padding at position 0, which nothing attends to."""
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
            labels[first:stop] = ids[first:stop]
            start = stop
        return {"input_ids": ids, "position_ids": positions, "labels": labels}

    def counts(self) -> dict[str, int]:
        """What the rows hold: examples, tokens of text, tokens learnt, and tokens in all with padding."""
        lengths, answers = self.examples.lengths[self.packed], np.asarray(self.examples.answers)[self.packed]
        learnt = lengths - 1 if self.learn_all else np.minimum(answers, lengths - 1)
        return {
            "examples": len(self.packed),
            "text_tokens": int(lengths.sum()),
            "learnt_tokens": int(learnt.sum()),
            "tokens": len(self) * self.context,
        }
