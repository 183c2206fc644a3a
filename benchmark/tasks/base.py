"""Base class of tasks: its instances, their prompts, the kind of answer, and the metrics.

A new task is a file in this folder with a subclass of `Task`, and a line in `TASKS` (benchmark/tasks/registry.py); in
another package it is an entry point of the group `cbc.tasks`. Its table, references, best possible answers and lm-eval
file follow from the class.
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
from benchmark.holdout import Holdout
from benchmark.metrics import Metric
from benchmark.references.base import Reference
from benchmark.tasks.expected import Expected
from benchmark.tasks.planted import EffectScale, Factor

CONTENT = (
    "message_id",
    "group",
    "company",
    "title",
    "body",
    "category",
    "country",
    "language",
    "tag_count",
    "flags",
    "published_at",
    "observed_at",
    "duration_s",
    "audience",
    "age_days",
    "text",
)
VARIANTS = ("behavior", "control", "content")


class NotEnough(Exception):
    """The corpus lacks data that the task needs; the message says what is missing."""


@dataclass(frozen=True)
class TableHeading:
    """Heading of a table: its name, which its files share, its title, a note for readers, and a title in two words."""

    name: str
    title: str
    note: str
    short_title: str = ""


class Task(ABC):
    """A task under one condition: a column of its table.

    `metrics`: the first is the headline. `references`: predictors without content, over which skill is measured.
    `behavior`: the columns that hold behavior, shown or asked; the control shuffles them. `hidden_counts`: the columns
    whose exact count a prompt must not reveal.
    """

    name: str
    table: TableHeading
    condition: str
    answer: AnswerKind
    unit: str = ""
    """Unit of the asked values."""
    metrics: tuple[Metric, ...]
    references: tuple[Reference, ...]
    behavior: tuple[str, ...]
    shuffle_within: str | None = None
    hidden_counts: tuple[str, ...] = ()
    fewest_test: int = 1
    """Test questions below which it cannot be asked; a hidden bench gives it these first."""
    asks_curve: bool = False
    """Whether it asks for values of scenes, with `replay` and `asked` among its columns."""
    draws_masks: bool = False
    """Whether which scenes it masks is drawn, so that a video can be asked about with several draws (`mask_again`)."""
    spans_decades: bool = False
    """Whether its values are counts over several powers of ten, so that models learn their logarithms."""
    split_by_time: tuple[str, str] | None = None
    """Channel and kind of its messages, where its test part is later than its training part."""
    effect_scale: EffectScale | None = None
    """The scale on which the effects of its factors are measured, where it has factors."""

    @abstractmethod
    def instances(
        self, connection: duckdb.DuckDBPyConnection, holdout: Holdout, seed: int, sizes: Mapping[str, int]
    ) -> pl.DataFrame:
        """Select instances: group, split, content and behavior columns, options, and the asked values as `target`.

        `holdout.split` says in which split a message is, for this task as for all others; at most `sizes[split]` of
        each split are taken. Raises NotEnough.
        """

    @abstractmethod
    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the columns `prompt` and `answer`."""

    def mask_again(self, frame: pl.DataFrame, seed: int, draw: int) -> pl.DataFrame:
        """The instances with the masks of another draw (1 and so on), where the task draws masks."""
        return frame

    def rng(self, seed: int, message_id: str = "", draw: int = 0) -> np.random.Generator:
        """Make the task's random generator for a seed; for a message one of its own, whatever else is in the bench."""
        name = f"{message_id}#{draw}" if draw else message_id
        return np.random.default_rng([seed, zlib.crc32(self.name.encode()), zlib.crc32(name.encode())])

    def columns(self) -> tuple[str, ...]:
        """Columns of the public frame beyond CONTENT, prompt, options, answer and target."""
        return ()

    def retarget(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Compute `target` from the behavior columns, after these were changed."""
        return frame

    def recover_behavior(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Restore the behavior columns of a public train frame from its visible values and target."""
        return frame

    def expected(self, frame: pl.DataFrame, law: pl.DataFrame) -> Expected | None:
        """Compute the best possible answers to a test frame under the simulated law; None if the law has none."""
        return None

    def factors(self, questions: pl.DataFrame) -> list[Factor]:
        """Read from test questions what the simulated law may let the answers depend on; empty where nothing is known.

        A task with factors has an `effect_scale`, and `means` in its `expected`.
        """
        return []

    def variant(self, frame: pl.DataFrame, variant: str, seed: int) -> pl.DataFrame:
        """Make prompts and answers of a public train frame, to train on.

        `behavior`: as they are (LCBM). `control`: behavior shuffled between messages, for curves between those of equal
        length. `content`: each value drawn by itself from those of training, so that a model learns the format of an
        answer and how often each value occurs, but no shape of a curve and no relation to content (the base). Raises
        ValueError for any other variant.
        """
        if variant not in VARIANTS:
            raise ValueError(f"variant {variant!r} is none of {VARIANTS}")
        if variant == "behavior":
            return frame.select("prompt", "answer")
        rng = self.rng(seed)
        full = self.recover_behavior(frame)
        changed = self.shuffle_behavior(full, rng) if variant == "control" else self.draw_behavior(full, rng)
        return self.render(self.retarget(changed)).select("prompt", "answer")

    def shuffle_behavior(self, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """Permute the behavior of rows, within groups of equal `shuffle_within`."""
        group = self.shuffle_within
        keys = frame[group].to_numpy() if group else np.zeros(frame.height)
        order = np.arange(frame.height)
        for key in np.unique(keys):
            rows = np.flatnonzero(keys == key)
            order[rows] = rng.permutation(rows)
        return frame.with_columns(frame[order].select(self.behavior))

    def draw_behavior(self, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """Replace each known value of behavior by one drawn from all values of its column."""
        return frame.with_columns(draw_column(frame[name], rng) for name in self.behavior)


def draw_column(column: pl.Series, rng: np.random.Generator) -> pl.Series:
    """A column whose known values, also those in lists, are drawn anew from all of them; nulls stay."""
    is_known, known = column.is_not_null(), column.drop_nulls()
    if isinstance(column.dtype, pl.List):
        drawn = draw_lists(known, rng)
    else:
        drawn = known.gather(rng.integers(0, max(len(known), 1), len(known)))
    frame = pl.DataFrame({"known": is_known, "place": is_known.cum_sum().cast(pl.Int64) - 1})
    return drawn.gather(frame.select(pl.when("known").then("place")).to_series()).alias(column.name)


def draw_lists(lists: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Lists of the same lengths, their values drawn from all values of all lists."""
    row = np.repeat(np.arange(len(lists)), lists.list.len().to_numpy())
    values = draw_column(lists.explode(empty_as_null=False), rng)
    grouped = pl.DataFrame({"row": row, "values": values}).group_by("row", maintain_order=True).agg("values")
    every = pl.DataFrame({"row": np.arange(len(lists))})
    return every.join(grouped, "row", "left", maintain_order="left")["values"]
