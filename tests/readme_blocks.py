"""Code blocks of README.md and docs/*.md by their tag, and how they are run.

    python -m tests.readme_blocks heavy      # `make readme`: also the blocks that train

A block begins with ```sh TAG or ```python TAG:

quick    run in tests
heavy    parsed in tests; run by `make readme` where it needs nothing but what the page made before
keyed    run in tests against the local server of the YouTube Data API
install  what `make setup` does; parsed in tests
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
TAGS = ("install", "quick", "heavy", "keyed")
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDS_FILES = re.compile(r"\b(?:[A-Z_]{2,}(?:/[A-Z]+)?|ID)\b(?!=)")  # capitals stand for something of the reader's


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    page: Path
    line: int
    language: str
    tag: str
    code: str

    @property
    def commands(self) -> list[str]:
        """Its command lines, continued lines joined, without the lines of here-documents."""
        code = re.sub(r"<<'END'\n.*?^END$", "", self.code, flags=re.MULTILINE | re.DOTALL)
        return [line for line in code.replace("\\\n", " ").splitlines() if line.strip()]

    @property
    def is_complete(self) -> bool:
        """Whether it runs without files or names of the reader's own."""
        return not any(NEEDS_FILES.search(re.sub(r'"[^"]*"', "", line).split("#")[0]) for line in self.commands)


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2].strip(), match[3])
        for match in BLOCK.finditer(text)
    ]


def run(block: Block, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a block in a folder, with the environment active as the page says."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **variables}
    command = (
        ["bash", "-euo", "pipefail", "-c", block.code] if block.language == "sh" else [sys.executable, "-c", block.code]
    )
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=3600)


def main(tags: Iterable[str]) -> None:
    """Run the quick blocks of each page, and those of the tags that are complete, in a folder of each page's own."""
    import tempfile

    for page in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            for block in blocks(page):
                if block.tag in ("quick", *tags) and block.is_complete:
                    print(f"{page.name}:{block.line} {block.tag}", flush=True)
                    done = run(block, Path(folder))
                    if done.returncode:
                        sys.exit(f"{page.name}:{block.line} ended with {done.returncode}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main(sys.argv[1:])
