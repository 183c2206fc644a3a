"""How often intervals hold the truth, and how often runs that do not differ are called apart: docs/results/coverage.md.

    cbc study coverage [--quick] [--out FOLDER]

Worlds are drawn from populations whose truth is known (studies/score_worlds.py), so nothing here computes an interval
in a second way. Shares are of the worlds where an interval is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, product
from pathlib import Path

import numpy as np

from benchmark.apart import Contest, verdicts
from benchmark.intervals import (
    FEWEST_GROUPS,
    Interval,
    Scale,
    difference_interval,
    effective_groups,
    skill_interval,
    student,
    value_interval,
)
from benchmark.metrics import Array, Metric
from studies.results import FOLDER, Part, write_result
from studies.score_worlds import Key, Population, population

GROUPS = (10, 14, 20, 50, 200, 500)
AIM = (0.93, 0.97)
WORLDS, TABLES = 1000, 400
QUICK_WORLDS, QUICK_TABLES = 100, 40
RESAMPLES = 1000  # of each test, a tenth of those of a table
LEVELS = (1.0, 1.15)
RUN, RIVAL, REFERENCE = 0, 1, 2
EXCHANGEABLE = 8
PAIRS = list(combinations(range(EXCHANGEABLE), 2))
LOGARITHM = Scale(np.log, np.exp)
Setting = tuple[int, bool, bool]  # groups, equal sizes, heavy tails


@dataclass
class Tally:
    """Counts of intervals: printed, too high (the truth is below), too low."""

    asked: int = 0
    printed: int = 0
    too_high: int = 0
    too_low: int = 0

    def add(self, interval: Interval, truth: float) -> None:
        """Count an interval."""
        self.asked += 1
        if interval.low is not None and interval.high is not None:
            self.printed += 1
            self.too_high += truth < interval.low
            self.too_low += truth > interval.high

    @property
    def covered(self) -> float | None:
        """Share of printed intervals that hold the truth; None if fewer than a twentieth were printed."""
        if self.printed * 20 < self.asked or not self.printed:
            return None
        return 1 - (self.too_high + self.too_low) / self.printed


@dataclass
class Coverage:
    """Tallies of a metric in a setting."""

    effective: list[float] = field(default_factory=list)
    value: Tally = field(default_factory=Tally)
    logarithm: Tally = field(default_factory=Tally)
    skill: Tally = field(default_factory=Tally)
    difference: Tally = field(default_factory=Tally)


def settings() -> list[Setting]:
    """Every number of groups, equal and unequal, with light and heavy tails."""
    return [(groups, equal, heavy) for equal, heavy, groups in product((True, False), (False, True), GROUPS)]


def cover(people: Population, groups: int, worlds: int, seed: int) -> dict[Key, Coverage]:
    """Draw worlds and count how often each metric's intervals hold the truth."""
    rng = np.random.default_rng([seed, groups])
    coverages = {key: Coverage() for key in people.metrics}
    truths = {key: [float(people.truth(key, run)) for run in range(3)] for key in people.metrics}
    for _ in range(worlds):
        world = people.draw(groups, rng)
        for key, metric in people.metrics.items():
            count_world(coverages[key], metric, world.sums[key], world.sizes, truths[key])
    return coverages


def count_world(coverage: Coverage, metric: Metric, sums: Array, sizes: Array, truths: list[float]) -> None:
    """Count the intervals of one world; sums: [groups, runs, k], truths: of the runs."""
    run, rival, reference = (sums[:, place] for place in (RUN, RIVAL, REFERENCE))
    truth = np.array(truths)
    coverage.effective.append(effective_groups(sizes))
    for place, own in ((RUN, run), (RIVAL, rival)):
        coverage.value.add(value_interval(metric, own, sizes), truths[place])
        if metric.skill == "share":
            coverage.logarithm.add(on_logarithms(metric, own, sizes), truths[place])
        skill = skill_interval(metric, own, reference, sizes)
        coverage.skill.add(skill, float(metric.gain(truth[place], truth[REFERENCE])))
    coverage.skill.add(skill_interval(metric, run, rival, sizes), float(metric.gain(truth[RUN], truth[RIVAL])))
    coverage.difference.add(difference_interval(metric, run, rival, sizes), truths[RUN] - truths[RIVAL])


