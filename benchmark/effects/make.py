"""`cbc benchmark effects BENCH RUN...`: which planted effects of a simulated world each run recovers.

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

import numpy as np

from benchmark.bench import Bench
from benchmark.effects.design import Term, design_of, within
from benchmark.effects.markdown import EXPLAINED, markdown
from benchmark.effects.outcomes import Asked, asked_parts, outcomes_of
from benchmark.effects.recovered import Recovered, compare_effects, intervals_of, is_planted, visible_levels
from benchmark.effects.regression import Coefficients, Effects, effects_of, least_squares
from benchmark.intervals import effective_groups
from benchmark.metrics import Flags
from benchmark.open_runs import open_runs
from benchmark.run import Run
from benchmark.tasks.registry import task_named
from corpus.errors import CbcError, NoSuchPath
from corpus.files.atomic import write_json, write_text

Row = dict[str, Any]
PLANTED, TRUTH = 0, 1
"""Places of the law's expectation and of the true outcomes among the regressed outcomes."""


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


def task_effects(bench: Bench, task: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The effects in a task, for each set of questions that runs were asked; empty without factors."""
    definition = task_named(task)
    if definition.effect_scale is None:
        return []
    total = bench.tasks[task]["test"]
    parts = asked_parts(bench, task, runs)
    return [part_effects(outcomes_of(bench, definition, part, members), total) for part, members in parts]


def part_effects(asked: Asked, total: int) -> dict[str, Any]:
    """Regress all answers to some questions, and compare what they show of each factor."""
    task, key, scale = asked.task, asked.key, asked.task.effect_scale
    if scale is None:
        raise ValueError(f"{task.name} has no scale for effects")
    group = key.group[asked.instance]
    question = asked.instance if scale.within_question else None
    design = design_of(task.factors(asked.questions), group, question)
    answers = np.stack([asked.planted, *(outcome.values for outcome in asked.outcomes)], axis=1)
    answers = answers if question is None else within(answers, question)
    coefficients = least_squares(design.columns, answers, group, key.groups)
    factors = [factor_rows(term, asked, coefficients) for term in design.terms]
    return {
        "task": task.name,
        "table": task.table.name,
        "condition": task.condition,
        "unit": scale.unit,
        "note": scale.note,
        "questions": key.instances,
        "of": total,
        "answers": len(asked.planted),
        "groups": key.groups,
        "effective_groups": effective_groups(key.sizes),
        "left_out": design.left_out,
        "rare": design.rare,
        "not_planted": [
            term.factor.name for term, (_, rows, _) in zip(design.terms, factors, strict=True) if not rows[0]["planted"]
        ],
        "verdicts": {term.factor.name: rows[0] for term, rows in zip(design.terms, factors, strict=True)},
        "factors": [row for _, rows, _ in factors for row in rows],
        "levels": [row for _, _, rows in factors for row in rows],
    }


def factor_rows(term: Term, asked: Asked, coefficients: Coefficients) -> tuple[str, list[Row], list[Row]]:
    """The verdict on a factor, a row for each outcome, and a row for each level of each outcome."""
    effects, sizes = effects_of(term, coefficients), asked.key.sizes
    planted = effects.full[:, PLANTED]
    visible = visible_levels(planted, intervals_of(effects, TRUTH, sizes))
    recovered = [
        compare_effects(effects, PLANTED, place, visible, sizes) for place in range(TRUTH, effects.full.shape[1])
    ]
    rows, levels = [], []
    for outcome, shown in zip(asked.outcomes, recovered, strict=True):
        about = {"run": outcome.name, "kind": outcome.kind, "factor": term.factor.name}
        rows.append({**about, "unparsed": outcome.unparsed, **summary(shown, effects, visible)})
        levels += [{**about, **row} for row in level_rows(term, effects, shown, visible)]
    return verdict(effects, recovered[0]), rows, levels


def summary(shown: Recovered, effects: Effects, visible: Flags) -> Row:
    """What an outcome shows of a factor."""
    planted = effects.full[:, PLANTED]
    size = shown.size
    return {
        "planted": is_planted(planted),
        "planted_spread": float(np.sqrt((planted**2).mean())),
        "recovered_spread": shown.spread,
        "size": size and size.value,
        "size_low": size and size.low,
        "size_high": size and size.high,
        "reason": size.reason if size else "nothing is planted",
        "signs_right": shown.signs_right,
        "levels_visible": int(visible.sum()),
        "levels": len(planted),
        "order": shown.order,
    }


def level_rows(term: Term, effects: Effects, shown: Recovered, visible: Flags) -> list[Row]:
    """The planted and the recovered effect of each level."""
    return [
        {
            "level": level,
            "answers": count,
            "planted": float(planted),
            "recovered": effect.value,
            "low": effect.low,
            "high": effect.high,
            "visible": bool(is_visible),
        }
        for level, count, planted, effect, is_visible in zip(
            term.levels, term.counts, effects.full[:, PLANTED], shown.effects, visible, strict=True
        )
    ]


def verdict(effects: Effects, truth: Recovered) -> str:
    """What the test part can show of a factor, from the true outcomes."""
    if not is_planted(effects.full[:, PLANTED]):
        return "nothing is planted: what a run shows of it is its own invention"
    size = truth.size
    if size is None or size.low is None or size.high is None:
        return f"too few test questions to say anything ({size.reason if size else 'no size'})"
    if size.low <= 0:
        return "too few test questions: not even the true outcomes show it beyond noise"
    if not size.low <= 1 <= size.high:
        return "the true outcomes show it, but by chance not in its planted size (one factor in twenty does so)"
    return "the true outcomes show it in its planted size"
