"""A task's right answers laid flat, and a run's predictions laid beside them.

A prediction counts as unparsed when it is missing, has another number of values than were asked, or holds a value
that is not finite or lies outside the task's legal range (for choices: that is no option's number). Legal values are
never made out of illegal ones: a predictor that can leave the range clips its own answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmark.bench import Bench
from benchmark.metrics import Array, Flags, Index, Judged, Metric, metric_of
from benchmark.tasks.registry import TASKS
from corpus.errors import CbcError

EDGE = 1e-6  # a mean of hundreds may come out as 100.00000000000001


class DamagedBench(CbcError):
    """The private answers do not belong to the public questions."""


@dataclass(frozen=True)
class Answers:
    """What is right in a task's test part, in the order of its public questions.

    truth, chance: [values]; instance: [values] -> 0..instances-1; lengths, cluster: [instances].
    """

    task: str
    table: str
    condition: str
    kind: str
    metrics: tuple[Metric, ...]
    truth: Array
    chance: Array
    instance: Index
    lengths: Index
    cluster: Index
    clusters: int
    legal: tuple[float, float]

    @property
    def instances(self) -> int:
        """How many questions there are."""
        return len(self.lengths)

    def judge(self, predictions: pl.DataFrame) -> Judged:
        """Lay a run's predictions beside the truth: one row a question, in its order; `values` null where unread."""
        fits = (predictions["values"].list.len() == pl.Series(self.lengths)).fill_null(False).to_numpy()
        predicted = np.full(len(self.truth), np.nan)
        given = predictions["values"].filter(pl.Series(fits)).explode(empty_as_null=False)
        predicted[np.repeat(fits, self.lengths)] = given.to_numpy()
        bad = np.bincount(self.instance, weights=~self.is_legal(predicted), minlength=self.instances) > 0
        parsed = ~np.repeat(bad | ~fits, self.lengths)
        return Judged(self.truth, np.where(parsed, predicted, self.chance), parsed, self.instance, self.instances)

    def is_legal(self, values: Array) -> Flags:
        """Whether each value may be an answer at all."""
        low, high = self.legal
        legal: Flags = np.isfinite(values) & (values >= low - EDGE) & (values <= high + EDGE)
        return legal & (values == np.floor(values)) if self.kind == "choice" else legal


def unparsed(judged: Judged) -> int:
    """How many instances have no readable answer."""
    return int(np.count_nonzero(np.bincount(judged.instance, weights=~judged.parsed, minlength=judged.instances)))


def flat(column: pl.Series) -> Array:
    """A column of lists end to end."""
    return column.explode(empty_as_null=False).cast(pl.Float64).to_numpy()


def answers_of(bench: Bench, task: str, questions: pl.DataFrame | None = None) -> Answers:
    """Read a task's right answers and clusters. Raises NoAnswers, DamagedBench."""
    said = bench.tasks[task]
    asked = (bench.public(task, "test") if questions is None else questions).select("instance_id", "cluster")
    right = bench.answers(task).select("instance_id", "target", "chance")
    both = asked.join(right, on="instance_id", how="left", maintain_order="left")
    if len(both) != len(asked) or both["target"].null_count():
        raise DamagedBench(f"{bench.root} has other answers than questions for {task}", "build the bench again")
    lengths = both["target"].list.len().cast(pl.Int64).to_numpy()
    names, cluster = np.unique(both["cluster"].fill_null("").to_numpy().astype(str), return_inverse=True)
    return Answers(
        task=task,
        table=said["table"],
        condition=said["condition"],
        kind=said["kind"],
        metrics=tuple(metric_of(said["table"], name) for name in said["metrics"]),
        truth=flat(both["target"]),
        chance=flat(both["chance"]),
        instance=np.repeat(np.arange(len(lengths)), lengths),
        lengths=lengths,
        cluster=cluster.astype(np.int64),
        clusters=len(names),
        legal=TASKS[task].legal,
    )
