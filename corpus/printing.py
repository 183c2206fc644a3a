"""Tables as text: drawn by rich for a terminal, plainly aligned for a file or pipe, or Markdown."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from corpus.console import harmless

WIDEST = 60


def cell(value: Any, widest: int = WIDEST) -> str:
    """A value as a person reads it: numbers with separators, long text cut, controls harmless, nothing for null."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        return f"{value:,.0f}" if whole else f"{value:,.1f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"
    text = "" if value is None else harmless(" ".join(str(value).split()))
    return text if len(text) <= widest else text[: widest - 1] + "…"


def number_of(count: int, noun: str) -> str:
    """A number with its noun: 1 row, 2,000 rows."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def table_text(header: Sequence[str], rows: Iterable[Sequence[Any]], widest: int = WIDEST) -> str:
    """A table for stdout, numbers to the right: with lines and as wide as the terminal, or plain where none is."""
    values = [list(row) for row in rows]
    cells = [[cell(value, widest) for value in row] for row in values]
    right = [any(isinstance(row[n], int | float) for row in values) for n in range(len(header))]
    names = [cell(name, widest) for name in header]
    return _drawn(names, cells, right) if sys.stdout.isatty() else _aligned(names, cells, right)


def _drawn(header: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """The table as rich draws it, without colors: no escape stands in what is printed."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, number in zip(header, right, strict=True):
        table.add_column(Text(name), justify="right" if number else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))  # as Text, so that [red] stays what it is
    out = Console(file=io.StringIO(), color_system=None, force_terminal=False)
    with out.capture() as captured:
        out.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n")


def _aligned(header: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """The table as aligned columns."""
    from rich.cells import cell_len

    widths = [max(cell_len(name), *(cell_len(row[n]) for row in cells), 0) for n, name in enumerate(header)]

    def line(values: Sequence[str]) -> str:
        pads = [" " * (width - cell_len(value)) for value, width in zip(values, widths, strict=True)]
        aligned = [p + v if number else v + p for v, p, number in zip(values, pads, right, strict=True)]
        return "  ".join(aligned).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, cells)])


def table_markdown(header: Sequence[str], rows: Sequence[Sequence[Any]], widest: int = WIDEST) -> str:
    """A table in Markdown; what would end a cell is escaped."""
    cells = [[cell(value, widest).replace("|", "\\|") for value in row] for row in rows]
    lines = [header, ["---"] * len(header), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
