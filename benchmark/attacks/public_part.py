"""The public part of a bench, which is all that an attack reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from benchmark.attacks.facts import Rows
from benchmark.bench import SPLITS, Bench
from corpus.files.parquet_frames import read_frame

LEARNED = SPLITS[:2]
TEST = SPLITS[2]


@dataclass(frozen=True)
class PublicPart:
    """manifest.json and the files below public/."""

    root: Path
    manifest: dict[str, Any]
    read: dict[tuple[str, str], Rows] = field(default_factory=dict, compare=False)
    """What was read of it."""

    @classmethod
    def open(cls, root: Path) -> PublicPart:
        """Open the public part of a bench. Raises NoSuchPath, WrongVersion."""
        return cls(root, Bench.open(root).manifest)

    @property
    def folder(self) -> Path:
        """The folder of its files."""
        return self.root / "public"

    @property
    def tasks(self) -> list[str]:
        """The tasks of the bench."""
        return list(self.manifest["tasks"])

    def rows(self, task: str, split: str) -> Rows:
        """A file of questions, read once."""
        if (task, split) not in self.read:
            frame = read_frame(self.folder / task / f"{split}.parquet")
            self.read[task, split] = Rows(task, split, frame)
        return self.read[task, split]

    def all_rows(self) -> list[Rows]:
        """All files of questions, those of a task together."""
        return [self.rows(task, split) for task in self.tasks for split in (TEST, *LEARNED)]

    def frame(self, task: str, split: str) -> pl.DataFrame:
        """The rows of a file; in test parts `answer` and `target` are what they hold, if anything."""
        return self.rows(task, split).frame

    def groups(self) -> pl.DataFrame:
        """Its groups with their split and number of messages; empty if it does not list them."""
        path = self.folder / "groups.parquet"
        if not path.is_file():
            return pl.DataFrame(schema={"group": pl.String, "split": pl.String, "messages": pl.Int64})
        return read_frame(path)

    def files(self) -> list[Path]:
        """All files of the public part."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())
