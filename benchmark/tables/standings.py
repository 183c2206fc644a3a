"""Where runs stand under each condition of a table: who beats the best reference, who is best, and who is tied.

All of it follows from the joint tests of the table (`family`, `separable`, `rank`), nothing from values alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Row = dict[str, Any]
Side = Literal["above", "level", "below", "untested"]
ORACLE = "oracle"


@dataclass(frozen=True)
class Standing:
    """Runs under one condition, on the metric of the joint test.

    sides: each competing run against the best reference: apart above or below it, level (not apart), or untested where
    the groups are too few; first: the runs of the best rank, references among them, without the oracle; best: the one
    run that is above the best reference and apart from every other run, if there is one.
    """

    condition: str
    metric: str
    sides: dict[str, Side]
    first: tuple[str, ...]
    best: str | None

    @property
    def tied(self) -> tuple[str, ...]:
        """The runs above the best reference that share the best rank; empty for fewer than two."""
        shared = tuple(run for run in self.first if run in self.above)
        return shared if len(shared) > 1 else ()

    @property
    def above(self) -> tuple[str, ...]:
        """The runs above the best reference."""
        return self.on("above")

    @property
    def tested(self) -> bool:
        """Whether any run could be told apart from the best reference."""
        return any(side != "untested" for side in self.sides.values())

    def on(self, side: Side) -> tuple[str, ...]:
        """The runs on one side of the best reference."""
        return tuple(run for run, where in self.sides.items() if where == side)


def standings(table: dict[str, Any]) -> list[Standing]:
    """The standing of each condition of a table's content that a competing run answers."""
    every = (standing_of(table, condition) for condition in table["conditions"])
    return [standing for standing in every if standing is not None]


def standing_of(table: dict[str, Any], condition: str) -> Standing | None:
    """The standing of a condition; None if no competing run with a rank was compared with a reference."""
    family = [row for row in table["family"] if row["condition"] == condition and row["role"] == "reference"]
    if not family:
        return None
    metric = family[0]["metric"]
    ranks = ranks_of(table["rows"], condition, metric)
    sides = {row["run"]: side_of(row) for row in family if row["run"] in ranks}
    if not sides:
        return None
    top = min(ranks.values())
    first = tuple(run for run, rank in ranks.items() if rank == top)
    pairs = [row for row in table["separable"] if (row["condition"], row["metric"]) == (condition, metric)]
    beaten = {row["worse"] for row in pairs if row["better"] == first[0]}
    alone = len(first) == 1 and sides.get(first[0]) == "above" and beaten >= ranks.keys() - {first[0]}
    return Standing(condition, metric, sides, first, first[0] if alone else None)


def ranks_of(rows: Sequence[Row], condition: str, metric: str) -> dict[str, int]:
    """Ranks of the runs and references that were compared on the same questions, without the oracle."""
    return {
        row["run"]: row["rank"]
        for row in rows
        if (row["condition"], row["metric"]) == (condition, metric)
        and row["kind"] != ORACLE
        and row["rank"] is not None
    }


def side_of(row: Row) -> Side:
    """On which side of the best reference the joint test puts a run, from its row of the family."""
    if row["p"] is None:
        return "untested"
    if not row["apart"] or not row["skill"]:
        return "level"
    return "above" if row["skill"] > 0 else "below"
