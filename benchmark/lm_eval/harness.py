"""Functions for the task files in this folder. Plain lm-eval runs them and gives the scores of `cbc benchmark score`:

    export CBC_BENCH=BENCH
    lm_eval --model hf --model_args pretrained=PATH --include_path $(cbc benchmark lm-eval-path) --tasks cbc

cbc must be installed where lm-eval runs. The bench may be named by `--metadata '{"bench": "BENCH"}'` instead. The test
split needs the bench's private part; without it, use `"split": "validation"` (or CBC_SPLIT=validation), whose answers
are public. The panel is asked, as by `cbc baselines predict`; `"panel": false` (or CBC_QUESTIONS=all) asks everything.
`--tasks cbc` runs all tasks, `--num_fewshot K` shows the first K training questions in a fixed, shuffled
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
from benchmark.lm_eval.task_files import ANSWER_TOKENS
from benchmark.references.base import asked_values
from benchmark.references.chance import RANDOM
from benchmark.tasks.registry import task_named
from corpus.errors import CbcError

if TYPE_CHECKING:
    from datasets import Dataset

Doc = dict[str, Any]
SHOTS_KEPT = 64  # training questions to choose examples from; lm-eval keeps all of them in memory
BYTES_PER_TOKEN = 2  # for an unknown tokenizer: fewer than usual, so that no answer is cut
LONGEST_ANSWERS = 200  # training answers, the longest in bytes, on which the length of an answer is measured
SPARE_TOKENS = 8
VISUAL_TOKEN = "visual_token_id"  # in the config of models that see (baselines/lcbm/vision/configuration.py)


class NoQuestions(CbcError):
    """No bench is named, or it has no such task or split."""


def open_bench(bench: str | None) -> Bench:
    """Open the bench named by metadata or environment. Raises NoQuestions, NoSuchPath, WrongVersion."""
    path = bench or os.environ.get("CBC_BENCH")
    if not path:
        raise NoQuestions("no bench is named", 'set CBC_BENCH or pass --metadata \'{"bench": "BENCH"}\'')
    return Bench.open(Path(path))


def with_answers(bench: Bench, task: str, split: str) -> pl.DataFrame:
    """A split's questions with answer, target and chance (used for unread answers). Raises NoAnswers."""
    questions = bench.public(task, split)
    if split == "test":
        answers = bench.answers(task).select("instance_id", "answer", "target", "chance")
        return questions.drop("answer", "target").join(answers, "instance_id", "left", maintain_order="left")
    random_answers = RANDOM.values(bench.public(task, "train"), questions)
    return questions.with_columns(chance=pl.Series(random_answers, dtype=pl.List(pl.Float64)))


def without_answers(bench: Bench, task: str, split: str) -> pl.DataFrame:
    """A split's questions with empty answers, for predicting without them."""
    empty = pl.lit([], pl.List(pl.Float64))
    return bench.public(task, split).with_columns(answer=pl.lit(""), target=empty, chance=empty)


def examples(train: pl.DataFrame) -> pl.DataFrame:
    """Training questions in a fixed hash order, so that the first ones come from several channels."""
    order = [hashlib.sha256(name.encode()).hexdigest() for name in train["instance_id"]]
    empty = pl.lit([], pl.List(pl.Float64))
    return train.with_columns(_order=pl.Series(order), chance=empty).sort("_order").head(SHOTS_KEPT)


@lru_cache
def load_tokenizer(model: str, tokenizer: str | None) -> tuple[Any, int, int, bool]:
    """Load a model's tokenizer once, with its context, the longest answer that it was tuned to write, in tokens, and
    whether it sees.
    """
    from lm_eval.models.utils import resolve_max_length
    from transformers import AutoConfig, AutoTokenizer

    loaded, config = AutoTokenizer.from_pretrained(tokenizer or model), AutoConfig.from_pretrained(model)
    context = resolve_max_length(config, loaded)
    return loaded, context, getattr(config, ANSWER_TOKENS, context), hasattr(config, VISUAL_TOKEN)


