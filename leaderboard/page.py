"""The page: what the template shows, worked out of tables, runs and bench, and the charts drawn beside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmark.bench import Bench, NoAnswers
from benchmark.run import Run
from benchmark.tasks.registry import task_named
from leaderboard import words
from leaderboard.charts import dot_plot
from leaderboard.curves import STROKES, chosen_predictors, curve, videos
from leaderboard.results import Column, Line, Row, Table, best_first

TEMPLATES = Path(__file__).parent / "templates"
FEW_CLUSTERS = 10  # with fewer, a bootstrap over clusters gives intervals that are too narrow


@dataclass(frozen=True)
class Shown:
    """A cell as the page shows it: score, skill and rank, each as text, and what the script sorts by."""

    row: Row
    score: str
    interval: str
    skill: str
    skill_interval: str
    skill_side: str
    top: bool
    best_trivial: bool


@dataclass(frozen=True)
class Picture:
    """A chart's files and its text for those who do not see it."""

    task: str
    condition: str
    alt: str


@dataclass(frozen=True)
class CurveSet:
    """Replay curves of one task: one file a video, drawn in the order of the legend."""

    task: str
    condition: str
    names: list[str]
    videos: list[dict[str, Any]]


def cell(table: Table, line: Line, column: Column) -> Shown | None:
    """A run's cell on a column; None where it has no answers."""
    row = line.rows.get(column.key)
    if row is None:
        return None
    name, share = column.metric.name, column.metric.skill == "share"
    return Shown(
        row=row,
        score=words.number(row["value"], name),
        interval=words.interval(row["low"], row["high"], name),
        skill=words.skill(row["skill"], share, name),
        skill_interval=words.skill_interval(row["skill_low"], row["skill_high"], share, name),
        skill_side=side(row["skill_low"], row["skill_high"]),
        top=row["rank"] is not None and row["rank"] == table.top_rank(column) and line.kind != "oracle",
        best_trivial=table.best_trivial(column) == line.run,
    )


def side(low: float | None, high: float | None) -> str:
    """Where an interval lies: above zero, below it, or level with it."""
    if low is not None and low > 0:
        return "above"
    return "below" if high is not None and high < 0 else "level"


def alt(table: Table, columns: Sequence[Column]) -> str:
    """A dot plot in a sentence."""
    column = columns[0]
    lines = [line for line in best_first(table.lines, column) if line.kind != "oracle" and column.key in line.rows]
    name, row = column.metric.name, lines[0].rows[column.key]
    best = f"{words.number(row['value'], name)} {words.interval(row['low'], row['high'], name)}".strip()
    shown = " and ".join(words.metric(column.metric.name) for column in columns)
    return (
        f"Dot plot of {shown} of {len(lines)} runs with 95 % intervals. "
        f"Best but for the oracle: {lines[0].run}, {best}. All figures stand in the table."
    )


def draw_pictures(charts: Path, table: Table) -> list[Picture]:
    """Draw a dot plot for each task of a table, for wide and for narrow screens."""
    pictures = []
    for condition, columns in table.conditions.items():
        task = columns[0].task
        (charts / f"{task}.svg").write_bytes(dot_plot(table, columns))
        (charts / f"{task}-narrow.svg").write_bytes(dot_plot(table, columns, narrow=True))
        pictures.append(Picture(task, condition, alt(table, columns)))
    return pictures


def draw_curves(charts: Path, table: Table, bench: Bench, runs: Sequence[Run]) -> list[CurveSet]:
    """Draw the replay curves of each replay task; none where the bench's answers are not here."""
    sets = []
    for condition, columns in table.conditions.items():
        task = columns[0].task
        if not task_named(task).asks_curve:
            continue
        names = chosen_predictors(table, columns[0])
        try:
            shown = list(videos(bench, task, names, runs))
        except NoAnswers:
            return []
        told = []
        for place, video in enumerate(shown, start=1):
            file = f"{task}-video-{place}.svg"
            (charts / file).write_bytes(curve(video))
            unread = [name for name, values in video.predicted.items() if values is None]
            told.append({"file": file, "video": video, "unread": unread})
        sets.append(CurveSet(task, condition, names, told))
    return sets


def policy(style: str, script: str) -> str:
    """Content security policy: this style, this script, the page's own images, nothing else from anywhere."""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; img-src 'self' file: data:; style-src {digest(style)}; script-src {digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def facts(about: dict[str, Any]) -> dict[str, str]:
    """What a run says about itself, as text; nested counts are left to its manifest."""
    told = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in about.items()}
    return {name: str(value) for name, value in told.items() if isinstance(value, str | int | float) and value != ""}


def environment() -> Environment:
    """Templates with everything escaped, since titles and run names come from outside."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"metric": words.metric, "condition": words.condition, "kind": words.kind, "number": words.number}
    found.globals |= {"cell": cell, "facts": facts, "few": FEW_CLUSTERS}
    return found


def render(folder: Path, bench: Bench, runs: Sequence[Run], tables: Sequence[Table]) -> None:
    """Write index.html and charts/ into a folder that holds data/ already."""
    charts = folder / "charts"
    charts.mkdir()
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    page = (
        environment()
        .get_template("page.html")
        .render(
            policy=policy(style, script),
            style=Markup(style),  # our own file; its hash stands in the policy
            script=Markup(script),
            bench=bench,
            runs=runs,
            tables=tables,
            questions=sum(task["test"] for task in bench.tasks.values()),
            pictures={table.name: draw_pictures(charts, table) for table in tables},
            curves=[found for table in tables for found in draw_curves(charts, table, bench, runs)],
            strokes=STROKES,
        )
    )
    (folder / "index.html").write_text(page, encoding="utf-8")
