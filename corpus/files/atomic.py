"""Writing a file or folder whole or not at all: beside its place, then renamed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any


def part_path(path: Path) -> Path:
    """Where a file is written before it is renamed to `path`."""
    return path.with_name(f".{path.name}.part")


def write_text(path: Path, text: str) -> None:
    """Write a text file; a reader sees the old content or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part_path(path)
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def write_json(path: Path, content: Any) -> None:
    """Write JSON, as `write_text` does."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def replace_folder(staged: Path, place: Path) -> None:
    """Put a finished folder in its place; what stood there goes."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        shutil.rmtree(place)
    staged.replace(place)
