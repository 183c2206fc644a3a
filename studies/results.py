"""Write the result of a study: docs/results/NAME.md for readers and NAME.json for programs, each with its command.

NAME.json: {"name", "title", "command", "machine": {cores, python, ...}, "parts": [{"title", "columns", "rows"}],
"tables": [content of TABLE.json of `cbc benchmark tables`]}.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from corpus.files.atomic import write_json, write_text
from corpus.printing import table_markdown

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "results"
PACKAGES = ("cbc", "duckdb", "polars")


@dataclass(frozen=True)
class Part:
    """A table of a result."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def machine() -> dict[str, Any]:
    """Facts about the machine and versions, on which figures of speed depend."""
    packages = {name: version(name) for name in PACKAGES}
    return {"cores": os.cpu_count(), "processor": platform.machine(), "python": platform.python_version(), **packages}


def write_result(
    name: str,
    title: str,
    command: str,
    parts: Sequence[Part] = (),
    tables: Path | None = None,
    notes: str = "",
    folder: Path = FOLDER,
) -> Path:
    """Write a result from parts and optionally a folder of benchmark tables; gives the path of the Markdown file."""
    about = machine()
    on = ", ".join(f"{key} {value}" for key, value in about.items())
    texts = [f"# {title}", f"Made by `{command}` ({on}).", *([notes.strip()] if notes else [])]
    texts += [f"## {part.title}\n\n{table_markdown(part.columns, part.rows)}" for part in parts]
    files = sorted(tables.glob("*.json")) if tables else []
    texts += [lower_headings(path.with_suffix(".md").read_text(encoding="utf-8")) for path in files]
    content = {
        "name": name,
        "title": title,
        "command": command,
        "machine": about,
        "parts": [asdict(part) for part in parts],
        "tables": [json.loads(path.read_text(encoding="utf-8")) for path in files],
    }
    write_json(folder / f"{name}.json", content)
    write_text(folder / f"{name}.md", "\n\n".join(text.strip() for text in texts) + "\n")
    return folder / f"{name}.md"


def lower_headings(markdown: str) -> str:
    """Lower each heading of a Markdown text by a level."""
    return "\n".join(f"#{line}" if line.startswith("#") else line for line in markdown.splitlines())
