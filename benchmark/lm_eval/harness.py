"""What the task files in this folder share. Plain lm-eval runs them, with the figures of `cbc benchmark score`:

    export CBC_BENCH=BENCH
    lm_eval --model hf --model_args pretrained=PATH --include_path $(cbc benchmark lm-eval-path) --tasks cbc

cbc must be installed where lm-eval runs. The bench may be named by `--metadata '{"bench": "BENCH"}'` instead. The test
split needs the bench's private part; without it, take `"split": "validation"` (or CBC_SPLIT=validation), whose answers
are public. `--tasks cbc` is all of them, `--num_fewshot K` shows the first K training questions in a fixed, shuffled
order.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from lm_eval.api.task import ConfigurableTask

from benchmark.bench import Bench
from benchmark.references.base import asked_values
from benchmark.references.chance import RANDOM
from benchmark.tasks.registry import task_named
from corpus.errors import CbcError

if TYPE_CHECKING:
    from datasets import Dataset

Doc = dict[str, Any]
SHOTS_KEPT = 64  # training questions to choose examples from; lm-eval keeps all of them in memory
BYTES_PER_TOKEN = 2  # where the tokenizer is not known: fewer than common ones need, so that no answer is cut
LONGEST_ANSWERS = 200  # training answers, by bytes, that the room for an answer is measured on
SPARE_TOKENS = 8


class NoQuestions(CbcError):
    """The bench is not named, or has no such task or split."""


def open_bench(bench: str | None) -> Bench:
    """The bench named by metadata or environment. Raises NoQuestions, NoSuchPath, WrongVersion."""
    named = bench or os.environ.get("CBC_BENCH")
    if not named:
        raise NoQuestions("no bench is named", 'set CBC_BENCH or pass --metadata \'{"bench": "BENCH"}\'')
    return Bench.open(Path(named))


def with_answers(opened: Bench, task: str, split: str) -> pl.DataFrame:
    """A split's questions with answer, target and chance (it stands in for an unread answer). Raises NoAnswers."""
    asked = opened.public(task, split)
    if split == "test":
        right = opened.answers(task).select("instance_id", "answer", "target", "chance")
        return asked.drop("answer", "target").join(right, "instance_id", "left", maintain_order="left")
    drawn = RANDOM.values(opened.public(task, "train"), asked)
    return asked.with_columns(chance=pl.Series(drawn, dtype=pl.List(pl.Float64)))


def without_answers(opened: Bench, task: str, split: str) -> pl.DataFrame:
    """A split's questions alone: for predicting, which looks at no answer."""
    nothing = pl.lit([], pl.List(pl.Float64))
    return opened.public(task, split).with_columns(answer=pl.lit(""), target=nothing, chance=nothing)


def examples(train: pl.DataFrame) -> pl.DataFrame:
    """Training questions in an order of their own, so that the first ones are no single channel's."""
    order = [hashlib.sha256(name.encode()).hexdigest() for name in train["instance_id"]]
    nothing = pl.lit([], pl.List(pl.Float64))
    return train.with_columns(_order=pl.Series(order), chance=nothing).sort("_order").head(SHOTS_KEPT)


@lru_cache
def reads(model: str, tokenizer: str | None) -> tuple[Any, int]:
    """A model's tokenizer and how many tokens it reads; looked up once."""
    from lm_eval.models.utils import resolve_max_length
    from transformers import AutoConfig, AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(tokenizer or model)
    return loaded, resolve_max_length(AutoConfig.from_pretrained(model), loaded)


def room(train: pl.DataFrame, model: str | None, tokenizer: str | None, max_length: int | None) -> int:
    """Tokens that the longest training answer takes in a model's own tokenizer, and a few to end it.

    Never more than half of what the model reads: the other half is the question's.
    """
    order = train["answer"].str.len_bytes().arg_sort(descending=True)
    answers = [" " + answer for answer in train["answer"][order].head(LONGEST_ANSWERS)] or [" "]
    if model is None:
        return max(len(answer.encode()) for answer in answers) // BYTES_PER_TOKEN + SPARE_TOKENS
    loaded, context = reads(model, tokenizer)
    longest = max(map(len, loaded(answers, add_special_tokens=False)["input_ids"]))
    return min(longest + SPARE_TOKENS, (max_length or context) // 2)


def documents(task: str, frame: pl.DataFrame, answer_tokens: int) -> Dataset:
    """Questions as lm-eval's documents."""
    from datasets import Dataset

    counts = asked_values(frame)
    listed = frame.select(
        "instance_id",
        "prompt",
        "answer",
        "target",
        "chance",
        options=pl.col("options").cast(pl.List(pl.String)).fill_null([]),
    )
    told = listed.with_columns(task=pl.lit(task), count=pl.Series(counts, dtype=pl.Int64), room=pl.lit(answer_tokens))
    return Dataset.from_dict(told.to_dict(as_series=False))


def splits(
    task: str,
    bench: str | None = None,
    split: str | None = None,
    answers: bool = True,
    pretrained: str | None = None,
    tokenizer: str | None = None,
    max_length: int | None = None,
    **_: Any,
) -> dict[str, Dataset]:
    """What lm-eval asks for: `test`, the questions of the chosen split, and `train`, examples to show.

    `pretrained`, `tokenizer` and `max_length` are lm-eval's own --model_args.

    Raises NoQuestions, NoAnswers, NoSuchPath, WrongVersion.
    """
    opened, chosen = open_bench(bench), split or os.environ.get("CBC_SPLIT", "test")
    if task not in opened.tasks:
        raise NoQuestions(f"{opened.root} has no task {task}", f"it has {', '.join(opened.tasks)}")
    if not opened.tasks[task].get(chosen):
        raise NoQuestions(f"{opened.root} has no {chosen} questions for {task}", "take the test split or another bench")
    frame, train = (with_answers if answers else without_answers)(opened, task, chosen), opened.public(task, "train")
    answer_tokens = room(train, pretrained, tokenizer, max_length)
    return {
        "test": documents(task, frame, answer_tokens),
        "train": documents(task, examples(train), answer_tokens),
    }


class BenchTask(ConfigurableTask):  # type: ignore[misc]
    """An lm-eval task whose room for an answer is measured on the bench's own training answers."""

    def __init__(self, config: Doc) -> None:
        super().__init__(config={key: value for key, value in config.items() if key != "class"})
        if self.OUTPUT_TYPE == "generate_until":
            self.config.generation_kwargs.setdefault("max_gen_toks", self.dataset["test"][0]["room"])


def judged(doc: Doc, values: list[float] | None) -> Doc:
    """One document's parts of every metric; where the answers are hidden, only whether its answer was read."""
    metrics = task_named(doc["task"]).metrics if doc["target"] else ()
    part = {"task": doc["task"], "values": values, "target": doc["target"], "chance": doc["chance"]}
    return dict.fromkeys((*(metric.name for metric in metrics), "unparsed"), part)


def judge_values(doc: Doc, results: list[str]) -> Doc:
    """A generated answer, read as `cbc` reads it."""
    return judged(doc, task_named(doc["task"]).answer.parse(results[0], doc["count"]))


def judge_choice(doc: Doc, results: list[tuple[float, bool]]) -> Doc:
    """The most likely option; the first of equals."""
    return judged(doc, [float(np.argmax([score for score, _ in results]))])
