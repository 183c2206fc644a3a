"""Populations of groups with the answers of several runs, from which worlds are drawn whose truth is known exactly.

A world is a number of a population's groups, drawn with replacement, so the metric over the whole population is what
an interval must hold. The tasks of the bench say which metrics there are and on which kind of answers: curves (three
values an instance on 0 to 100), values, counts over decades, and choices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.answers.choice import Choice
from benchmark.answers.values import Values
from benchmark.intervals import group_sums
from benchmark.metrics import Array, Index, Judged, Metric
from benchmark.tasks.base import Task
from benchmark.tasks.registry import all_tasks

POPULATION = 20_000
EQUAL_SIZE = 6
LARGEST_GROUP = 400
HEAVY_DEGREES = 5  # of freedom of Student's t
CURVE_VALUES = 3
Noise = Callable[[int], Array]


@dataclass(frozen=True)
class Population:
    """Groups with the sums of each run.

    sizes: [groups]; sums: (kind of answers, name of metric) -> [groups, runs, k].
    """

    sizes: Array
    sums: dict[tuple[str, str], Array]
    metrics: dict[tuple[str, str], Metric]

    def truth(self, key: tuple[str, str], run: int) -> Array:
        """The metric of a run over the whole population."""
        return self.metrics[key].finish(self.sums[key][:, run].sum(axis=0))


@dataclass(frozen=True)
class Draws:
    """Random numbers of a population: each instance's group, and noise with light or heavy tails."""

    rng: np.random.Generator
    group: Index
    groups: int
    heavy: bool

    def noise(self, count: int) -> Array:
        """Numbers of mean 0 and variance 1."""
        if not self.heavy:
            return self.rng.normal(size=count)
        spread = np.sqrt(HEAVY_DEGREES / (HEAVY_DEGREES - 2))
        return np.asarray(self.rng.standard_t(HEAVY_DEGREES, count) / spread)

    def of_groups(self) -> Array:
        """One number a group, for each instance."""
        return self.noise(self.groups)[self.group]

    def error_scale(self) -> Array:
        """How hard each instance's group is: some have larger errors."""
        return np.asarray(np.exp((0.4 if self.heavy else 0.25) * self.rng.normal(size=self.groups))[self.group])


def curves(draws: Draws, levels: Sequence[float], values: int = CURVE_VALUES) -> list[Judged]:
    """Curves on 0 to 100: a run's error has a part of its group, of its instance and of each value."""
    count = len(draws.group)
    instance = np.repeat(np.arange(count), values)
    truth = 50 + (10 * draws.of_groups() + 8 * draws.noise(count))[instance] + 8 * draws.noise(len(instance))
    truth, hard = np.clip(truth, 0, 100), draws.error_scale()
    errors = [
        level
        * 8
        * hard[instance]
        * ((0.4 * draws.of_groups() + 0.6 * draws.noise(count))[instance] + 0.7 * draws.noise(len(instance)))
        for level in levels
    ]
    predicted = [*(np.clip(truth + error, 0, 100) for error in errors), np.full(len(truth), truth.mean())]
    return [judged(truth, answer, instance, count) for answer in predicted]


def values(draws: Draws, levels: Sequence[float]) -> list[Judged]:
    """One value an instance on 0 to 100."""
    return curves(draws, levels, values=1)


def counts(draws: Draws, levels: Sequence[float]) -> list[Judged]:
    """Counts over several powers of ten, with errors in their logarithms."""
    count = len(draws.group)
    truth, hard = 5 + 0.5 * draws.of_groups() + 0.8 * draws.noise(count), draws.error_scale()
    errors = [0.4 * level * hard * (0.4 * draws.of_groups() + 0.9 * draws.noise(count)) for level in levels]
    predicted = [*(np.clip(truth + error, 0, 12) for error in errors), np.full(count, truth.mean())]
    return [judged(10**truth, 10**answer, np.arange(count), count) for answer in predicted]


def choices(draws: Draws, levels: Sequence[float]) -> list[Judged]:
    """One of two options, right more often in some groups than in others."""
    count = len(draws.group)
    truth, ease = (draws.rng.random(count) < 0.6).astype(np.float64), draws.of_groups()
    right = [
        draws.rng.random(count) < 1 / (1 + np.exp(-(1.2 / level + ease + 0.5 * draws.of_groups()))) for level in levels
    ]
    predicted = [*(np.where(is_right, truth, 1 - truth) for is_right in right), np.ones(count)]
    return [judged(truth, answer, np.arange(count), count) for answer in predicted]


def judged(truth: Array, predicted: Array, instance: Index, count: int) -> Judged:
    """Answers that were all read."""
    return Judged(truth, predicted, np.ones(len(truth), dtype=bool), instance, count)


KINDS = {"curves": curves, "values": values, "counts": counts, "choices": choices}


def kind_of(task: Task) -> str | None:
    """The kind of a task's answers; None for one that no population has."""
    if task.asks_curve:
        return "curves"
    if isinstance(task.answer, Choice):
        return "choices"
    if isinstance(task.answer, Values):
        return "counts" if task.spans_decades else "values"
    return None


def metrics_by_kind() -> dict[tuple[str, str], Metric]:
    """Every metric of the bench's tasks, on each kind of answers that it is computed on, in the tasks' order."""
    tasks = [(kind, task) for task in all_tasks() if (kind := kind_of(task))]
    return {(kind, metric.name): metric for kind, task in tasks for metric in task.metrics}


def population(
    levels: Sequence[float], equal: bool, heavy: bool, groups: int = POPULATION, seed: int = 0
) -> Population:
    """Make a population: a run for each level of error, and last a constant reference."""
    rng = np.random.default_rng([seed, equal, heavy])
    sizes = np.full(groups, EQUAL_SIZE)
    if not equal:
        sizes = np.clip(rng.lognormal(1.5, 1.0, groups).round(), 1, LARGEST_GROUP).astype(np.int64)
    draws = Draws(rng, np.repeat(np.arange(groups), sizes), groups, heavy)
    metrics, sums = metrics_by_kind(), {}
    for kind in dict.fromkeys(kind for kind, _ in metrics):
        answers = KINDS[kind](draws, levels)
        for key in (key for key in metrics if key[0] == kind):
            of_runs = [group_sums(metrics[key].sums(answer), draws.group, groups) for answer in answers]
            sums[key] = np.stack(of_runs, axis=1)
    return Population(sizes.astype(np.float64), sums, metrics)
