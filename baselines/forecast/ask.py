"""Prompt a model about a message, with its tasks' own texts and parsers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from baselines.reader import Reader
from benchmark.lm_eval.task_files import ANSWER_TOKENS
from benchmark.tasks.base import Task
from benchmark.tasks.registry import task_named

ASKED = ("views", "like_view_ratio", "replay_all_masked")
"""The tasks that are forecast where the model answers them, each before those whose questions show its value."""
TOKENS_A_VALUE = 16  # of an answer about scenes, each with a few words or visual tokens
TOKENS_OF_ONE = 32  # of an answer about the whole, with a few words of the title
SPARE_TOKENS = 8
BAND = (2, -3)  # of the stored quantiles: 10 and 90 %


@dataclass(frozen=True)
class Answer:
    """Values that a model gives, none where they cannot be read, and the band around each where it gives one.

    cut: whether the question lost its beginning to fit the model's context.
    """

    values: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    cut: bool = False


def prompts(task: Task, frame: pl.DataFrame) -> list[str]:
    """The task's prompt for each row, with all behavior that it asks for masked."""
    if not task.asks_curve:
        return list(task.render(frame)["prompt"])
    counts = frame["scene_seen"].list.len()
    nothing = pl.Series("replay", [[None] * count for count in counts], pl.List(pl.Float64))
    asked = pl.Series("asked", [list(range(count)) for count in counts], pl.List(pl.Int64))
    zeros = pl.Series("target", [[0.0] * count for count in counts], pl.List(pl.Float64))
    return list(task.render(frame.with_columns(nothing, asked, zeros))["prompt"])


def ask(reader: Reader, task: str, frame: pl.DataFrame) -> list[Answer]:
    """The model's answer about each row."""
    from lm_eval.api.instance import Instance

    asked = task_named(task)
    counts = [len(scenes) if asked.asks_curve else 1 for scenes in frame["scene_seen"]]
    reader.forget()
    if reader.numbers is not None:
        reader.numbers.expect(task)
    options = {"until": ["\n\n"], "do_sample": False, "max_gen_toks": room(reader, max(counts))}
    requests = [
        Instance("generate_until", {"message_id": message_id}, (prompt, options), row)
        for row, (message_id, prompt) in enumerate(zip(frame["message_id"], prompts(asked, frame), strict=True))
    ]
    written = reader.generate_until(requests)
    answers = zip(requests, written, counts, strict=True)
    return [read(reader, asked, request.arguments[0], raw, count) for request, raw, count in answers]


def room(reader: Reader, values: int) -> int:
    """Tokens that an answer may have: those of the longest that the model was tuned on, as far as so many values need
    them, and at most half its context.
    """
    needed = max(TOKENS_OF_ONE, TOKENS_A_VALUE * values)
    if values == 1:
        needed = min(needed, getattr(reader.model.config, ANSWER_TOKENS, needed))
    return int(min(needed + SPARE_TOKENS, reader.max_length // 2))


def read(reader: Reader, task: Task, prompt: Any, raw: str, count: int) -> Answer:
    """Read an answer; where each number stands for a distribution, its mean and its band."""
    values, cut = task.answer.parse(raw, count), prompt in reader.truncated
    known = reader.distributions.get(prompt, [])[:count]
    if not values or [place.written for place in known] != values:
        return Answer(tuple(values or ()), cut=cut)
    low, high = (tuple(place.quantiles[level] for place in known) for level in BAND)
    return Answer(tuple(place.mean for place in known), low, high, cut)


def with_forecast(frame: pl.DataFrame, task: str, answer: Answer) -> pl.DataFrame:
    """The frame in which a forecast stands where a later question shows the value, as it did in training."""
    (shown, *_) = task_named(task).behavior
    return frame.with_columns(pl.lit(answer.values[0]).alias(shown)) if len(answer.values) == 1 else frame
