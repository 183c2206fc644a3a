"""A run on disk: one predictor's answers to a bench.

RUN/manifest.json  format, version, run (its name), kind, bench (fingerprint), tasks, about
    predictions/TASK.parquet  task, instance_id, raw, values (null: unread), scores (choices: one an option)
    scores.json               written by benchmark.score
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from benchmark.bench import Bench
from corpus.errors import CbcError, NoSuchPath
from corpus.files.atomic import part_path, replace_folder, write_json
from corpus.files.parquet_frames import read_frame, write_frame
from corpus.store import read_manifest

FORMAT = "cbc-run"
VERSION = 1
KINDS = ("trivial", "boosted", "oracle", "lm")
COLUMNS: dict[str, pl.DataType] = {
    "task": pl.String(),
    "instance_id": pl.String(),
    "raw": pl.String(),
    "values": pl.List(pl.Float64),
    "scores": pl.List(pl.Float64),
}


class RunForOtherBench(CbcError):
    """The run answers another bench's questions."""


def prediction_frame(task: str, frame: pl.DataFrame) -> pl.DataFrame:
    """A predictor's frame (instance_id and any of raw, values, scores) with all the columns of a prediction."""
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in COLUMNS.items() if name not in frame.columns]
    return (
        frame.with_columns(missing)
        .with_columns(pl.lit(task).alias("task"))
        .select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())
    )


def write_run(
    out: Path, bench: Bench, name: str, kind: str, predictions: Mapping[str, pl.DataFrame], about: Mapping[str, Any]
) -> Path:
    """Write a run whole: predictions beside its place, the manifest last, then renamed."""
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is none of {KINDS}")
    staged = part_path(out)
    shutil.rmtree(staged, ignore_errors=True)
    (staged / "predictions").mkdir(parents=True)
    for task, frame in predictions.items():
        write_frame(prediction_frame(task, frame), staged / "predictions" / f"{task}.parquet")
    write_json(
        staged / "manifest.json",
        {
            "format": FORMAT,
            "version": VERSION,
            "run": name,
            "kind": kind,
            "bench": bench.fingerprint,
            "tasks": [task for task in bench.tasks if task in predictions],
            "about": dict(about),
        },
    )
    replace_folder(staged, out)
    return out


@dataclass(frozen=True)
class Run:
    """A run folder, opened against the bench it answers."""

    root: Path
    bench: Bench
    manifest: dict[str, Any]

    @classmethod
    def open(cls, root: Path, bench: Bench) -> Run:
        """Open a run. Raises NoSuchPath, WrongVersion, RunForOtherBench."""
        make = "make one with `cbc baselines predict NAME --bench BENCH --out RUN`"
        manifest = read_manifest(root, "run", (FORMAT, VERSION), make, "predict again")
        if manifest["bench"] != bench.fingerprint:
            raise RunForOtherBench(
                f"{root} answers another bench than {bench.root}", "predict again on this bench, or name the other one"
            )
        split = manifest["about"].get("split", "test")
        if split != "test":
            raise RunForOtherBench(f"{root} answers the {split} split", "predict again with --split test")
        return cls(root, bench, manifest)

    @property
    def name(self) -> str:
        return str(self.manifest["run"])

    @property
    def kind(self) -> str:
        return str(self.manifest["kind"])

    @property
    def about(self) -> dict[str, Any]:
        about: dict[str, Any] = self.manifest["about"]
        return about

    @property
    def tasks(self) -> list[str]:
        """The tasks it answers, in the bench's order."""
        return [task for task in self.bench.tasks if task in self.manifest["tasks"]]

    def predictions(self, task: str) -> pl.DataFrame:
        """One row for every test question, in the bench's order; a question without an answer has values null."""
        path = self.root / "predictions" / f"{task}.parquet"
        if not path.is_file():
            raise NoSuchPath(f"{self.root} has no predictions for {task}", "predict again")
        asked = read_frame(self.bench.root / "public" / task / "test.parquet", columns=["instance_id"])
        given = read_frame(path).drop("task").unique("instance_id", keep="first")
        return asked.join(given, on="instance_id", how="left", maintain_order="left").with_columns(
            pl.lit(task).alias("task")
        )
