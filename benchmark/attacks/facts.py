"""What a row of a bench shows, in its columns and in its prompt, and how an answer is read from it.

A fact is a number, a list of numbers (one a scene, null where it is masked) or a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from benchmark.references.base import asked_values, is_choice
from corpus.verbalize.number_words import read_number

Key = Callable[[pl.DataFrame], pl.Series]
Fact = float | list[float | None] | str | None
NAMES = frozenset(
    {"instance_id", "message_id", "group", "options", "asked", "panel_rank", "draw", "option_texts", "prompt"}
)
FIELD = re.compile(r"^([^\n:=]{1,30}): ([^\n]*\d[^\n]*)$", re.MULTILINE)
SCENE = re.compile(r"^scene (\d+): .* = (?:(\d+)|<[^\n]*>)$", re.MULTILINE)
PARTED = " / "
"""Between the scenes' texts in an option."""


@dataclass(frozen=True)
class Question:
    """What a row asks: how many values, of which scenes, and the texts of its options."""

    count: int
    asked: list[int] | None
    options: list[str] | None


@dataclass(frozen=True)
class Rows:
    """Rows that ask and show something: of a file of the bench, or (no task, another split) made by an attack."""

    task: str
    split: str
    frame: pl.DataFrame
    keys: dict[Key, list[str | None]] = field(default_factory=dict, compare=False)
    """What was made of each row to compare it by."""

    @property
    def file(self) -> tuple[str, str]:
        """Task and split."""
        return self.task, self.split

    @cached_property
    def facts(self) -> dict[str, list[Fact]]:
        """What they show, by its name."""
        return facts_of(self.frame)

    def keyed(self, key: Key) -> list[str | None]:
        """What each row is compared by, null where by nothing; made once."""
        if key not in self.keys:
            self.keys[key] = key(self.frame).cast(pl.String).to_list()
        return self.keys[key]

    @cached_property
    def draws(self) -> list[int]:
        """Which draw of masks each row is, 0 where there is one alone."""
        return self.frame["draw"].to_list() if "draw" in self.frame.columns else [0] * self.frame.height

    @cached_property
    def questions(self) -> list[Question]:
        """What they ask."""
        return questions_of(self.frame)


def questions_of(frame: pl.DataFrame) -> list[Question]:
    """What each row asks."""
    texts = next((name for name in ("option_texts", "options") if name in frame.columns), None)
    options = frame[texts].to_list() if texts and is_choice(frame) else [None] * frame.height
    asked = frame["asked"].to_list() if "asked" in frame.columns and not is_choice(frame) else [None] * frame.height
    return [Question(*parts) for parts in zip(asked_values(frame), asked, options, strict=True)]


def facts_of(frame: pl.DataFrame) -> dict[str, list[Fact]]:
    """The facts of all rows by name: a column's, or `prompt NAME` for what stands in the prompts."""
    facts: dict[str, list[Fact]] = {}
    for name, of in frame.schema.items():
        if name in NAMES:
            continue
        if of.is_numeric():
            facts[name] = frame[name].cast(pl.Float64).to_list()
        elif isinstance(of, pl.List) and of.inner.is_numeric():
            facts[name] = frame[name].cast(pl.List(pl.Float64)).to_list()
        elif isinstance(of, pl.List) and of.inner == pl.String:
            facts[name] = frame[name].list.join(" ", ignore_nulls=True).to_list()
        elif of == pl.String:
            facts[name] = frame[name].to_list()
    if {"replay", "asked", "target"} <= set(frame.columns):
        rows = frame.select("replay", "asked", "target").iter_rows()
        facts["whole curve"] = [filled(*row) for row in rows]
    return facts | (prompt_facts(frame["prompt"].to_list()) if "prompt" in frame.columns else {})


def filled(curve: list[float | None] | None, asked: list[int] | None, target: list[float] | None) -> Fact:
    """A curve with the values that were asked, where they are known."""
    if curve is None or asked is None or target is None or len(asked) != len(target):
        return None
    known = dict(zip(asked, target, strict=True))
    return [known.get(scene, value) for scene, value in enumerate(curve)]


def prompt_facts(prompts: Sequence[str]) -> dict[str, list[Fact]]:
    """The numbers of the fields and of the scenes in prompts."""
    facts: dict[str, list[Fact]] = {"prompt scenes": [scene_values(prompt) for prompt in prompts]}
    for row, prompt in enumerate(prompts):
        for name, text in FIELD.findall(prompt):
            facts.setdefault(f"prompt {name}", [None] * len(prompts))[row] = read_number(text)
    return {name: values for name, values in facts.items() if "prompt scene " not in name}


def scene_values(prompt: str) -> Fact:
    """The values of a prompt's scenes, in their order; None if it shows no scenes with values."""
    values = {int(number): float(value) if value else None for number, value in SCENE.findall(prompt)}
    return [values.get(scene) for scene in range(1, max(values) + 1)] if values else None


def read_answer(question: Question, fact: Fact) -> list[float] | None:
    """The answer that a fact of another row would be to a question; None if it cannot be one."""
    if isinstance(fact, str):
        return option_in(question.options, fact)
    if isinstance(fact, list):
        if question.asked is None:
            whole = [value for value in fact if value is not None]
            return whole if len(whole) == question.count == len(fact) else None
        values = [fact[scene] if scene < len(fact) else None for scene in question.asked]
        known = [value for value in values if value is not None]
        return known if len(known) == question.count else None
    if fact is None or question.count != 1 or question.asked is not None:
        return None
    return [float(fact)]


def option_in(options: list[str] | None, text: str) -> list[float] | None:
    """The one option all of whose parts stand in a text; None if several do, or none."""
    if not options:
        return None
    standing = [i for i, option in enumerate(options) if option and all(part in text for part in option.split(PARTED))]
    return [float(standing[0])] if len(standing) == 1 else None
