"""What a task is: which instances exist, how one is asked, how an answer is read, what is measured.

A new task is one new file in this folder with a subclass of `Task`, named in `TASKS` (benchmark/tasks/registry.py).
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import polars as pl

from corpus.verbalize.read_answers import read_choice, read_values

CONTENT = (
    "message_id",
    "cluster",
    "company",
    "title",
    "body",
    "published_at",
    "observed_at",
    "duration_s",
    "audience",
    "age_days",
    "text",
)
VARIANTS = ("behavior", "control", "content")


def drawn(column: str, values: np.ndarray) -> pl.Expr:
    """Drawn values in place of a column's, null where it is null."""
    return pl.when(pl.col(column).is_not_null()).then(pl.Series(values))


class NotEnough(Exception):
    """The corpus does not hold what the task needs; the message says what is missing."""


class Task(ABC):
    """One task under one condition.

    `unit` is that of the asked values. `legal` is the closed range a value may lie in; an answer outside it counts as
    unread. `behavior` names the columns that hold behavior, shown or asked: what the control shuffles.
    """

    name: str
    table: str
    condition: str
    kind: str = "values"
    metrics: tuple[str, ...]
    unit: str = ""
    legal: tuple[float, float]
    behavior: tuple[str, ...]
    shuffle_within: str | None = None

    @abstractmethod
    def instances(self, connection: duckdb.DuckDBPyConnection, seed: int, sizes: Mapping[str, int]) -> pl.DataFrame:
        """Instances with split, content and behavior columns, options, and the asked values as `target`.

        At most `sizes[split]` a split. Raises NotEnough.
        """

    @abstractmethod
    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with `prompt` and `answer`."""

    @abstractmethod
    def formatted(self, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """The frame with every behavior column drawn anew from its legal range: its form without its content."""

    def rng(self, seed: int) -> np.random.Generator:
        """The task's own generator."""
        return np.random.default_rng([seed, zlib.crc32(self.name.encode())])

    def columns(self) -> tuple[str, ...]:
        """Columns of the public frame beyond CONTENT, prompt, options, answer and target."""
        return ()

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`target` from the behavior columns, after these were changed."""
        return frame

    def restore(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The behavior columns of a public train frame, from what is shown and the target."""
        return frame

    def parse(self, raw: str, count: int, options: Sequence[str] | None = None) -> list[float] | None:
        """The values an answer gives; None when it cannot be read or a value lies outside the legal range."""
        values = read_choice(raw, list(options)) if options is not None else read_values(raw, count)
        return values if values is not None and self.accepts(values, count) else None

    def accepts(self, values: Sequence[float], count: int) -> bool:
        """Whether these may be an answer: as many as were asked, each in the legal range; of a choice, an index."""
        low, high = self.legal
        whole = self.kind != "choice" or all(float(value).is_integer() for value in values)
        return len(values) == count and whole and all(low <= value <= high for value in values)

    def variant(self, frame: pl.DataFrame, variant: str, seed: int) -> pl.DataFrame:
        """Prompts and answers of a public train frame to train on.

        `behavior`: as they are (LCBM). `control`: behavior shuffled between messages, among those of equal length where
        curves are concerned. `content`: behavior drawn from its legal range, so that only the form of an answer can be
        learnt (the base).
        """
        if variant not in VARIANTS:
            raise ValueError(f"variant {variant!r} is none of {VARIANTS}")
        if variant == "behavior":
            return frame.select("prompt", "answer")
        rng = self.rng(seed)
        full = self.restore(frame)
        changed = self.shuffled(full, rng) if variant == "control" else self.formatted(full, rng)
        return self.render(self.retarget(changed)).select("prompt", "answer")

    def shuffled(self, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """The frame with each row's behavior given to another row, within groups of equal `shuffle_within`."""
        group = self.shuffle_within
        keys = frame[group].to_numpy() if group else np.zeros(frame.height)
        order = np.arange(frame.height)
        for key in np.unique(keys):
            rows = np.flatnonzero(keys == key)
            order[rows] = rng.permutation(rows)
        return frame.with_columns(frame[order].select(self.behavior))
