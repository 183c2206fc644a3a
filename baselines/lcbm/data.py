"""Convert a bench's questions to token files on disk: flat and memory-mapped, so memory does not grow with the corpus.

FOLDER/tokens.bin    int32, all examples in a row: prompt, answer, end of text; below zero ~set, a token of what is seen
       ends.bin      int64, the end of each example
       answers.bin   int32, the number of tokens of each answer
       seen.bin      int32, for models that see: the place of each example's message in their store
       meta.json     counts by task, written last
"""

from __future__ import annotations

import bisect
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from baselines.lcbm.answer_numbers import SCENE_TEXTS, asks_one_number, choose_numbers, with_nearest
from baselines.lcbm.recipe import NumberTokens
from benchmark.bench import Bench
from corpus.errors import CbcError
from corpus.files.atomic import replace_folder, write_json

Ints = npt.NDArray[np.integer[Any]]

BETWEEN = " "  # between prompt and answer, in training and in prediction (lm-eval's target_delimiter)
ROWS_AT_ONCE = 512


class UnknownTask(CbcError):
    """A recipe names a task that the bench does not have."""


class QuestionSource(Protocol):
    """A source of questions with answers."""

    @property
    def fingerprint(self) -> str:
        """Digest that identifies the source."""

    @property
    def tasks(self) -> list[str]:
        """Names of its tasks."""

    def questions(self, task: str, split: str, variant: str, seed: int) -> pl.DataFrame:
        """Questions of a task as columns message_id, prompt and answer."""

    def numbers(self, tasks: Sequence[str]) -> dict[str, list[str]]:
        """The numbers that are answers of a token each; empty for none."""

    def leaves_out(self, tasks: Sequence[str]) -> list[str]:
        """Which longer videos it leaves out of training, a line for each task; empty for none."""


@dataclass(frozen=True)
class BenchSource:
    """The public part of a bench; with `most_scenes` without the questions about longer videos.

    With `most_questions` a task has at most so many for training.
    With `number_tokens` an answer about a whole message is one of so many numbers.
    """

    bench: Bench
    most_scenes: int | None = None
    number_tokens: NumberTokens | None = None
    most_questions: int | None = None

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the bench."""
        return self.bench.fingerprint

    @property
    def tasks(self) -> list[str]:
        """The tasks of the bench, in its order."""
        return list(self.bench.tasks)

    def questions(self, task: str, split: str, variant: str, seed: int) -> pl.DataFrame:
        """Questions of a task with true, shuffled or randomly drawn behavior."""
        from benchmark.tasks.registry import task_named

        frame = self.short_enough(self.bench.public(task, split))
        if self.most_questions is not None and split == "train":
            frame = thin_evenly(frame, self.most_questions)
        changed = task_named(task).variant(frame, variant, seed).with_columns(frame["message_id"])
        if self.number_tokens is not None and asks_one_number(task):
            return with_nearest(changed, self.chosen_numbers[task], self.number_tokens.restate)
        return changed

    def short_enough(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The questions about videos of at most `most_scenes`."""
        if self.most_scenes is None or "scene_seen" not in frame.columns:
            return frame
        return frame.filter(pl.col("scene_seen").list.len().fill_null(0) <= self.most_scenes)

    def leaves_out(self, tasks: Sequence[str]) -> list[str]:
        """The questions about videos of more than `most_scenes`, by task."""
        lines = []
        for task in tasks:
            frame = self.bench.public(task, "train")
            if longer := len(frame) - len(self.short_enough(frame)):
                what = f"{longer} of {len(frame)} training videos of {task}"
                lines.append(f"{what} have more than {self.most_scenes} scenes and are left out (most_scenes)")
        return lines

    def numbers(self, tasks: Sequence[str]) -> dict[str, list[str]]:
        """Those of each task that asks for a number of a whole message."""
        return {task: numbers for task, numbers in self.chosen_numbers.items() if task in tasks}

    @cached_property
    def chosen_numbers(self) -> dict[str, list[str]]:
        """The numbers of every such task of the bench, from the true answers of its training part; no two share one."""
        if self.number_tokens is None:
            return {}
        chosen: dict[str, list[str]] = {}
        for task in filter(asks_one_number, self.tasks):
            taken = [*SCENE_TEXTS, *(text for texts in chosen.values() for text in texts)]
            answers = self.bench.public(task, "train")["answer"]
            chosen[task] = choose_numbers(answers, self.number_tokens.count, taken)
        return chosen


def chosen_tasks(source: QuestionSource, tasks: str | list[str]) -> list[str]:
    """Choose the tasks of a recipe, in the source's order. Raises UnknownTask."""
    if isinstance(tasks, str):
        return source.tasks
    unknown = [task for task in tasks if task not in source.tasks]
    if unknown:
        raise UnknownTask(f"the bench has no task {unknown[0]}", f"its tasks: {', '.join(source.tasks)}")
    return [task for task in source.tasks if task in tasks]


