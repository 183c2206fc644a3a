"""`cbc benchmark effects RUN... --bench BENCH`: which planted effects of a simulated world each run recovers.

For each task where factors decide, one regression on all factors together, for the law's expected outcome (whose
effects are *planted*), for what happened, for the oracle, for the best reference and for each run.

OUT/effects.json: {"format": "cbc-effects", "version": 1, "bench", "explained": {field: meaning}, "tasks": [{task,
table, condition, unit, note, questions, of, answers, groups, effective_groups, left_out: {factor: reason}, rare:
{factor: [level]}, not_planted: [factor], verdicts: {factor: verdict}, factors: [{run, kind, factor, unparsed, planted,
planted_spread, recovered_spread, size, size_low, size_high, reason, signs_right, levels_visible, levels, order}],
levels: [{run, kind, factor, level, answers, planted, recovered, low, high, visible}]}]}. OUT/effects.md is the same for
readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.bench import Bench
from benchmark.effects.markdown import EXPLAINED, markdown
from benchmark.effects.outcomes import asked_parts, outcomes_of
from benchmark.effects.rows import part_effects
from benchmark.open_runs import open_runs
from benchmark.run import Run
from benchmark.tasks.registry import task_named
from corpus.errors import CbcError, NoSuchPath
from corpus.files.atomic import write_json, write_text

Row = dict[str, Any]


class NotSimulated(CbcError):
    """Effects are known only in the simulated world."""


class NoFactors(CbcError):
    """The bench or its runs have no task where the factors are known."""


def make_effects(bench: Path, runs: Sequence[Path], out: Path | None = None) -> dict[str, Any]:
    """Compare planted with recovered effects; writes effects.md and effects.json where `out` is given.

    Raises NotSimulated, NoFactors, NoLaw, NoAnswers, NoSuchPath, and what opening a bench and `open_runs` raise.
    """
    opened_bench = Bench.open(bench)
    if not opened_bench.simulated:
        raise NotSimulated(
            f"{bench} is of real messages, whose effects nobody planted",
            "build a bench from a corpus of `cbc corpus simulate`",
        )
    opened_runs = open_runs(runs, opened_bench)
    if out is not None and out.exists() and not out.is_dir():
        raise NoSuchPath(f"{out} is a file", "give a folder for the table of effects")
    tasks = [content for task in opened_bench.tasks for content in task_effects(opened_bench, task, opened_runs)]
    if not tasks:
        known = "views, likes or fully masked replay curves"
        raise NoFactors(f"no run answers a task of {bench} where factors decide", f"predict {known}")
    content = {
        "format": "cbc-effects",
        "version": 1,
        "bench": opened_bench.fingerprint,
        "explained": EXPLAINED,
        "tasks": tasks,
    }
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / "effects.md", markdown(content))
        write_json(out / "effects.json", content)
    return content


def task_effects(bench: Bench, task: str, runs: Sequence[Run]) -> list[Row]:
    """The effects in a task, for each set of questions that runs were asked; empty without factors."""
    definition, total = task_named(task), bench.tasks[task]["test"]
    scale = definition.effect_scale
    if scale is None:
        return []
    parts = asked_parts(bench, task, runs)
    return [part_effects(outcomes_of(bench, definition, scale, part, members), total) for part, members in parts]
