"""A bench on disk: the questions, public, and the answers, private.

BENCH/manifest.json                        format, version, seed, fold and folds (null: none), fingerprint, holdout,
                                           tasks with their sizes
      public/groups.parquet                what belongs together, and in which split it is for all tasks
      public/TASK/{train,validation,test}.parquet
      public/TASK/references.parquet       answers without content to the questions of all splits
      private/TASK/test.parquet            answers of the test questions
      private/TASK/oracle.parquet          simulated world only: the best possible answers, and what is expected
      private/TASK/names.parquet           hidden bench only: which instance is about which message of the corpus
      private/secret.json                  hidden bench only: what its names and draws follow from
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from benchmark.folds import Fold
from corpus.errors import CbcError
from corpus.files.parquet_frames import read_frame, read_rows
from corpus.store import read_manifest

FORMAT = "cbc-bench"
VERSION = 7
SPLITS = ("train", "validation", "test")


class NoAnswers(CbcError):
    """The private part of the bench is missing."""


@dataclass(frozen=True)
class Bench:
    """An open bench folder."""

    root: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, root: Path) -> Bench:
        """Open a bench. Raises NoSuchPath, WrongVersion."""
        make = "make one with `cbc benchmark build --corpus DIR --out BENCH`"
        manifest = read_manifest(root, "bench", (FORMAT, VERSION), make, "build it again from its corpus")
        return cls(root, manifest)

    @property
    def tasks(self) -> dict[str, dict[str, Any]]:
        """Each task's table, condition, kind, metrics and sizes, in the order of the manifest."""
        tasks: dict[str, dict[str, Any]] = self.manifest["tasks"]
        return tasks

    @property
    def fingerprint(self) -> str:
        """Hex digest that identifies the bench."""
        return str(self.manifest["fingerprint"])

    @property
    def fold(self) -> Fold | None:
        """The fold that it tests; None if its test part is no fold."""
        number = self.manifest.get("fold")
        return None if number is None else Fold(number, self.manifest["folds"])

    @property
    def simulated(self) -> bool:
        """Whether all of its messages come from the simulated world."""
        return bool(self.manifest["simulated"])

    @property
    def hidden(self) -> bool:
        """Whether its public part was built not to give test answers away."""
        return bool(self.manifest.get("hidden"))

    def public(self, task: str, split: str) -> pl.DataFrame:
        """The questions of a task's split; train and validation with their answers."""
        return read_frame(self.root / "public" / task / f"{split}.parquet")

    def reference(self, task: str, name: str) -> pl.DataFrame:
        """Answers of a reference to the questions of all splits: instance_id, values and what else it gives."""
        path = self.root / "public" / task / "references.parquet"
        return read_rows(path, pl.col("reference") == name).drop("reference", "split")

    def panel(self, task: str, split: str = "test") -> pl.DataFrame:
        """The questions of a split that expensive models answer, in the bench's order."""
        return self.public(task, split).filter(pl.col("panel_rank").is_not_null())

    def answers(self, task: str) -> pl.DataFrame:
        """The test answers: instance_id, answer, target, chance. Raises NoAnswers."""
        path = self.root / "private" / task / "test.parquet"
        if not path.is_file():
            raise NoAnswers(f"{self.root} holds no answers for {task}", "score where its private part is")
        return read_frame(path)
