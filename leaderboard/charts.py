"""Draw a dot plot for each task with matplotlib: each run's score with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from leaderboard.inline_svg import SETTINGS, inline_svg
from leaderboard.palette import LIGHT
from leaderboard.results import Column, Line, Table, best_first
from leaderboard.words import direction, metric, number, tick, unit, visible

STYLE = {
    "lm": (LIGHT["lm"], "o"),
    "linear": (LIGHT["linear"], "^"),
    "boosted": (LIGHT["boosted"], "s"),
    "submitted": (LIGHT["submitted"], "P"),
    "trivial": (LIGHT["muted"], "o"),
    "oracle": (LIGHT["oracle"], "D"),
}
HOLLOW = "trivial"
NARROW_INCHES, WIDE_INCHES = 3.9, 6.4
BEYOND = 0.5  # of the distance from the best value to the worst reference: values beyond that are off the scale


def short_name(name: str, most: int = 22) -> str:
    """Shorten a run's name to one line of at most `most` characters."""
    line = " ".join(visible(name).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def axis_limits(values: Sequence[float], trivial: Sequence[float], lower_is_better: bool) -> tuple[float, float]:
    """Axis limits: all values, except those so much worse than every reference that they would squeeze the rest."""
    best, worst = (min, max) if lower_is_better else (max, min)
    near, far = best(values), worst(values)
    if trivial:
        end = worst(trivial)
        far = best(far, end + BEYOND * (end - near))
    low, high = min(near, far), max(near, far)
    margin = 0.06 * (high - low) or 0.06 * abs(high) or 1.0
    return low - margin, high + margin


def draw_run(axes: Axes, y: float, line: Line, column: Column) -> None:
    """Draw a run's dot and interval; a value off the scale becomes an arrow with the value at the edge."""
    row = line.rows.get(column.key, {})
    value, low, high = row.get("value"), row.get("low"), row.get("high")
    color, marker = STYLE.get(line.kind, STYLE["lm"])
    left, right = axes.get_xlim()
    if value is None:
        axes.text(left, y, " no value", color=LIGHT["muted"], fontsize=9, va="center")
    elif value > right:
        label = f"{number(value, column.metric.name)} →  "
        axes.text(right, y, label, color=color, fontsize=9, va="center", ha="right")
    elif value < left:
        axes.text(left, y, f"  ← {number(value, column.metric.name)}", color=color, fontsize=9, va="center")
    else:
        if low is not None and high is not None:
            axes.plot([max(low, left), min(high, right)], [y, y], color=color, linewidth=1.6, solid_capstyle="butt")
        face = LIGHT["paper"] if line.kind == HOLLOW else color
        axes.plot(value, y, marker=marker, color=color, markerfacecolor=face, markersize=5.5, markeredgewidth=1.4)


def reference_lines(table: Table, column: Column, lines: Sequence[Line]) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Yield run, color and dashes of the reference lines: the best reference and the oracle."""
    for line in lines:
        if line.run == table.best_trivial(column):
            yield line.run, LIGHT["muted"], (4, 3)
        elif line.kind == "oracle":
            yield line.run, STYLE["oracle"][0], (1, 2)


def draw_panel(axes: Axes, table: Table, column: Column, lines: Sequence[Line]) -> None:
    """Draw a metric: all runs on shared rows, the best reference and the oracle as reference lines."""
    rows = {line.run: line.rows.get(column.key, {}) for line in lines}
    ends = [row[end] for row in rows.values() for end in ("low", "value", "high") if row.get(end) is not None]
    trivial = [rows[line.run].get("value") for line in lines if line.kind == "trivial"]
    known = [value for value in trivial if value is not None]
    axes.set_xlim(*axis_limits(ends or [0.0], known, column.metric.lower_is_better))
    axes.set_ylim(len(lines) - 0.4, -0.6)
    for y, line in enumerate(lines):
        draw_run(axes, y, line, column)
    for name, color, dashes in reference_lines(table, column, lines):
        if rows[name].get("value") is not None:
            axes.axvline(rows[name]["value"], color=color, linewidth=1, linestyle=(0, dashes), zorder=0)
    axes.set_title(metric(column.metric.name), fontsize=9)
    axes.set_xlabel(f"{unit(column.metric.name, table.unit)}\n{direction(column.metric)}", fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(lambda value, _: tick(value))
    axes.grid(axis="y", color=LIGHT["faint"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def name_rows(axes: Axes, lines: Sequence[Line]) -> None:
    """Write run names at the left of a panel; `$` in a name starts no formula."""
    labels = [short_name(line.run) + (" (partial)" if line.partial else "") for line in lines]
    axes.set_yticks(range(len(lines)), labels, parse_math=False)
    for label, line in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_color(STYLE.get(line.kind, STYLE["lm"])[0])


def dot_plot(table: Table, columns: Sequence[Column], alt: str = "", narrow: bool = False) -> Markup:
    """Draw a task's metrics as panels: side by side, or stacked for narrow screens."""
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
        return inline_svg(figure, alt, f"dots-{columns[0].task}{'-narrow' if narrow else ''}")
