"""Read the benchmark's tables for the page: a line for each run, a cell for each condition and metric."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from benchmark.metrics import Metric
from benchmark.reference_rows import REFERENCE_KINDS
from benchmark.tables.paper import paper_tables
from benchmark.tables.standings import Standing, standings
from benchmark.tables.summary import task_name
from corpus.errors import CbcError, NoSuchPath, first_line
from corpus.strict_model import StrictModel, first_fault
from leaderboard import words

Row = dict[str, Any]
Key = tuple[str, str]  # condition, metric


class UnreadableTable(CbcError):
    """A table's JSON is not as `cbc benchmark tables` writes it."""


class TablesOfOtherRuns(CbcError):
    """The tables were not made from these runs."""


class Figures(StrictModel):
    """A row of a table's JSON, as far as the page reads it."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    condition: str
    metric: str
    run: str
    kind: str
    value: float | None
    low: float | None
    high: float | None
    skill: float | None
    skill_low: float | None
    skill_high: float | None
    rank: int | None
    n: int
    groups: int
    effective_groups: float
    partial: bool = False


class Comparison(StrictModel):
    """A row of a table's family, as far as the page reads it."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    condition: str
    metric: str
    run: str
    role: Literal["reference", "control"]
    skill: float | None
    p: float | None
    apart: bool


class ApartPair(StrictModel):
    """Two runs of a table that are apart, as far as the page reads it."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    condition: str
    metric: str
    better: str
    worse: str


class ReportedFigure(StrictModel):
    """A figure of the paper in a table's JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    model: str
    condition: str
    metric: str
    value: float


class TableFile(StrictModel):
    """A table's JSON, as far as the page reads it (benchmark/tables/make.py has every key)."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    format: Literal["cbc-table"]
    version: Literal[1]
    bench: str
    table: str
    rows: list[Figures] = Field(min_length=1)
    conditions: list[str]
    reported: list[ReportedFigure]
    family: list[Comparison]
    separable: list[ApartPair]
    best_trivial: dict[str, dict[str, str | None]]


@dataclass(frozen=True)
class Column:
    """A condition's metric, its task, and the size of its test part."""

    task: str
    condition: str
    metric: Metric
    n: int
    groups: int
    effective_groups: float

    @property
    def key(self) -> Key:
        """Key of its cells in `Line.rows`."""
        return self.condition, self.metric.name


@dataclass(frozen=True)
class Line:
    """A run: its name, its kind, and its rows by condition and metric."""

    run: str
    kind: str
    rows: dict[Key, Row]

    @property
    def partial(self) -> bool:
        """Whether it answers only a part of a condition's questions."""
        return any(row.get("partial") for row in self.rows.values())


