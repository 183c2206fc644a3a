"""Write a file or folder atomically: beside its place, then rename."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any


def part_path(path: Path) -> Path:
    """Path of the partial file that is renamed to `path` when it is complete."""
    return path.with_name(f".{path.name}.part")


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically: a reader sees the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part_path(path)
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def replace_folder(staged: Path, place: Path) -> None:
    """Move a finished folder to `place`; a folder that is there is removed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        shutil.rmtree(place)
    staged.replace(place)
