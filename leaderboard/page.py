"""Render the page from tables, runs and bench: the values that the template shows, and the charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from markupsafe import Markup

from benchmark.bench import Bench, NoAnswers
from benchmark.intervals import FEWEST_GROUPS
from benchmark.run import Run
from benchmark.tables.summary import summary
from benchmark.tasks.registry import task_named
from leaderboard import words
from leaderboard.charts import dot_plot
from leaderboard.curves import FEWEST_ASKED, STROKES, Video, choose_predictors, draw_curve, videos
from leaderboard.forest import Series, choose_series, forest_plot
from leaderboard.instance_pages import TaskLink
from leaderboard.matrix import Matrix, make_matrix
from leaderboard.notes import notes
from leaderboard.results import Column, Line, Row, Table, best_first
from leaderboard.run_facts import known_columns, run_facts
from leaderboard.templating import TEMPLATES, environment, page_style, policy

MARKS = {
    "lm": "●",
    "linear": "▲",
    "boosted": "■",
    "submitted": "✚",
    "trivial": "○",
    "oracle": "◆",
}  # as charts.STYLE draws them


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

    @property
    def share_asked(self) -> float:
        """Mean share of the scenes that are asked."""
        return sum(len(curve.video.asked) / len(curve.video.truth) for curve in self.curves) / len(self.curves)


@dataclass(frozen=True)
class Forest:
    """The forest plot for wide and for narrow screens, its series, and how many runs there are."""

    series: list[Series]
    runs: int
    wide: Markup
    narrow: Markup


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


def all_curves(tables: Sequence[Table], bench: Bench, runs: Sequence[Run]) -> list[CurveSet]:
    """Draw all replay curves: first the tasks that mask most. None where the truth is hidden or not here."""
    if bench.hidden:
        return []
    drawn = [curves for table in tables for curves in draw_curves(table, bench, runs)]
    return sorted(drawn, key=lambda curves: -curves.share_asked)


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
    unread = [name for name in video.predicted if name not in read and name not in video.not_asked]
    return Curve(video, draw_curve(video, alt, f"curve-{task}-{place}"), unread)


def draw_forest(matrix: Matrix) -> Forest | None:
    """Draw the forest plot; None without tasks to compare on."""
    if not matrix.columns:
        return None
    names = [row.name for row in matrix.rows if row.role in ("run", "control")]
    series = choose_series(names, any(row.role == "oracle" for row in matrix.rows))
    wide, narrow = (forest_plot(matrix.columns, series, narrow) for narrow in (False, True))
    return Forest(series, len(names), wide, narrow)


def render(
    folder: Path, bench: Bench, runs: Sequence[Run], tables: Sequence[Table], instances: Sequence[TaskLink] = ()
) -> None:
    """Write index.html into a folder that already holds data/; `instances` are linked."""
    matrix = make_matrix(tables, runs)
    lengths = f":root {{ --matrix-lines: {len(matrix.columns) + 1}; }}\n"
    style, script = page_style() + lengths, (TEMPLATES / "page.js").read_text("utf-8")
    lines = [line for table in tables for line in table.lines]
    facts = [run_facts(run) for run in runs]
    page = (
        environment({"cell": make_cell})
        .get_template("page.html")
        .render(
            policy=policy(style, script),
            style=Markup(style),  # our own file; its hash is in the policy
            script=Markup(script),
            bench=bench,
            runs=facts,
            fact_columns=known_columns(facts),
            tables=tables,
            matrix=matrix,
            summary=summary(matrix.standings),
            notes=notes(matrix.columns, runs),
            states={cell.state for row in matrix.rows for cell in row.cells},
            forest=draw_forest(matrix),
            instances=instances,
            kinds={line.kind for line in lines},
            partial=any(line.partial for line in lines),
            marks=MARKS,
            fewest_groups=FEWEST_GROUPS,
            fewest_asked=FEWEST_ASKED,
            questions=sum(task["test"] for task in bench.tasks.values()),
            pictures={table.name: draw_pictures(table) for table in tables},
            curves=all_curves(tables, bench, runs),
            strokes=STROKES,
            version=version("cbc"),
        )
    )
    (folder / "index.html").write_text(page, encoding="utf-8")