def thin_evenly(frame: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Select at most `rows` rows, evenly spaced."""
    return frame.gather_every(max(1, -(-frame.height // max(1, rows))))


def with_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the column `text`: prompt and answer, as in training."""
    return frame.with_columns(text=pl.concat_str("prompt", pl.lit(BETWEEN), "answer"))


def begins_with_bos(tokenizer: Any) -> bool:
    """Whether the tokenizer puts its begin-of-text token before a text, as Llama's does."""
    return tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id


class Encoded(NamedTuple):
    """A question as tokens: prompt, answer and end of text, with the length of the answer.

    cut: whether it was longer than the context and lost its beginning; `message`: what its message is to the eyes.
    """

    tokens: list[int]
    answer: int
    cut: bool
    message: int = -1


class Eyes(Protocol):
    """What inserts visual tokens into texts (baselines/lcbm/vision/eyes.py)."""

    def insert(
        self, text: str, prompt_end: int, ids: Sequence[int], offsets: Sequence[tuple[int, int]], message_id: str
    ) -> list[int]:
        """Tokens of a text with those of what its message shows, below zero."""

    def number(self, message_id: str) -> int:
        """What a message is called in seen.bin."""

    @property
    def messages(self) -> Sequence[str]:
        """The messages of which there is something to see."""


def encode(frame: pl.DataFrame, tokenizer: Any, context: int, eyes: Eyes | None = None) -> Iterator[Encoded]:
    """Yield each question's tokens; with `eyes` with those of what is seen, and not cut at any length."""
    bos_tokens = int(begins_with_bos(tokenizer))
    for part in frame.iter_slices(ROWS_AT_ONCE):
        texts = with_text(part)["text"].to_list()
        coded = tokenizer(texts, return_offsets_mapping=True, verbose=False)
        messages = part["message_id"] if eyes else [""] * len(part)
        rows = zip(texts, coded["input_ids"], coded["offset_mapping"], part["prompt"], messages, strict=True)
        for text, ids, offsets, prompt, message_id in rows:
            prompt_tokens = bisect.bisect_right([end for _, end in offsets], len(prompt))
            if eyes:
                tokens = [*eyes.insert(text, len(prompt), ids, offsets, message_id), tokenizer.eos_token_id]
                answer = len(tokens) - place_of(tokens, prompt_tokens)
                yield Encoded(tokens, answer, len(tokens) > context, eyes.number(message_id))
                continue
            tokens = [*ids, tokenizer.eos_token_id]
            answer = len(tokens) - prompt_tokens
            cut = len(tokens) > context
            if cut:
                tokens = tokens[:bos_tokens] + tokens[bos_tokens - context :]
            yield Encoded(tokens, min(answer, context - bos_tokens), cut)


def place_of(tokens: Sequence[int], count: int) -> int:
    """The place of the text token before which there are `count` others, not counting those of what is seen."""
    return [place for place, token in enumerate(tokens) if token >= 0][count]


def write_examples(
    folder: Path,
    frames: Iterable[tuple[str, pl.DataFrame]],
    tokenizer: Any,
    context: int,
    eyes: Eyes | None = None,
) -> None:
    """Write the examples of each task into a folder, atomically.

    With `eyes` those are left out that are too long, or about a message of which there is nothing to see (`unseen`).
    """
    staged = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    tasks: dict[str, dict[str, int]] = {}
    end = 0
    with ExitStack() as files:
        names = ("tokens", "ends", "answers", *(("seen",) if eyes else ()))
        file = {name: files.enter_context((staged / f"{name}.bin").open("wb")) for name in names}
        for task, frame in frames:
            totals = tasks[task] = {"examples": 0, "tokens": 0, "answer_tokens": 0, "truncated": 0}
            if eyes:
                seen = frame.filter(pl.col("message_id").is_in(eyes.messages))
                totals["unseen"] = len(frame) - len(seen)
                frame = seen
            for tokens, answer, cut, message in encode(frame, tokenizer, context, eyes):
                totals["truncated"] += int(cut)
                if cut and eyes:
                    continue
                end += len(tokens)
                np.asarray(tokens, np.int32).tofile(file["tokens"])
                np.asarray([end], np.int64).tofile(file["ends"])
                np.asarray([answer], np.int32).tofile(file["answers"])
                if eyes:
                    np.asarray([message], np.int32).tofile(file["seen"])
                for name, count in zip(("examples", "tokens", "answer_tokens"), (1, len(tokens), answer), strict=True):
                    totals[name] += count
    write_json(staged / "meta.json", {"tasks": tasks})
    replace_folder(staged, folder)


@dataclass(frozen=True)
class Examples:
    """Examples on disk, memory-mapped."""

    tokens: Ints
    ends: Ints
    answers: Ints
    tasks: dict[str, dict[str, int]]
    seen: Ints | None = None

    @classmethod
    def open(cls, folder: Path) -> Examples:
        """Open a folder of `write_examples`."""
        tasks = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["tasks"]

        def column(name: str, kind: Any) -> Ints:
            path = folder / f"{name}.bin"
            return np.memmap(path, kind, "r") if path.stat().st_size else np.zeros(0, kind)

        seen = column("seen", np.int32) if (folder / "seen.bin").is_file() else None
        return cls(column("tokens", np.int32), column("ends", np.int64), column("answers", np.int32), tasks, seen)

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def lengths(self) -> Ints:
        """Tokens of each example."""
        ends: Ints = np.asarray(self.ends, np.int64)
        lengths: Ints = np.subtract(ends, np.concatenate([[0], ends[:-1]]), dtype=np.int64)
        return lengths

    def task_of(self) -> Ints:
        """Task of each example, as an index into `tasks`."""
        return np.repeat(np.arange(len(self.tasks)), [counts["examples"] for counts in self.tasks.values()])

    def tokens_of(self, example: int) -> Ints:
        """Tokens of an example."""
        start = self.ends[example - 1] if example else 0
        return self.tokens[start : self.ends[example]]
