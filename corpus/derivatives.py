"""CORPUS/derived.txt: what was made of a corpus, one folder or file a line, so that a takedown finds it.

A path with a line break or another character that cannot be printed stands there as a JSON string.
"""

from __future__ import annotations

import json
from pathlib import Path

from corpus.console import note

NAME = "derived.txt"


def remember(root: Path, out: Path) -> None:
    """Write down that the folder `out` was made of the corpus at `root`, so that a takedown finds it."""
    path, place = root / NAME, str(out.resolve())
    try:
        if place not in derived(root):
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{place if place.isprintable() else json.dumps(place)}\n")
    except OSError as error:
        note(
            f"{out} is not written down in {path} ({error.strerror}); name it with --also when something is taken down"
        )


def derived(root: Path) -> list[str]:
    """The folders made of a corpus, as they were written down."""
    path = root / NAME
    lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
    return [json.loads(line) if line.startswith('"') else line for line in lines if line]
