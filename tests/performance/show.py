"""Printing of a bench's table."""

from __future__ import annotations

from corpus.printing import table_text
from studies.results import Part


def show(part: Part) -> None:
    """Print a table with its title."""
    print(f"{part.title}\n{table_text(list(part.columns), part.rows)}\n", flush=True)