def max_answer_tokens(train: pl.DataFrame, model: str | None, tokenizer: str | None, max_length: int | None) -> int:
    """Tokens of the longest training answer in the model's own tokenizer, and a few more to end it.

    At most half of the model's context: the other half is for the question. A model that was tuned to write less says
    so in its config (numbers of one token, without restating); its questions are not cut for more. One that sees may
    write tokens that no text has, so only its config knows.
    """
    order = train["answer"].str.len_bytes().arg_sort(descending=True)
    answers = [" " + answer for answer in train["answer"][order].head(LONGEST_ANSWERS)] or [" "]
    if model is None:
        return max(len(answer.encode()) for answer in answers) // BYTES_PER_TOKEN + SPARE_TOKENS
    loaded, context, tuned_for, sees = load_tokenizer(model, tokenizer)
    in_text = max(map(len, loaded(answers, add_special_tokens=False)["input_ids"]))
    longest = tuned_for if sees else min(tuned_for, in_text)
    return min(longest + min(longest, SPARE_TOKENS), (max_length or context) // 2)


def documents(task: str, frame: pl.DataFrame, answer_tokens: int) -> Dataset:
    """Convert questions to lm-eval's documents."""
    from datasets import Dataset

    counts = asked_values(frame)
    rows = frame.select(
        "instance_id",
        "message_id",
        "prompt",
        "answer",
        "target",
        "chance",
        options=pl.col("options").cast(pl.List(pl.String)).fill_null([]),
    )
    rows = rows.with_columns(task=pl.lit(task), count=pl.Series(counts, dtype=pl.Int64), room=pl.lit(answer_tokens))
    return Dataset.from_dict(rows.to_dict(as_series=False))


def splits(
    task: str,
    bench: str | None = None,
    split: str | None = None,
    answers: bool = True,
    panel: bool | None = None,
    pretrained: str | None = None,
    tokenizer: str | None = None,
    max_length: int | None = None,
    **_: Any,
) -> dict[str, Dataset]:
    """Make the splits for lm-eval: `test`, the questions of the chosen split, and `train`, examples to show.

    `pretrained`, `tokenizer` and `max_length` are lm-eval's own --model_args. Raises NoQuestions, NoAnswers,
    NoSuchPath, WrongVersion.
    """
    opened_bench, chosen_split = open_bench(bench), split or os.environ.get("CBC_SPLIT", "test")
    if task not in opened_bench.tasks:
        raise NoQuestions(f"{opened_bench.root} has no task {task}", f"it has {', '.join(opened_bench.tasks)}")
    asks_nothing = NoQuestions(
        f"{opened_bench.root} has no {chosen_split} questions for {task}", "choose another split or bench"
    )
    if not opened_bench.tasks[task].get(chosen_split):
        raise asks_nothing
    frame = (with_answers if answers else without_answers)(opened_bench, task, chosen_split)
    if panel is None:
        panel = os.environ.get("CBC_QUESTIONS") != "all"
    if panel:
        frame = frame.filter(pl.col("panel_rank").is_not_null())
    if frame.is_empty():
        raise asks_nothing
    train = opened_bench.public(task, "train")
    answer_tokens = max_answer_tokens(train, pretrained, tokenizer, max_length)
    return {
        "test": documents(task, frame, answer_tokens),
        "train": documents(task, examples(train), answer_tokens),
    }


class BenchTask(ConfigurableTask):  # type: ignore[misc]
    """An lm-eval task whose maximum answer length is measured on the bench's training answers."""

    def __init__(self, config: Doc) -> None:
        super().__init__(config={key: value for key, value in config.items() if key != "class"})
        if self.OUTPUT_TYPE == "generate_until":
            self.config.generation_kwargs.setdefault("max_gen_toks", self.dataset["test"][0]["room"])


def metric_parts(doc: Doc, values: list[float] | None) -> Doc:
    """A document's input to every metric; with hidden answers only to `unparsed`."""
    metrics = task_named(doc["task"]).metrics if doc["target"] else ()
    part = {"task": doc["task"], "values": values, "target": doc["target"], "chance": doc["chance"]}
    return dict.fromkeys((*(metric.name for metric in metrics), "unparsed"), part)


def judge_values(doc: Doc, results: list[str]) -> Doc:
    """Read a generated answer with the task's own parser."""
    return metric_parts(doc, task_named(doc["task"]).answer.parse(results[0], doc["count"]))


def judge_choice(doc: Doc, results: list[tuple[float, bool]]) -> Doc:
    """Choose the most likely option; the first of equals."""
    return metric_parts(doc, [float(np.argmax([score for score, _ in results]))])
