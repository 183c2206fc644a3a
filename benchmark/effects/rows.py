"""The content of the table of effects for some questions of a task: a verdict and rows for each factor."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmark.effects.design import Term, design_of, within
from benchmark.effects.outcomes import Asked
from benchmark.effects.recovered import Recovered, compare_effects, intervals_of, is_planted, visible_levels
from benchmark.effects.regression import Effects, effects_of, least_squares
from benchmark.intervals import effective_groups
from benchmark.metrics import Flags

Row = dict[str, Any]
PLANTED, TRUTH = 0, 1
"""Places of the law's expectation and of the true outcomes among the regressed outcomes."""


class FactorContent(NamedTuple):
    """A factor in the table: the verdict, a row for each outcome, a row for each level of each outcome."""

    name: str
    verdict: str
    outcomes: list[Row]
    levels: list[Row]


def part_effects(asked: Asked, total: int) -> Row:
    """Regress all answers to some questions, and compare what they show of each factor; total: of the task."""
    task, key = asked.task, asked.key
    group = key.group[asked.instance]
    question = asked.instance if asked.scale.within_question else None
    design = design_of(task.factors(asked.questions), group, question)
    answers = np.stack([asked.planted, *(outcome.values for outcome in asked.outcomes)], axis=1)
    answers = answers if question is None else within(answers, question)
    coefficients = least_squares(design.columns, answers, group, key.groups)
    factors = [factor_content(term, asked, effects_of(term, coefficients)) for term in design.terms]
    return {
        "task": task.name,
        "table": task.table.name,
        "condition": task.condition,
        "unit": asked.scale.unit,
        "note": asked.scale.note,
        "questions": key.instances,
        "of": total,
        "answers": len(asked.planted),
        "groups": key.groups,
        "effective_groups": effective_groups(key.sizes),
        "left_out": design.left_out,
        "rare": design.rare,
        "not_planted": [factor.name for factor in factors if not factor.outcomes[0]["planted"]],
        "verdicts": {factor.name: factor.verdict for factor in factors},
        "factors": [row for factor in factors for row in factor.outcomes],
        "levels": [row for factor in factors for row in factor.levels],
    }


def factor_content(term: Term, asked: Asked, effects: Effects) -> FactorContent:
    """Compare the effects of a factor in all outcomes with what is planted."""
    name, sizes = term.factor.name, asked.key.sizes
    visible = visible_levels(effects.full[:, PLANTED], intervals_of(effects, TRUTH, sizes))
    recovered = [
        compare_effects(effects, PLANTED, place, visible, sizes) for place in range(TRUTH, effects.full.shape[1])
    ]
    content = FactorContent(name, verdict(effects, recovered[0]), [], [])
    for outcome, shown in zip(asked.outcomes, recovered, strict=True):
        about = {"run": outcome.name, "kind": outcome.kind, "factor": name}
        content.outcomes.append({**about, "unparsed": outcome.unparsed, **summary(shown, effects, visible)})
        content.levels.extend({**about, **row} for row in level_rows(term, effects, shown, visible))
    return content


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
