"""How good predictors are on every curve there is, and how much one split decides: docs/results/folds.md.

    cbc study folds CORPUS [--folds 5] [--split-seeds 4] [--tasks TASKS] [--predictors linear,boosted]
        [--name folds] [--out FOLDER]

For each split seed the groups are dealt into folds, and a bench is built for each fold; references and predictors
answer it. Over the folds of a seed every group with such a video is tested once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from baselines.base import Settings
from baselines.predict import predict_run
from benchmark.bench import Bench
from benchmark.build import NothingToAsk, build_bench
from benchmark.folds import Fold
from benchmark.intervals import effective_groups
from benchmark.metrics import Metric
from benchmark.run import Run
from benchmark.score import Measured
from benchmark.tasks.registry import all_tasks, task_named
from corpus.errors import CbcError
from corpus.progress import progress
from studies.demo import PREDICTORS
from studies.pooled import BEST, Pooled, Split, pool
from studies.results import FOLDER, Part, write_result

FOLDS, SPLIT_SEEDS = 5, 4


class NoFolds(CbcError):
    """A study of folds is asked for a task that has none, or the corpus feeds none of its tasks."""


@dataclass(frozen=True)
class Asked:
    """What a study is asked for."""

    corpus: Path
    folds: int = FOLDS
    split_seeds: int = SPLIT_SEEDS
    tasks: tuple[str, ...] = ()
    predictors: tuple[str, ...] = PREDICTORS
    name: str = "folds"

    @property
    def command(self) -> str:
        """The command that asks for it, whichever folder the corpus is in."""
        options: dict[str, tuple[Any, Any]] = {
            "folds": (self.folds, FOLDS),
            "split-seeds": (self.split_seeds, SPLIT_SEEDS),
            "tasks": (",".join(self.tasks), ",".join(curve_tasks())),
            "predictors": (",".join(self.predictors), ",".join(PREDICTORS)),
            "name": (self.name, "folds"),
        }
        changed = [f"--{name} {value}" for name, (value, usual) in options.items() if value != usual]
        return " ".join(["cbc study folds CORPUS", *changed])


def curve_tasks() -> tuple[str, ...]:
    """The tasks that ask for replay curves, of which there are few."""
    return tuple(task.name for task in all_tasks() if task.asks_curve)


def make_splits(asked: Asked, work: Path) -> Iterator[Split]:
    """Build each bench and let the predictors answer it; folds that have no question are left out."""
    with progress("folds of all split seeds", "benches", asked.split_seeds * asked.folds) as shown:
        for seed, number in product(range(asked.split_seeds), range(asked.folds)):
            fold, place = Fold(number, asked.folds), work / f"seed{seed}-fold{number}"
            try:
                bench = build_bench(asked.corpus, place / "bench", seed, fold=fold, tasks=asked.tasks)
            except NothingToAsk:
                shown.advance(1)
                continue
            yield Split(seed, fold, bench, tuple(make_runs(bench, asked.predictors, place)))
            shown.advance(1)


def make_runs(bench: Bench, predictors: Sequence[str], place: Path) -> Iterator[Run]:
    """Let predictors answer all test questions of a bench."""
    for name in predictors:
        predict_run(name, bench.root, place / "runs" / name, Settings(panel=False))
        yield Run.open(place / "runs" / name, bench)


def result_parts(splits: Sequence[Split], tasks: Sequence[str]) -> Iterator[Part]:
    """Values over all folds and seeds, how they vary, and what they rest on."""
    pooled = {task: pool(splits, task) for task in tasks}
    shown = [
        (task, metric, name)
        for task, of in pooled.items()
        for metric in task_named(task).metrics
        if not metric.detail
        for name in ordered(of.measured[metric.name], metric)
    ]
    columns = ["task", "metric", "predictor", "value", "low", "high", "skill", "skill low", "skill high"]
    rows = [[task, metric.name, name, *figures(pooled[task], metric, name)] for task, metric, name in shown]
    yield Part(
        "Every group tested: value and skill over the best reference, each with its 95 % interval", columns, rows
    )
    varied = {task: spreads(splits, task) for task in tasks}
    columns = ["task", "metric", "predictor", "single splits: lowest", "highest", "sd"]
    columns += ["all folds of a seed: lowest", "highest", "sd"]
    rows = [[task, metric.name, name, *varied[task][metric.name, name]] for task, metric, name in shown]
    yield Part(
        "How much the split decides: values of single benches, and of all folds of one split seed", columns, rows
    )
    columns = [
        "task",
        "questions",
        "videos",
        "groups",
        "effective groups",
        "draws of masks",
        "best reference (benches)",
    ]
    yield Part("What this rests on", columns, [[task, *basis(of)] for task, of in pooled.items()])


def ordered(measured: dict[str, Measured], metric: Metric) -> list[str]:
    """Who has a value, best first."""
    sign = 1 if metric.lower_is_better else -1
    defined = [name for name, of in measured.items() if np.isfinite(of.value)]
    return sorted(defined, key=lambda name: sign * measured[name].value)


def figures(of: Pooled, metric: Metric, name: str) -> list[Any]:
    """Value and skill over the best reference of each fold, with their bounds."""
    measured = of.measured[metric.name]
    intervals = [measured[name].interval]
    if BEST in measured and name != BEST:
        intervals.append(measured[name].skill(measured[BEST]))
    cells = [bound for interval in intervals for bound in (interval.value, interval.low, interval.high)]
    return cells + [None] * (6 - len(cells))


def spreads(splits: Sequence[Split], task: str) -> dict[tuple[str, str], list[float | None]]:
    """Lowest, highest and standard deviation of the values of single splits, and of those of each split seed."""
    having = [split for split in splits if task in split.bench.tasks]
    of_seed = [[split for split in having if split.seed == seed] for seed in dict.fromkeys(s.seed for s in having)]
    sides = [[pool([split], task) for split in having], [pool(part, task) for part in of_seed]]
    keys = [(metric.name, name) for metric in task_named(task).metrics for name in sides[0][0].measured[metric.name]]
    return {key: [cell for side in sides for cell in spread([value_in(of, *key) for of in side])] for key in keys}


def value_in(of: Pooled, metric: str, name: str) -> float:
    """A value, not a number where there is none."""
    return of.measured[metric][name].value if name in of.measured[metric] else float("nan")


def spread(values: Sequence[float]) -> list[float | None]:
    """Lowest, highest, and standard deviation (of two values and more)."""
    known = np.array([value for value in values if np.isfinite(value)])
    if not len(known):
        return [None, None, None]
    return [float(known.min()), float(known.max()), float(known.std(ddof=1)) if len(known) > 1 else None]


def basis(of: Pooled) -> list[Any]:
    """Questions, videos, groups, draws, and which reference was best how often on the headline metric."""
    chosen = of.best[of.key.task.metrics[0].name].most_common()
    names = ", ".join(f"{name} {count}" for name, count in chosen)
    return [of.key.instances, of.key.messages, of.key.groups, effective_groups(of.key.sizes), of.key.draws, names]


def notes(asked: Asked) -> str:
    """How to read the figures."""
    return (
        f"{asked.folds} folds under each of {asked.split_seeds} split seeds: every group is tested once a seed, by "
        "models that saw none of it. A video with some scenes masked is asked with several draws of masks. Values are "
        "over all questions of all folds and seeds; intervals leave out one group (channel) at a time, with all of its "
        "questions, so repeated draws and seeds do not narrow them. They do not account for the training videos that "
        "folds share. Skill is over `best reference`: in each bench the one that it chose."
    )


def run_study(asked: Asked, out: Path = FOLDER) -> Path:
    """Build, predict, pool and write NAME.md and NAME.json. Raises NoFolds, BadFold and the errors of the steps."""
    timed = [name for name in asked.tasks if task_named(name).split_by_time]
    if timed:
        raise NoFolds(f"{', '.join(timed)} is separated by time and has no folds", "name other tasks")
    with tempfile.TemporaryDirectory() as work:
        splits = list(make_splits(asked, Path(work)))
        tasks = [task for task in asked.tasks if any(task in split.bench.tasks for split in splits)]
        if not tasks:
            raise NoFolds(f"{asked.corpus} feeds none of {', '.join(asked.tasks)}", "name other tasks or fewer folds")
        parts = list(result_parts(splits, tasks))
    title = "Every curve tested: folds, split seeds and draws of masks"
    return write_result(asked.name, title, asked.command, parts, notes=notes(asked), folder=out)
