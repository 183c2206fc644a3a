"""Draw a forest plot with matplotlib: each run's skill with its interval in all tasks, runs by color and marker.

Skills of different units stand in panels of their own. Where a table prints no interval, none is drawn.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmark.reference_rows import ORACLE
from leaderboard import words
from leaderboard.inline_svg import SETTINGS, inline_svg
from leaderboard.matrix import MatrixColumn
from leaderboard.palette import LIGHT
from leaderboard.results import Row

MOST_RUNS = 8
COLORS = ("lm", "second", "submitted", "fourth", "linear", "below")
MARKERS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", ">": "▶", "X": "✖"}
NARROW_INCHES, WIDE_INCHES = 3.9, 8.6
RUN_INCHES, LEAST_INCHES = 0.11, 0.34  # height of a run, and of a task


@dataclass(frozen=True)
class Series:
    """A run of the plot: its name, the name of its color, and its marker for charts and for text."""

    run: str
    color: str
    marker: str

    @property
    def glyph(self) -> str:
        """Its marker as a character."""
        return MARKERS[self.marker]


def choose_series(runs: Sequence[str], oracle: bool) -> list[Series]:
    """Give the first runs a color and a marker each; the oracle, if it is there, comes last."""
    looks = zip(cycle(COLORS), cycle(marker for marker in MARKERS if marker != "D"), strict=False)
    chosen = [Series(run, *look) for run, look in zip(runs[:MOST_RUNS], islice(looks, MOST_RUNS), strict=False)]
    return [*chosen, *([Series(ORACLE, "oracle", "D")] if oracle else [])]


def shown(value: float | None, column: MatrixColumn) -> float | None:
    """A skill in the unit of the axis: shares in percent."""
    return None if value is None else 100 * value if column.metric.skill == "share" else value


def skill_limits(values: Sequence[float]) -> tuple[float, float]:
    """Axis limits around zero: all gains, and losses as far as they are no larger than the largest gain."""
    high = max(0.0, *values) if values else 1.0
    low = min(0.0, *values) if values else -1.0
    low = max(low, -high) if high > 0 else low
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def rows_of(series: Sequence[Series], column: MatrixColumn) -> list[tuple[Series, Row]]:
    """The runs that have a skill in a task, with their rows."""
    lines = {line.run: line for line in column.table.lines}
    rows = [(of_run, lines[of_run.run].rows.get(column.key)) for of_run in series if of_run.run in lines]
    return [(of_run, row) for of_run, row in rows if row is not None and row["skill"] is not None]


def draw_skill(axes: Axes, y: float, series: Series, row: Row, column: MatrixColumn) -> None:
    """Draw a run's mark, its interval if there is one, and an arrow where it lies off the scale."""
    left, right = axes.get_xlim()
    value = shown(row["skill"], column)
    low, high = shown(row["skill_low"], column), shown(row["skill_high"], column)
    color = LIGHT[series.color]
    if low is not None and high is not None and value is not None and value >= left:
        ends = [max(low, left), min(high, right)]
        axes.plot(ends, [y, y], color=color, linewidth=1.4, solid_capstyle="butt")
    if value is not None and value < left:
        text = f"← {words.signed(value, 1)}"
        axes.text(left, y, text, color=color, fontsize=8, va="center", ha="left")
    elif value is not None:
        face = LIGHT["paper"] if row.get("partial") else color
        axes.plot(value, y, marker=series.marker, color=color, markerfacecolor=face, markersize=4.8)


def draw_unit(axes: Axes, columns: Sequence[MatrixColumn], series: Sequence[Series], wrap: int) -> None:
    """Draw the tasks whose skills have one unit, the first at the top."""
    rows = {column.label: rows_of(series, column) for column in columns}
    ends = [
        end
        for column in columns
        for _, row in rows[column.label]
        for name in ("skill_low", "skill", "skill_high")
        if (end := shown(row[name], column)) is not None
    ]
    axes.set_xlim(*skill_limits(ends))
    axes.set_ylim(len(columns) - 0.5, -0.5)
    step = 0.8 / max(len(series), 1)
    for place, column in enumerate(columns):
        if place % 2:
            axes.axhspan(place - 0.5, place + 0.5, color=LIGHT["tint"], linewidth=0, zorder=0)
        for of_run, row in rows[column.label]:
            offset = step * (series.index(of_run) - (len(series) - 1) / 2)
            draw_skill(axes, place + offset, of_run, row, column)
    axes.axvline(0, color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)), zorder=0.5)
    labels = [textwrap.fill(column.label, wrap) for column in columns]
    axes.set_yticks(range(len(columns)), labels, parse_math=False)
    axes.set_xlabel(words.skill_unit(columns[0].metric), fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(lambda value, _: words.tick(value))
    axes.grid(axis="x", color=LIGHT["faint"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.tick_params(axis="y", labelcolor=LIGHT["ink"])
    axes.spines[["top", "right", "left"]].set_visible(False)


def units_of(columns: Sequence[MatrixColumn]) -> list[list[MatrixColumn]]:
    """Group tasks by the unit of their skill."""
    units: dict[str, list[MatrixColumn]] = {}
    for column in columns:
        units.setdefault(words.skill_unit(column.metric), []).append(column)
    return list(units.values())


def forest_plot(columns: Sequence[MatrixColumn], series: Sequence[Series], narrow: bool = False) -> Markup:
    """Draw the skill of runs in all tasks; at least one task is needed."""
    units = units_of(columns)
    task_inches = max(LEAST_INCHES, RUN_INCHES * len(series) + 0.1)
    heights = [task_inches * len(unit) for unit in units]
    with matplotlib.rc_context(SETTINGS):
        size = (NARROW_INCHES if narrow else WIDE_INCHES, sum(heights) + 0.6 * len(units))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(units), squeeze=False, height_ratios=heights).flat
        for axes, unit in zip(panels, units, strict=True):
            draw_unit(axes, unit, series, 17 if narrow else 40)
        return inline_svg(figure, forest_alt(columns, series), f"forest{'-narrow' if narrow else ''}")


def forest_alt(columns: Sequence[MatrixColumn], series: Sequence[Series]) -> str:
    """Describe the plot in a sentence."""
    names = ", ".join(of_run.run for of_run in series)
    return (
        f"Forest plot of the skill over the best reference of {names} in {len(columns)} tasks, with 95 % intervals "
        "where there are any. All figures stand in the tables."
    )
