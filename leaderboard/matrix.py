"""The matrix that opens the page: runs by tasks, each cell a skill over the best reference with its verdict.

Verdicts and ties are those of the joint tests (benchmark/tables/standings.py); a cell's sign says them without color.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.metrics import Metric
from benchmark.reference_rows import ORACLE, REFERENCE_KINDS
from benchmark.run import SUBMITTED, Run
from benchmark.tables.controls import CONTROL, facts
from benchmark.tables.standings import Standing
from leaderboard import words
from leaderboard.results import Line, Row, Table

Lines = dict[str, Line]  # by table
Role = Literal["run", "control", "reference", "oracle"]
SIGNS = {"above": "▲", "below": "▼", "level": "≈", "untested": "?", "partial": "‡"}
VERDICTS = {
    "above": "better than the best reference",
    "below": "worse than the best reference",
    "level": "not apart from the best reference",
    "untested": "too few groups to test",
    "partial": "on some of the questions only, not tested",
}
CONTROL_WORDS = "control, trained on shuffled behavior"
REFERENCE = "best reference"


@dataclass(frozen=True)
class MatrixColumn:
    """A task: its table, its condition, the metric that is tested, and the standing of the runs."""

    table: Table
    condition: str
    metric: Metric
    standing: Standing

    @property
    def label(self) -> str:
        """Its name on the page, unique among the tasks."""
        return self.table.label(self.condition)

    @property
    def names(self) -> tuple[str, str]:
        """The parts of its name."""
        return self.table.label_parts(self.condition)

    @property
    def key(self) -> tuple[str, str]:
        """Key of its cells in `Line.rows`."""
        return self.condition, self.metric.name

    @property
    def reference(self) -> str | None:
        """The best reference."""
        best: str | None = self.table.content["best_trivial"][self.condition].get(self.metric.name)
        return best


@dataclass(frozen=True)
class MatrixCell:
    """A cell: its sign and number, which verdict it is colored by, its place, and the same in words."""

    state: str
    sign: str
    number: str
    place: str
    words: str


@dataclass(frozen=True)
class MatrixRow:
    """A run, or the row of the best references or of the oracle."""

    name: str
    kind: str
    role: Role
    about: str
    cells: list[MatrixCell]


@dataclass(frozen=True)
class Matrix:
    """The columns, those of a table beside each other, and the rows: runs, controls, best reference, oracle."""

    columns: list[MatrixColumn]
    rows: list[MatrixRow]

    @property
    def tables(self) -> list[tuple[Table, int]]:
        """The tables in order, each with the number of its columns."""
        distinct = {column.table.name: column.table for column in self.columns}
        return [(table, sum(c.table.name == name for c in self.columns)) for name, table in distinct.items()]

    @property
    def standings(self) -> dict[tuple[str, str], Standing]:
        """The standing of each task that has one, by its names."""
        return {column.names: column.standing for column in self.columns if column.standing.sides}

    @property
    def ties(self) -> bool:
        """Whether runs share a best rank anywhere."""
        return any(cell.place == "tied" for row in self.rows for cell in row.cells)


def make_matrix(tables: Sequence[Table], runs: Sequence[Run]) -> Matrix:
    """Arrange the tables of a page: a column for each task that a run answers."""
    columns = [column for table in tables for column in columns_of(table)]
    controls = {run.name for run in runs if facts(run, "variant") == CONTROL}
    lines = {name: lines_of(name, tables) for name in (*(run.name for run in runs), ORACLE)}
    names = in_order(columns, {name: line for name, line in lines.items() if name != ORACLE}, controls)
    rows = [run_row(name, lines[name], columns, "control" if name in controls else "run") for name in names]
    rows.append(reference_row(columns))
    if lines[ORACLE]:
        rows.append(run_row(ORACLE, lines[ORACLE], columns, "oracle"))
    return Matrix(columns, rows)


def columns_of(table: Table) -> Iterator[MatrixColumn]:
    """Yield the columns of a table: of its conditions that a run answers, on the metric that is tested."""
    answered = {row["condition"] for row in table.content["rows"] if row["kind"] not in REFERENCE_KINDS}
    known = {standing.condition: standing for standing in table.standings}
    for condition, columns in table.conditions.items():
        metric = next((column.metric.name for column in columns if not column.metric.heavy_tailed), None)
        if condition in answered and metric is not None:
            standing = known.get(condition, Standing(condition, metric, {}, (), None))
            yield MatrixColumn(table, condition, table.metric(standing.metric), standing)


def lines_of(name: str, tables: Sequence[Table]) -> Lines:
    """A run's lines by table."""
    return {table.name: line for table in tables for line in table.lines if line.run == name}


def in_order(columns: Sequence[MatrixColumn], lines: Mapping[str, Lines], controls: set[str]) -> list[str]:
    """Order runs: those oftener above the best reference first, then by mean rank; controls last."""

    def order(name: str) -> tuple[bool, int, float]:
        above = sum(name in column.standing.above for column in columns)
        rows = [row for column in columns if (row := row_of(lines[name], column)) is not None]
        ranks = [row["rank"] for row in rows if row["rank"] is not None]
        return name in controls, -above, sum(ranks) / len(ranks) if ranks else float("inf")

    return sorted(lines, key=order)


def row_of(lines: Lines, column: MatrixColumn) -> Row | None:
    """The row of a run in a column; None without answers."""
    line = lines.get(column.table.name)
    return None if line is None else line.rows.get(column.key)


def run_row(name: str, lines: Lines, columns: Sequence[MatrixColumn], role: Role) -> MatrixRow:
    """The row of a run or of the oracle."""
    kind = next((line.kind for line in lines.values()), SUBMITTED)
    cells = [run_cell(name, row_of(lines, column), column, role) for column in columns]
    return MatrixRow(name, kind, role, CONTROL_WORDS if role == "control" else words.kind(kind), cells)


def run_cell(name: str, row: Row | None, column: MatrixColumn, role: Role) -> MatrixCell:
    """A run's cell in a column."""
    if row is None:
        return MatrixCell("missing", "", "–", "", "no answers")
    if row["skill"] is None:
        return MatrixCell("missing", "", "–", "", "no score" if row["value"] is None else "no skill")
    number = words.short_gain(row["skill"], column.metric.skill == "share", column.metric.name)
    if role == "oracle":
        return MatrixCell("oracle", "", number, "", "best possible score")
    state = "partial" if row.get("partial") else column.standing.sides.get(name, "untested")
    place = place_of(name, column.standing)
    return MatrixCell(
        state, SIGNS[state], number, place, ", ".join(filter(None, [VERDICTS[state], place_words(place)]))
    )


def reference_row(columns: Sequence[MatrixColumn]) -> MatrixRow:
    """The row of the best references, whose skill is zero by definition."""
    cells = [MatrixCell("reference", "", "0", "", words.plain(column.reference or "none")) for column in columns]
    return MatrixRow(REFERENCE, "trivial", "reference", "reads no content", cells)


def place_of(name: str, standing: Standing) -> str:
    """Whether a run is best alone or tied for best; empty otherwise."""
    if name == standing.best:
        return "best"
    return "tied" if name in standing.tied else ""


def place_words(place: str) -> str:
    """A place in words."""
    return {"best": "best of all runs", "tied": "tied for best"}.get(place, "")