def on_logarithms(metric: Metric, sums: Array, sizes: Array) -> Interval:
    """What the interval of an error would be on the logarithmic scale."""
    total = sums.sum(axis=0)
    return student(float(metric.finish(total)), metric.finish(total - sums), sizes, LOGARITHM, metric.heavy_tailed)


def contests(people: Population, groups: int, rng: np.random.Generator) -> dict[Key, list[Contest]]:
    """A world of exchangeable runs: in each group their answers change places at random. All pairs of each metric."""
    world, names = people.draw(groups, rng, exchange=True), np.arange(groups)
    return {
        key: [Contest(metric, sums[:, run], sums[:, rival], world.sizes, names) for run, rival in PAIRS]
        for key, metric in people.metrics.items()
        for sums in [world.sums[key]]
    }


def family(world: dict[Key, list[Contest]]) -> list[Contest]:
    """What a table tests jointly: all runs against the first (reference) and the second (control), on headlines."""
    headlines: dict[str, Key] = {}
    for key, pairs in world.items():
        if not pairs[0].metric.heavy_tailed:
            headlines.setdefault(key[0], key)
    return [
        contest
        for key in headlines.values()
        for (run, _), contest in zip(PAIRS, world[key], strict=True)
        if run in (0, 1)
    ]


def is_anybody_apart(tested: list[Contest]) -> bool:
    """Whether a joint test calls anybody apart."""
    return any(verdict.apart for verdict in verdicts(tested, RESAMPLES))


def false_apart(people: Population, groups: int, tables: int, seed: int) -> tuple[int, float, dict[Key, float]]:
    """Tables with enough groups, and the shares with a false apart: in the family, and in the pairs of each metric."""
    rng = np.random.default_rng([seed, groups])
    worlds = (contests(people, groups, rng) for _ in range(tables))
    judged, wrong, wrong_pairs = 0, 0, dict.fromkeys(people.metrics, 0)
    for world in worlds:
        tested = family(world)
        if not tested[0].decidable:
            continue
        judged += 1
        wrong += is_anybody_apart(tested)
        for key, pairs in world.items():
            wrong_pairs[key] += is_anybody_apart(pairs)
    return judged, wrong / max(judged, 1), {key: count / max(judged, 1) for key, count in wrong_pairs.items()}


def populations(levels: tuple[float, ...], with_reference: bool) -> Callable[[bool, bool], Population]:
    """Populations by sizes and tails, each made once."""
    made: dict[tuple[bool, bool], Population] = {}

    def get(equal: bool, heavy: bool) -> Population:
        if (equal, heavy) not in made:
            made.clear()
            made[equal, heavy] = population(levels, equal, heavy, reference=with_reference)
        return made[equal, heavy]

    return get


def coverage_parts(worlds: int, seed: int = 0) -> Iterator[Part]:
    """A summary by metric, and a row for each metric and setting."""
    get = populations(LEVELS, with_reference=True)
    by_setting = {setting: cover(get(*setting[1:]), setting[0], worlds, seed) for setting in settings()}
    keys = list(next(iter(by_setting.values())))
    columns = ["metric", "value", "skill", "difference", "value on logarithms"]
    summary = [[" ".join(key), *summary_cells([of[key] for of in by_setting.values()])] for key in keys]
    yield Part("Coverage with 20 effective groups and more: lowest to highest of all settings", columns, summary)
    names = ["metric", "groups", "sizes", "tails", "effective groups", "printed"]
    names += ["value", "too high", "too low", "value on logarithms", "skill", "difference"]
    rows = [
        [" ".join(key), *setting_cells(setting), *cells(of[key])] for key in keys for setting, of in by_setting.items()
    ]
    yield Part("Coverage in each setting", names, rows)


