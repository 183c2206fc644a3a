"""What an attack is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import polars as pl

from benchmark.attacks.public_part import PublicPart

ANSWERS: dict[str, pl.DataType | type[pl.DataType]] = {
    "task": pl.String,
    "instance_id": pl.String,
    "values": pl.List(pl.Float64),
}


def answers_frame(rows: Iterable[tuple[str, str, list[float]]] = ()) -> pl.DataFrame:
    """Answers as a frame: task, instance_id, values."""
    return pl.DataFrame(list(rows), schema=ANSWERS, orient="row")


@dataclass(frozen=True)
class Found:
    """What an attack found: answers to test questions, each once, and signs: weaknesses that give none themselves."""

    answers: pl.DataFrame = field(default_factory=answers_frame)
    signs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attack:
    """An attack: its name, what it tries, and the function that tries it with so many seeds."""

    name: str
    tries: str
    run: Callable[[PublicPart, int], Found]
