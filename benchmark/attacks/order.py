"""Whether the order of rows, or of ids, tells anything: of the answers, of what is visible, of time, of groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from scipy.special import gammaln
from scipy.stats import poisson, spearmanr

from benchmark.attacks.base import Attack, Found, answers_frame
from benchmark.attacks.public_part import LEARNED, TEST, PublicPart
from benchmark.metrics import Array

LUCK = 1e-6
"""An order that chance gives more seldom than this is no chance: some thousand orders are looked at."""
FEWEST_ROWS, FILES_SHOWN = 8, 3
SORTABLE = ("message_id", "published_at", "title", "company")


def orders_of(frame: pl.DataFrame) -> dict[str, Array]:
    """The orders that rows have without anybody having asked for one: place of each row by the order's name."""
    orders = {"rows": np.arange(frame.height, dtype=np.float64)}
    if "instance_id" in frame.columns:
        orders["instance ids"] = frame["instance_id"].rank("ordinal").cast(pl.Float64).to_numpy()
    return orders


def correlated(order: Array, values: Array) -> bool:
    """Whether values go up or down with an order beyond chance."""
    known = np.isfinite(values)
    if known.sum() < FEWEST_ROWS or len(np.unique(values[known])) < 2:
        return False
    return bool(spearmanr(order[known], values[known]).pvalue < LUCK)


def visible_numbers(frame: pl.DataFrame) -> dict[str, Array]:
    """The numbers of a frame's columns, and the first of each answer where it is known."""
    columns = frame.drop("panel_rank", "draw", strict=False).schema.items()
    numbers = [name for name, of in columns if of.is_numeric() or of.is_temporal()]
    values = {name: frame[name].to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy() for name in numbers}
    return values | {"target": first_values(frame)}


def first_values(frame: pl.DataFrame) -> Array:
    """The first value of each answer, not a number where it is unknown."""
    return frame["target"].cast(pl.List(pl.Float64)).list.first().fill_null(np.nan).to_numpy()


def signs_of(frame: pl.DataFrame) -> Iterator[str]:
    """Yield what the order of a file's rows tells."""
    for name in SORTABLE:
        if name in frame.columns and is_in_order(frame[name]):
            yield f"rows are in order of {name}"
    if "group" in frame.columns and frame.height >= FEWEST_ROWS:
        sizes = frame.group_by("group").len()["len"].to_numpy()
        expected = float((sizes * (sizes - 1)).sum() / frame.height)
        runs = int((frame["group"] == frame["group"].shift(1)).sum())
        if poisson.sf(runs - 1, expected) < LUCK:
            yield f"rows of a group stand together ({runs} times, {expected:.0f} by chance)"
    for order, places in orders_of(frame).items():
        ordered = [name for name, values in visible_numbers(frame).items() if correlated(places, values)]
        if ordered:
            yield f"the order of {order} goes with {', '.join(ordered)}"


def is_in_order(column: pl.Series) -> bool:
    """Whether values stand in order, up or down, beyond chance: of all orders of the rows few are such."""
    sizes = column.value_counts()["count"].to_numpy()
    ln_chance = np.log(2) + gammaln(sizes + 1).sum() - gammaln(len(column) + 1)
    return bool(ln_chance < np.log(LUCK) and (column.is_sorted() or column.is_sorted(descending=True)))


def run_order(part: PublicPart, seeds: int) -> Found:
    """Look at the order of every file; where training is in order of its answers, answer the test by the order."""
    rows: list[tuple[str, str, list[float]]] = []
    signs: dict[str, list[str]] = {}
    for task in part.tasks:
        for split in (TEST, *LEARNED):
            for sign in signs_of(part.frame(task, split)):
                signs.setdefault(sign.split(" (")[0], []).append(f"{task}/{split}")
        rows += answers_by_order(part, task)
    return Found(answers_frame(rows), tuple(f"{sign}: {shortened(files)}" for sign, files in signs.items()))


def shortened(files: list[str]) -> str:
    """The first files, and the number of the others."""
    others = len(files) - FILES_SHOWN
    return ", ".join(files[:FILES_SHOWN]) + (f" and {others} more" if others > 0 else "")


def answers_by_order(part: PublicPart, task: str) -> list[tuple[str, str, list[float]]]:
    """The test answers that an order tells, if it tells those of training."""
    train, test = part.frame(task, LEARNED[0]), part.frame(task, TEST)
    values = first_values(train)
    for name, places in orders_of(train).items():
        if correlated(places, values):
            known = np.argsort(places)[np.isfinite(values[np.argsort(places)])]
            asked = (orders_of(test)[name] - orders_of(test)[name].min() + 0.5) / test.height
            read = np.interp(asked, (np.arange(len(known)) + 0.5) / len(known), values[known])
            questions = part.rows(task, TEST).questions
            values_of = ([float(value)] * question.count for value, question in zip(read, questions, strict=True))
            return [(task, *row) for row in zip(test["instance_id"], values_of, strict=True)]
    return []


ORDER = Attack("order", "row and id order beside answers, numbers, times, groups", run_order)
