"""CORPUS/derived.txt: what was made of a corpus, one folder or file a line, so that a takedown finds it."""

from __future__ import annotations

import sys
from pathlib import Path

NAME = "derived.txt"


def remember(root: Path, out: Path) -> None:
    """Write down that the folder `out` was made of the corpus at `root`, so that a takedown finds it."""
    path, place = root / NAME, str(out.resolve())
    try:
        if place not in derived(root):
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{place}\n")
    except OSError as error:
        told = f"{out} is not written down in {path} ({error.strerror})"
        print(f"note: {told}; name it with --also when something is taken down", file=sys.stderr)


def derived(root: Path) -> list[str]:
    """The folders made of a corpus, as they were written down."""
    path = root / NAME
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