@dataclass(frozen=True)
class Table:
    """A table of the paper as the benchmark made it."""

    content: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.content["table"])

    @property
    def unit(self) -> str:
        """Unit of its values and errors."""
        return paper_tables()[self.name].unit

    @property
    def short_title(self) -> str:
        """Its title in a few words."""
        return paper_tables()[self.name].short_title

    def label(self, condition: str) -> str:
        """Name of a condition's task on the page, unique among all tasks."""
        return task_name(*self.label_parts(condition))

    def label_parts(self, condition: str) -> tuple[str, str]:
        """Short title and name of a condition, which is empty where the table has no other."""
        several = len(self.content["conditions"]) > 1
        return self.short_title, words.condition(condition) if several else ""

    def metric(self, name: str) -> Metric:
        """One of its metrics."""
        return paper_tables()[self.name].metrics[name]

    @cached_property
    def standings(self) -> list[Standing]:
        """Where the runs stand under each condition that a run answers."""
        return standings(self.content)

    @property
    def kinds(self) -> list[str]:
        """Kinds of its runs, in order of first appearance."""
        return list(dict.fromkeys(str(row["kind"]) for row in self.content["rows"]))

    @cached_property
    def columns(self) -> list[Column]:
        """Its conditions and metrics, in the order of the rows."""
        layout = paper_tables()[self.name]
        columns: dict[Key, Column] = {}
        for row in sorted(self.content["rows"], key=lambda row: int(row["n"])):  # a partial run has fewer questions
            key = (row["condition"], row["metric"])
            if layout.metrics[row["metric"]].detail:
                continue
            column = Column(
                layout.tasks[row["condition"]],
                row["condition"],
                layout.metrics[row["metric"]],
                row["n"],
                row["groups"],
                row["effective_groups"],
            )
            columns[key] = column
        order = [(condition, metric) for condition in layout.tasks for metric in layout.metrics]
        return sorted(columns.values(), key=lambda column: order.index(column.key))

    @property
    def conditions(self) -> dict[str, list[Column]]:
        """Its columns by condition."""
        names = dict.fromkeys(column.condition for column in self.columns)
        return {name: [column for column in self.columns if column.condition == name] for name in names}

    @cached_property
    def lines(self) -> list[Line]:
        """Its runs, best first on the first column."""
        lines: dict[str, Line] = {}
        for row in self.content["rows"]:
            line = lines.setdefault(row["run"], Line(row["run"], row["kind"], {}))
            line.rows[row["condition"], row["metric"]] = row
        return best_first(list(lines.values()), self.columns[0])

    def best_trivial(self, column: Column) -> str | None:
        """The reference over which skill in a column is measured."""
        run: str | None = self.content["best_trivial"][column.condition].get(column.metric.name)
        return run

    def top_rank(self, column: Column) -> int | None:
        """The best rank in a column, without the oracle."""
        rows = [line.rows.get(column.key, {}) for line in self.lines if line.kind != "oracle"]
        return min((row["rank"] for row in rows if row.get("rank") is not None), default=None)

    @property
    def reported(self) -> dict[str, dict[Key, float]]:
        """The paper's figures: model -> condition and metric -> value."""
        lines: dict[str, dict[Key, float]] = {}
        for row in self.content["reported"]:
            lines.setdefault(row["model"], {})[row["condition"], row["metric"]] = row["value"]
        return lines


def best_first(lines: Sequence[Line], column: Column) -> list[Line]:
    """Sort lines by their value in a column; partial runs and runs without a value last, equal ones by name."""
    sign = 1 if column.metric.lower_is_better else -1

    def place(line: Line) -> tuple[bool, bool, float, str]:
        row = line.rows.get(column.key, {})
        value = row.get("value")
        return value is None, row.get("partial", False), sign * (value or 0.0), line.run

    return sorted(lines, key=place)


def read_table(path: Path) -> Table:
    """Read a table's JSON. Raises UnreadableTable."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        TableFile.model_validate(content)
        table = Table(content)
        if table.name != path.stem:
            raise ValueError(f"it is the table {table.name}")
        for column in table.columns:
            table.best_trivial(column)
        for standing in table.standings:
            table.metric(standing.metric)
    except ValidationError as error:
        raise _unreadable(path, first_fault(error)) from None
    except KeyError as error:
        raise _unreadable(path, f"it names {error}, which no task has") from None
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, first_line(error)) from None
    return table


def _unreadable(path: Path, why: str) -> UnreadableTable:
    return UnreadableTable(
        f"{path} is no table of this version of cbc ({why[:200]})", "make it again with `cbc benchmark tables`"
    )


def read_tables(folder: Path, fingerprint: str, runs: Iterable[str]) -> list[Table]:
    """Read all tables in a folder, in the paper's order. Raises NoSuchPath, UnreadableTable, TablesOfOtherRuns."""
    tables = [read_table(folder / f"{name}.json") for name in paper_tables() if (folder / f"{name}.json").is_file()]
    mend = "make them with `cbc benchmark tables RUN... --bench BENCH --out DIR`, or leave out --tables"
    if not tables:
        raise NoSuchPath(f"no tables at {folder}", mend)
    if any(table.content["bench"] != fingerprint for table in tables):
        raise TablesOfOtherRuns(f"the tables at {folder} are of another bench", mend)
    kinds = {line.run: line.kind for table in tables for line in table.lines}
    competing = {run for run, kind in kinds.items() if kind not in REFERENCE_KINDS}
    differing = (set(runs) - set(kinds)) | (competing - set(runs))
    if differing:
        raise TablesOfOtherRuns(f"the tables at {folder} are of other runs ({', '.join(sorted(differing))})", mend)
    return tables
