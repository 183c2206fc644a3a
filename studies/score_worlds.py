"""Populations of groups with the answers of several runs, from which worlds are drawn whose truth is known exactly.

A world is a number of a population's groups, drawn with replacement, so the metric over the whole population is what
an interval must hold. The tasks of the bench say which metrics there are and on which kind of answers: curves (several
values an instance on 0 to 100), values, counts over decades, and choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
CURVE_VALUES = 10
Key = tuple[str, str]  # kind of answers, name of metric


@dataclass(frozen=True)
class Answers:
    """Answers of all runs to the instances of one kind, in the order of their groups.

    truth: [values], predicted: [runs, values]; each instance has `per_instance` values.
    """

    truth: Array
    predicted: Array
    per_instance: int

    def judged(self, run: int) -> Judged:
        """A run's answers, all of them read."""
        count = len(self.truth) // self.per_instance
        instance = np.repeat(np.arange(count), self.per_instance)
        return Judged(self.truth, self.predicted[run], np.ones(len(self.truth), dtype=bool), instance, count)

    def of(self, instances: Index, places: Index) -> Answers:
        """The answers to some instances; places: [instances, runs], whose answer each run has."""
        cells = (instances[:, None] * self.per_instance + np.arange(self.per_instance)).ravel()
        runs = np.repeat(places, self.per_instance, axis=0).T
        return Answers(self.truth[cells], self.predicted[runs, cells], self.per_instance)


@dataclass(frozen=True)
class World:
    """Drawn groups: sizes [groups], and the sums of each metric [groups, runs, k]."""

    sizes: Array
    sums: dict[Key, Array]


@dataclass(frozen=True)
class Population:
    """Groups with the answers of each run and their sums [groups, runs, k]; sizes, first: [groups], of instances.

    in_sample: metrics whose sums are of the whole sample (ranks among all values), so that each world has its own.
    """

    sizes: Index
    first: Index
    answers: dict[str, Answers]
    metrics: dict[Key, Metric]
    sums: dict[Key, Array]
    in_sample: frozenset[Key]

    def truth(self, key: Key, run: int) -> Array:
        """The metric of a run over the whole population."""
        return self.metrics[key].finish(self.sums[key][:, run].sum(axis=0))

    def draw(self, groups: int, rng: np.random.Generator, exchange: bool = False) -> World:
        """Draw groups; with `exchange` the runs change places at random in each of them."""
        drawn = rng.integers(0, len(self.sizes), groups)
        runs = next(iter(self.sums.values())).shape[1]
        places = np.tile(np.arange(runs), (groups, 1))
        if exchange:
            places = np.argsort(rng.random(places.shape), axis=1)
        sums = {key: np.take_along_axis(of[drawn], places[:, :, None], axis=1) for key, of in self.sums.items()}
        return World(self.sizes[drawn].astype(np.float64), sums | self.sums_in_sample(drawn, places))

    def sums_in_sample(self, drawn: Index, places: Index) -> dict[Key, Array]:
        """Sums of the metrics that need the whole sample."""
        sizes = self.sizes[drawn]
        group = np.repeat(np.arange(len(drawn)), sizes)
        instances = self.first[drawn][group] + np.arange(len(group)) - (np.cumsum(sizes) - sizes)[group]
        of_kind = {kind: self.answers[kind].of(instances, places[group]) for kind, _ in self.in_sample}
        return {key: run_sums(self.metrics[key], of_kind[key[0]], group, len(drawn)) for key in self.in_sample}


def run_sums(metric: Metric, answers: Answers, group: Index, groups: int) -> Array:
    """A metric's sums of every run: [groups, runs, k]."""
    runs = range(len(answers.predicted))
    return np.stack([group_sums(metric.sums(answers.judged(run)), group, groups) for run in runs], axis=1)


def needs_sample(metric: Metric, answers: Answers) -> bool:
    """Whether a metric of some instances is not what their sums in a larger sample give."""
    part = np.arange(len(answers.truth) // answers.per_instance // 3)
    alone = answers.of(part, np.tile(np.arange(len(answers.predicted)), (len(part), 1))).judged(0)
    sums = metric.sums(answers.judged(0))[part].sum(axis=0)
    return not np.isclose(metric.value(alone), metric.finish(sums), rtol=1e-9)


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


def curves(draws: Draws, levels: Sequence[float], values: int = CURVE_VALUES) -> Answers:
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
    return Answers(truth, np.stack(predicted), values)


def values(draws: Draws, levels: Sequence[float]) -> Answers:
    """One value an instance on 0 to 100."""
    return curves(draws, levels, values=1)


def counts(draws: Draws, levels: Sequence[float]) -> Answers:
    """Counts over several powers of ten, with errors in their logarithms."""
    count = len(draws.group)
    truth, hard = 5 + 0.5 * draws.of_groups() + 0.8 * draws.noise(count), draws.error_scale()
    errors = [0.4 * level * hard * (0.4 * draws.of_groups() + 0.9 * draws.noise(count)) for level in levels]
    predicted = [*(np.clip(truth + error, 0, 12) for error in errors), np.full(count, truth.mean())]
    return Answers(10**truth, 10 ** np.stack(predicted), 1)


def choices(draws: Draws, levels: Sequence[float]) -> Answers:
    """One of two options, right more often in some groups than in others."""
    count = len(draws.group)
    truth, ease = (draws.rng.random(count) < 0.6).astype(np.float64), draws.of_groups()
    right = [
        draws.rng.random(count) < 1 / (1 + np.exp(-(1.2 / level + ease + 0.5 * draws.of_groups()))) for level in levels
    ]
    predicted = [*(np.where(is_right, truth, 1 - truth) for is_right in right), np.ones(count)]
    return Answers(truth, np.stack(predicted), 1)


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


def metrics_by_kind() -> dict[Key, Metric]:
    """Metrics of the bench's tasks on each kind of answers, in the tasks' order."""
    tasks = [(kind, task) for task in all_tasks() if (kind := kind_of(task))]
    return {(kind, metric.name): metric for kind, task in tasks for metric in task.metrics}


def population(
    levels: Sequence[float], equal: bool, heavy: bool, groups: int = POPULATION, seed: int = 0, reference: bool = True
) -> Population:
    """Make a population: a run for each level of error, and last, if asked for, a constant reference."""
    rng = np.random.default_rng([seed, equal, heavy])
    sizes = np.full(groups, EQUAL_SIZE)
    if not equal:
        sizes = np.clip(rng.lognormal(1.5, 1.0, groups).round(), 1, LARGEST_GROUP).astype(np.int64)
    group = np.repeat(np.arange(groups), sizes)
    draws, metrics = Draws(rng, group, groups, heavy), metrics_by_kind()
    answers = {kind: KINDS[kind](draws, levels) for kind in dict.fromkeys(kind for kind, _ in metrics)}
    if not reference:
        answers = {kind: replace(of, predicted=of.predicted[:-1]) for kind, of in answers.items()}
    sums = {key: run_sums(metric, answers[key[0]], group, groups) for key, metric in metrics.items()}
    in_sample = frozenset(key for key, metric in metrics.items() if needs_sample(metric, answers[key[0]]))
    return Population(sizes, np.cumsum(sizes) - sizes, answers, metrics, sums, in_sample)
