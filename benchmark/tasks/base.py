"""What a task is: which instances exist, how one is asked, what kind of answer it wants, what is measured.

A new task is one new file in this folder with a subclass of `Task`, and its line in `TASKS`
(benchmark/tasks/registry.py); in a package of its own, an entry point of the group `cbc.tasks`. Its table, its
references, the best possible answers and its lm-eval file follow from the class.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import polars as pl

from benchmark.answers.base import AnswerKind
from benchmark.metrics import Metric
from benchmark.references.base import Reference
from benchmark.tasks.expected import Expected

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


@dataclass(frozen=True)
class TableHeading:
    """What stands over a table: its name, which is its files' too, its title, and what a reader must know."""

    name: str
    title: str
    note: str


class Task(ABC):
    """One task under one condition: a column of its table.

    `metrics`: the first one is the headline. `references`: the predictors without content that it is measured over.
    `behavior` names the columns that hold behavior, shown or asked: what the control shuffles. `hidden_counts` are the
    columns whose exact count a prompt must not give away.
    """

    name: str
    table: TableHeading
    condition: str
    answer: AnswerKind
    unit: str = ""
    """That of the asked values."""
    metrics: tuple[Metric, ...]
    references: tuple[Reference, ...]
    behavior: tuple[str, ...]
    shuffle_within: str | None = None
    hidden_counts: tuple[str, ...] = ()
    asks_curve: bool = False
    """Whether it asks values of scenes, with `replay` and `asked` among its columns."""
    spans_decades: bool = False
    """Whether its values are counts that spread over decades, so that their logarithms are learnt."""
    split_by_time: bool = False
    """Whether its test part begins after its training part."""

    @abstractmethod
    def instances(self, connection: duckdb.DuckDBPyConnection, seed: int, sizes: Mapping[str, int]) -> pl.DataFrame:
        """Instances with split, content and behavior columns, options, and the asked values as `target`.

        At most `sizes[split]` a split. Raises NotEnough.
        """

    @abstractmethod
    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with `prompt` and `answer`."""

    @abstractmethod
    def with_random_behavior(self, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """The frame with behavior drawn anew from its legal range, so that only the format can be learned."""

    def rng(self, seed: int) -> np.random.Generator:
        """The task's own generator."""
        return np.random.default_rng([seed, zlib.crc32(self.name.encode())])

    def columns(self) -> tuple[str, ...]:
        """Columns of the public frame beyond CONTENT, prompt, options, answer and target."""
        return ()

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`target` from the behavior columns, after these were changed."""
        return frame

    def recover_behavior(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The behavior columns of a public train frame, from what is shown and the target."""
        return frame

    def expected(self, frame: pl.DataFrame, law: pl.DataFrame) -> Expected | None:
        """The best possible answers to a test frame under the simulated world's law; None where it says nothing."""
        return None

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
        full = self.recover_behavior(frame)
        changed = self.shuffled(full, rng) if variant == "control" else self.with_random_behavior(full, rng)
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
