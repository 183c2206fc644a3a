"""Mean and spread of a recipe over training seeds, separate from the sampling of instances."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmark.run import Run

SUFFIX = re.compile(r"(.+)-seed(\d+)")
Row = dict[str, Any]


def seed_of(run: Run) -> str | None:
    """The training seed of a run, from its manifest or the end of its name; None if neither has one."""
    named = SUFFIX.fullmatch(run.name)
    seed = run.about.get("seed", named[2] if named else None)
    return None if seed is None else str(seed)


def stem_of(run: Run) -> str:
    """A run's name without its seed."""
    named = SUFFIX.fullmatch(run.name)
    return named[1] if named else run.name


def group_by_recipe(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Group runs by recipe: name -> two or more runs, each with another seed.

    Runs called NAME-seed0, NAME-seed1 (one may be plain NAME) belong together; so do other runs with the same
    `recipe` in their manifests.
    """
    seeded = [run for run in runs if seed_of(run) is not None]
    by_stem: dict[str, list[Run]] = defaultdict(list)
    for run in seeded:
        by_stem[stem_of(run)].append(run)
    by_recipe: dict[str, list[Run]] = defaultdict(list)
    for run in seeded:
        if len(by_stem[stem_of(run)]) == 1 and run.about.get("recipe"):
            by_recipe[str(run.about["recipe"])].append(run)
    groups = {**by_recipe, **{stem: members for stem, members in by_stem.items() if len(members) > 1}}
    return {
        name: [run.name for run in members]
        for name, members in sorted(groups.items())
        if len(members) > 1 and len({seed_of(run) for run in members}) == len(members)
    }


def seed_rows(rows: Sequence[Row], groups: dict[str, list[str]]) -> list[Row]:
    """Mean, standard deviation and range over seeds for each recipe, condition and metric with two runs or more."""
    values: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in rows:
        for name, members in groups.items():
            if row["run"] in members and row["value"] is not None:
                values[name, row["condition"], row["metric"]].append(row["value"])
    return [
        {
            "recipe": recipe,
            "condition": condition,
            "metric": metric,
            "seeds": len(scores),
            "mean": float(np.mean(scores)),
            "sd": float(np.std(scores, ddof=1)),
            "lowest": min(scores),
            "highest": max(scores),
        }
        for (recipe, condition, metric), scores in values.items()
        if len(scores) > 1
    ]
