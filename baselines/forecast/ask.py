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
"""The tasks that are forecast, where the model answers them."""
TOKENS_A_VALUE = 12  # of an answer of a model that does not say how much it writes
SPARE_TOKENS = 8
BAND = (2, -3)  # of the stored quantiles: 10 and 90 %


@dataclass(frozen=True)
class Answer:
    """Values that a model gives, and the band around each; empty where it gives no distribution."""

    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


def prompts(task: Task, frame: pl.DataFrame) -> list[str]:
    """The task's prompt for each row, with all behavior that it asks for masked."""
    if not task.asks_curve:
        return list(task.render(frame)["prompt"])
    counts = frame["scene_seen"].list.len()
    nothing = pl.Series("replay", [[None] * count for count in counts], pl.List(pl.Float64))
    asked = pl.Series("asked", [list(range(count)) for count in counts], pl.List(pl.Int64))
    zeros = pl.Series("target", [[0.0] * count for count in counts], pl.List(pl.Float64))
    return list(task.render(frame.with_columns(nothing, asked, zeros))["prompt"])


def ask(reader: Reader, task: str, frame: pl.DataFrame) -> list[Answer | None]:
    """The model's answer about each row; None where it cannot be read."""
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
    """Tokens that an answer may have: as many as the longest that the model was tuned on, at most half its context."""
    longest = getattr(reader.model.config, ANSWER_TOKENS, TOKENS_A_VALUE * values)
    return int(min(longest + SPARE_TOKENS, reader.max_length // 2))


def read(reader: Reader, task: Task, prompt: Any, raw: str, count: int) -> Answer | None:
    """Read an answer; where each number stands for a distribution, its mean and its band."""
    values = task.answer.parse(raw, count)
    if values is None:
        return None
    known = reader.distributions.get(prompt, [])[:count]
    if [place.written for place in known] != values:
        return Answer(tuple(values))
    low, high = (tuple(place.quantiles[level] for place in known) for level in BAND)
    return Answer(tuple(place.mean for place in known), low, high)
