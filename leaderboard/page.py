"""Render the page from tables, runs and bench: the values that the template shows, and the charts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmark.bench import Bench, NoAnswers
from benchmark.intervals import FEWEST_GROUPS
from benchmark.run import Run
from benchmark.tasks.registry import task_named
from leaderboard import words
from leaderboard.charts import dot_plot
from leaderboard.curves import FEWEST_ASKED, STROKES, Video, choose_predictors, draw_curve, videos
from leaderboard.palette import css
from leaderboard.results import Column, Line, Row, Table, best_first
from leaderboard.run_facts import known_columns, run_facts

MARKS = {
    "lm": "●",
    "linear": "▲",
    "boosted": "■",
    "submitted": "✚",
    "trivial": "○",
    "oracle": "◆",
}  # as charts.STYLE draws them
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Cell:
    """A cell of the page: score and skill as text, and the row whose values the script sorts by."""

    row: Row
    score: str
    interval: str
    skill: str
    skill_interval: str
    skill_side: str
    top: bool
    best_trivial: bool
    partial: str


@dataclass(frozen=True)
class Picture:
    """A task's dot plot, for wide and for narrow screens."""

    task: str
    condition: str
    wide: Markup
    narrow: Markup


@dataclass(frozen=True)
class Curve:
    """A video's curves, and the predictors whose answer could not be read."""

    video: Video
    chart: Markup
    unread: list[str]


@dataclass(frozen=True)
class CurveSet:
    """Replay curves of one task, drawn in the order of the legend."""

    task: str
    condition: str
    names: list[str]
    curves: list[Curve]


def make_cell(table: Table, line: Line, column: Column) -> Cell | None:
    """Make a run's cell in a column; None if the run has no answers."""
    row = line.rows.get(column.key)
    if row is None:
        return None
    name, share = column.metric.name, column.metric.skill == "share"
    return Cell(
        row=row,
        score=words.number(row["value"], name),
        interval=words.interval(row["low"], row["high"], name),
        skill=words.skill(row["skill"], share, name),
        skill_interval=words.skill_interval(row["skill_low"], row["skill_high"], share, name),
        skill_side=side_of_zero(row["skill_low"], row["skill_high"]),
        top=row["rank"] is not None and row["rank"] == table.top_rank(column) and line.kind != "oracle",
        best_trivial=table.best_trivial(column) == line.run,
        partial=f"{row['n']:,} of {column.n:,}" if row.get("partial") else "",
    )


def side_of_zero(low: float | None, high: float | None) -> str:
    """Side of zero on which an interval lies: above, below, or level (it includes zero)."""
    if low is not None and low > 0:
        return "above"
    return "below" if high is not None and high < 0 else "level"


def dots_alt(table: Table, columns: Sequence[Column]) -> str:
    """Describe a dot plot in two sentences."""
    column = columns[0]
    lines = [line for line in best_first(table.lines, column) if column.key in line.rows]
    runs = [line for line in lines if line.kind != "oracle"]
    metric_names = " and ".join(words.metric(column.metric.name) for column in columns)
    return f"Dot plot of {metric_names} of {len(lines)} runs with 95 % intervals. {best_run_text(runs, column)}"


def best_run_text(runs: Sequence[Line], column: Column) -> str:
    """Name the best run of a column and its score; empty without runs."""
    if not runs:
        return ""
    name, row = column.metric.name, runs[0].rows[column.key]
    value = f"{words.number(row['value'], name)} ({words.interval(row['low'], row['high'], name) or 'no interval'})"
    return f"Best run: {runs[0].run}, {value}. All figures stand in the table."


def draw_pictures(table: Table) -> list[Picture]:
    """Draw a dot plot for each task of a table."""
    return [
        Picture(
            task=columns[0].task,
            condition=condition,
            wide=dot_plot(table, columns, dots_alt(table, columns)),
            narrow=dot_plot(table, columns, dots_alt(table, columns), narrow=True),
        )
        for condition, columns in table.conditions.items()
    ]


def draw_curves(table: Table, bench: Bench, runs: Sequence[Run]) -> Iterator[CurveSet]:
    """Draw the replay curves of each replay task; none where the bench's answers are not here."""
    for condition, columns in table.conditions.items():
        task = columns[0].task
        if not task_named(task).asks_curve:
            continue
        names = choose_predictors(table, columns[0])
        try:
            curves = [make_curve(task, place, video) for place, video in enumerate(videos(bench, task, names, runs))]
        except NoAnswers:
            return
        if curves:
            yield CurveSet(task, condition, names, curves)


def make_curve(task: str, place: int, video: Video) -> Curve:
    """Draw a video, with a text for readers who cannot see it."""
    read = [name for name, values in video.predicted.items() if values is not None]
    alt = (
        f"Replay curve over {len(video.truth)} scenes, {len(video.asked)} of them asked: true values"
        f"{' and the answers of ' if read else ''}{', '.join(read)}."
    )
    unread = [name for name in video.predicted if name not in read]
    return Curve(video, draw_curve(video, alt, f"curve-{task}-{place}"), unread)


def policy(style: str, script: str) -> str:
    """Content security policy: this style and this script, and nothing else."""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; img-src data:; style-src {digest(style)}; script-src {digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def displayable(value: Any) -> Any:
    """Make a value safe to display: text without characters that break a page."""
    return words.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def environment() -> Environment:
    """Jinja environment that escapes everything, since titles and run names come from outside."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=displayable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "metric": words.metric,
        "condition": words.condition,
        "kind": words.kind,
        "number": words.number,
    }
    templates.globals |= {
        "cell": make_cell,
        "unit": words.unit,
        "skill_unit": words.skill_unit,
        "direction": words.direction,
    }
    return templates


def render(folder: Path, bench: Bench, runs: Sequence[Run], tables: Sequence[Table]) -> None:
    """Write index.html into a folder that already holds data/."""
    style, script = css() + (TEMPLATES / "page.css").read_text("utf-8"), (TEMPLATES / "page.js").read_text("utf-8")
    lines = [line for table in tables for line in table.lines]
    facts = [run_facts(run) for run in runs]
    page = (
        environment()
        .get_template("page.html")
        .render(
            policy=policy(style, script),
            style=Markup(style),  # our own file; its hash is in the policy
            script=Markup(script),
            bench=bench,
            runs=facts,
            fact_columns=known_columns(facts),
            tables=tables,
            kinds={line.kind for line in lines},
            partial=any(line.partial for line in lines),
            marks=MARKS,
            fewest_groups=FEWEST_GROUPS,
            fewest_asked=FEWEST_ASKED,
            questions=sum(task["test"] for task in bench.tasks.values()),
            pictures={table.name: draw_pictures(table) for table in tables},
            curves=[drawn for table in tables for drawn in draw_curves(table, bench, runs)],
            strokes=STROKES,
            version=version("cbc"),
        )
    )
    (folder / "index.html").write_text(page, encoding="utf-8")