def setting_cells(setting: Setting) -> list[str]:
    """A setting in words."""
    groups, equal, heavy = setting
    return [str(groups), "equal" if equal else "unequal", "heavy" if heavy else "light"]


def tallies(of: Coverage) -> list[Tally]:
    """Tallies in the order of the summary's columns."""
    return [of.value, of.skill, of.difference, of.logarithm]


def summary_cells(settings_of: list[Coverage]) -> list[str]:
    """Lowest and highest coverage of each tally over the settings with 20 effective groups and more."""
    large = [tallies(of) for of in settings_of if np.mean(of.effective) >= 20]
    columns = [[tally.covered for tally in column if tally.covered is not None] for column in zip(*large, strict=True)]
    return [f"{min(column):.3f} to {max(column):.3f}" if column else "none printed" for column in columns]


def cells(of: Coverage) -> list[str]:
    """A metric's figures in one setting."""
    value = of.value
    sides = [
        f"{side / value.printed:.3f}" if value.covered is not None else "-" for side in (value.too_high, value.too_low)
    ]
    printed = f"{value.printed / value.asked:.2f}"
    return [
        f"{np.mean(of.effective):.1f}",
        printed,
        share(value.covered),
        *sides,
        share(of.logarithm.covered),
        share(of.skill.covered),
        share(of.difference.covered),
    ]


def share(value: float | None) -> str:
    """A share in three digits; a dash for none."""
    return "-" if value is None else f"{value:.3f}"


def apart_part(tables: int, seed: int = 0) -> Part:
    """Share of tables among exchangeable runs in which somebody is called apart."""
    get = populations((1.0,) * EXCHANGEABLE, with_reference=False)
    rows = []
    for setting in settings():
        judged, of_family, pairs = false_apart(get(*setting[1:]), setting[0], tables, seed)
        if judged * 20 >= tables:
            mean, highest = float(np.mean(list(pairs.values()))), max(pairs.values())
            rows.append([*setting_cells(setting), str(judged), share(of_family), share(mean), share(highest)])
    columns = ["groups", "sizes", "tails", "tables", "family of a table", "pairs of a metric, mean", "highest"]
    return Part("False apart among 8 exchangeable runs", columns, rows)


def notes(worlds: int, tables: int) -> str:
    """How to read the figures."""
    low, high = AIM
    error_of_share, error_of_apart = (np.sqrt(0.95 * 0.05 / count) for count in (worlds, tables))
    return (
        f"Nominal coverage is 0.95, the aim {low} to {high} with 20 effective groups and more; the standard error of a "
        f"figure from {worlds:,} worlds is {error_of_share:.3f}. `printed` is the share of worlds with an interval: "
        f"none has one below {FEWEST_GROUPS} effective groups, and no metric that a few instances decide. Intervals "
        "miss by being too high or too low. Light tails are normal; heavy ones are Student's t with five degrees of "
        "freedom, in groups whose errors differ more; unequal sizes are log-normal.\n\n"
        "Values on logarithms are not printed anywhere: the column shows why. A sample that lacks the hardest groups "
        "has a low error and a low standard error at once, so intervals on logarithms are too low too often.\n\n"
        f"False apart: {tables:,} tables of {EXCHANGEABLE} runs that do not differ, the first taken as reference and "
        "the second as control of the others, under four conditions; the aim for the family of a table is 0.06 at "
        f"most, and the standard error {error_of_apart:.3f}. The pairs of each metric are a family of their own."
    )


def run_study(out: Path = FOLDER, quick: bool = False) -> Path:
    """Simulate and write coverage.md and coverage.json; `quick` draws few worlds, for a first look."""
    worlds, tables = (QUICK_WORLDS, QUICK_TABLES) if quick else (WORLDS, TABLES)
    summary, detail = coverage_parts(worlds)
    command = f"cbc study coverage{' --quick' if quick else ''}"
    parts = [summary, apart_part(tables), detail]
    return write_result("coverage", "Coverage of intervals", command, parts, notes=notes(worlds, tables), folder=out)
