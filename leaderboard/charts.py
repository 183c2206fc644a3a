"""Charts as SVG: one dot plot a task, each run's score with its interval, drawn by matplotlib.

Drawn without pyplot and with a fixed salt and no date, so that the same scores give the same bytes.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from leaderboard.results import Column, Line, Table, best_first
from leaderboard.words import metric, number

INK, MUTED, RULE, SHADE = "#1b1f24", "#5b6470", "#d9dee5", "#eceff3"
STYLE = {"lm": ("#0b5cad", "o"), "boosted": ("#a6460b", "s"), "trivial": ("#5b6470", "o"), "oracle": ("#1a7340", "D")}
NARROW_INCHES, WIDE_INCHES = 3.9, 6.4
BEYOND = 0.5  # of the way from the best to the worst trivial predictor: what is worse by more lies off the scale
SETTINGS = {
    "svg.hashsalt": "cbc",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
}


def svg(figure: Figure) -> bytes:
    """The figure as SVG, the same bytes each time."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a script the font lacks is shown as boxes
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def short(name: str, most: int = 22) -> str:
    """A run's name on one line, cut where it is long."""
    line = " ".join(name.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def bounds(values: Sequence[float], trivial: Sequence[float], lower_is_better: bool) -> tuple[float, float]:
    """Axis limits: all values, unless some are so much worse than every trivial predictor as to squeeze the rest."""
    best, worst = (min, max) if lower_is_better else (max, min)
    near, far = best(values), worst(values)
    if trivial:
        end = worst(trivial)
        far = best(far, end + BEYOND * (end - near))
    low, high = min(near, far), max(near, far)
    margin = 0.06 * (high - low) or 0.06 * abs(high) or 1.0
    return low - margin, high + margin


def draw_run(axes: Axes, y: float, line: Line, column: Column) -> None:
    """A run's dot and interval; an arrow with its value at the edge where it lies off the scale."""
    row = line.rows.get(column.key, {})
    value, low, high = row.get("value"), row.get("low"), row.get("high")
    color, marker = STYLE.get(line.kind, STYLE["lm"])
    left, right = axes.get_xlim()
    if value is None:
        axes.text(left, y, " no value", color=MUTED, fontsize=8, va="center")
    elif not left <= value <= right:
        off_right = value > right
        said = f"{number(value, column.metric.name)} →  " if off_right else f"  ← {number(value, column.metric.name)}"
        axes.text(
            right if off_right else left,
            y,
            said,
            color=color,
            fontsize=8,
            va="center",
            ha="right" if off_right else "left",
        )
    else:
        if low is not None and high is not None:
            axes.plot([max(low, left), min(high, right)], [y, y], color=color, linewidth=1.6, solid_capstyle="butt")
        face = "white" if line.kind == "trivial" else color
        axes.plot(value, y, marker=marker, color=color, markerfacecolor=face, markersize=5.5, markeredgewidth=1.4)


def reference_lines(table: Table, column: Column, lines: Sequence[Line]) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Whose values are drawn through the whole panel: the best trivial predictor's and the oracle's."""
    for line in lines:
        if line.run == table.best_trivial(column):
            yield line.run, MUTED, (4, 3)
        elif line.kind == "oracle":
            yield line.run, STYLE["oracle"][0], (1, 2)


def draw_panel(axes: Axes, table: Table, column: Column, lines: Sequence[Line]) -> None:
    """One metric: all runs on shared rows, the best trivial predictor and the oracle as reference lines."""
    rows = {line.run: line.rows.get(column.key, {}) for line in lines}
    ends = [row[end] for row in rows.values() for end in ("low", "value", "high") if row.get(end) is not None]
    trivial = [rows[line.run].get("value") for line in lines if line.kind == "trivial"]
    known = [value for value in trivial if value is not None]
    axes.set_xlim(*bounds(ends or [0.0], known, column.metric.lower_is_better))
    axes.set_ylim(len(lines) - 0.4, -0.6)
    for y, line in enumerate(lines):
        draw_run(axes, y, line, column)
    for name, color, dashes in reference_lines(table, column, lines):
        if rows[name].get("value") is not None:
            axes.axvline(rows[name]["value"], color=color, linewidth=1, linestyle=(0, dashes), zorder=0)
    better = "lower" if column.metric.lower_is_better else "higher"
    axes.set_xlabel(f"{metric(column.metric.name)}\n{better} is better")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    axes.grid(axis="y", color=SHADE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def name_rows(axes: Axes, lines: Sequence[Line]) -> None:
    """Run names at the left of a panel; `$` in a name is no formula."""
    axes.set_yticks(range(len(lines)), [short(line.run) for line in lines], parse_math=False)
    for label, line in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_color(STYLE.get(line.kind, STYLE["lm"])[0])


def dot_plot(table: Table, columns: Sequence[Column], narrow: bool = False) -> bytes:
    """A task's metrics, one panel each: side by side, or stacked for narrow screens."""
    lines = best_first([line for line in table.lines if columns[0].key in line.rows], columns[0])
    height = 0.26 * len(lines) + 0.85
    shape: dict[str, Any] = (
        {"nrows": len(columns), "sharex": False} if narrow else {"ncols": len(columns), "sharey": True}
    )
    with matplotlib.rc_context(SETTINGS):
        size = (NARROW_INCHES, height * len(columns)) if narrow else (WIDE_INCHES, height)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(squeeze=False, **shape).flat
        for place, (axes, column) in enumerate(zip(panels, columns, strict=True)):
            draw_panel(axes, table, column, lines)
            if narrow or place == 0:
                name_rows(axes, lines)
        return svg(figure)
