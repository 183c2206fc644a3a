"""Tables as text: aligned for a terminal, or Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

WIDEST = 60


def cell(value: Any, widest: int = WIDEST) -> str:
    """A value as a person reads it: numbers with separators, long text cut, nothing for null."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        return f"{value:,.0f}" if whole else f"{value:,.1f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"
    told = "" if value is None else " ".join(str(value).split())
    return told if len(told) <= widest else told[: widest - 1] + "…"


def table_text(header: Sequence[str], rows: Iterable[Sequence[Any]], widest: int = WIDEST) -> str:
    """Aligned columns, numbers to the right."""
    given = [list(row) for row in rows]
    cells = [[cell(value, widest) for value in row] for row in given]
    widths = [max(len(name), *(len(row[n]) for row in cells), 0) for n, name in enumerate(header)]
    right = [any(isinstance(row[n], int | float) for row in given) for n in range(len(header))]

    def line(values: Sequence[str]) -> str:
        aligned = [v.rjust(w) if r else v.ljust(w) for v, w, r in zip(values, widths, right, strict=True)]
        return "  ".join(aligned).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, cells)])


def table_markdown(header: Sequence[str], rows: Sequence[Sequence[Any]], widest: int = WIDEST) -> str:
    """A table in Markdown; what would end a cell is escaped."""
    cells = [[cell(value, widest).replace("|", "\\|") for value in row] for row in rows]
    lines = [header, ["---"] * len(header), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
