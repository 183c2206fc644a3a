"""`cbc benchmark build --corpus DIR --out BENCH`: from a corpus to questions and answers.

Each task of the registry that the corpus can feed becomes public/TASK/{train,validation,test}.parquet and
private/TASK/test.parquet; what a task lacks is said in the manifest. Only the private part holds the test answers.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from benchmark.bench import FORMAT, SPLITS, VERSION, Bench
from benchmark.oracle import LAW, oracle_answers
from benchmark.tasks.base import CONTENT, NotEnough, Task
from benchmark.tasks.registry import TASKS
from corpus.derivatives import remember
from corpus.errors import CbcError
from corpus.files.atomic import part_path, replace_folder, write_json
from corpus.files.hashes import file_sha256, fingerprint
from corpus.files.parquet_frames import write_frame
from corpus.filters.outcome import last_run
from corpus.progress import progress
from corpus.store import Corpus
from corpus.verbalize.message_frames import query
from corpus.verbalize.safe_text import MASK

SIZES = {"train": 20_000, "validation": 1_000, "test": 1_000}


class NothingToAsk(CbcError):
    """The corpus feeds no task."""


def build_bench(corpus: Path, out: Path, seed: int = 0, sizes: Mapping[str, int] | None = None) -> Bench:
    """Build the bench at `out` whole: beside its place, then renamed. Raises NoSuchPath, WrongVersion, NothingToAsk."""
    opened = Corpus.open(corpus)
    connection = opened.connect(kept=True)
    staged = part_path(out)
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    law = query(connection, f'FROM "{LAW}"') if LAW in opened.annotations() else None
    tasks: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    with progress("building", "tasks", len(TASKS)) as shown:
        for task in TASKS.values():
            try:
                tasks[task.name] = build_task(task, connection, staged, seed, {**SIZES, **(sizes or {})}, law)
            except NotEnough as reason:
                left_out[task.name] = str(reason)
            shown.advance()
    if not tasks:
        shutil.rmtree(staged)
        why = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise NothingToAsk(f"{corpus} feeds no task ({why})", "ingest more messages with behavior")
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "seed": seed,
        "simulated": is_simulated(connection, law),
    }
    if run := last_run(opened):
        manifest["filtered"] = {name: run[name] for name in ("recipe", "digest", "messages", "kept")}
    files = digests(staged)
    manifest |= {"fingerprint": fingerprint(files), "tasks": tasks, "left_out": left_out, "files": files}
    write_json(staged / "manifest.json", manifest)
    remember(corpus, out)
    replace_folder(staged, out)
    return Bench.open(out)


def build_task(
    task: Task,
    connection: duckdb.DuckDBPyConnection,
    staged: Path,
    seed: int,
    sizes: Mapping[str, int],
    law: pl.DataFrame | None,
) -> dict[str, Any]:
    """Write one task's files; gives its entry in the manifest. Raises NotEnough."""
    frame = task.instances(connection, seed, sizes)
    asked = task.render(frame)
    revealing = reveals(asked)
    asked = asked.filter(~revealing).with_columns(
        instance_id=pl.concat_str(pl.lit(f"{task.name}:"), pl.col("message_id"))
    )
    counts = {split: asked.filter(pl.col("split") == split).height for split in SPLITS}
    if min(counts["train"], counts["test"]) == 0:
        raise NotEnough(f"instances by split: {counts}")
    columns = ["instance_id", *CONTENT, "prompt", "options", *task.columns(), "answer", "target"]
    for split in SPLITS:
        part = asked.filter(pl.col("split") == split)
        public = part.select(columns)
        if split == "test":
            public = public.with_columns(answer=pl.lit(None, pl.String), target=pl.lit(None, pl.List(pl.Float64)))
        write_parquet(public, staged / "public" / task.name / f"{split}.parquet")
    train, test = (asked.filter(pl.col("split") == split) for split in ("train", "test"))
    private = test.select("instance_id", "answer", "target").with_columns(chance(task, train, test, seed))
    write_parquet(private, staged / "private" / task.name / "test.parquet")
    if law is not None and test["message_id"].is_in(law["message_id"].implode()).all():
        write_parquet(oracle_answers(task, test, law), staged / "private" / task.name / "oracle.parquet")
    entry = {name: getattr(task, name) for name in ("table", "condition", "kind")}
    return {**entry, "metrics": list(task.metrics), **counts, "revealing_left_out": int(revealing.sum())}


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write one file of the staged bench."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_frame(frame, path)


def reveals(frame: pl.DataFrame) -> pl.Series:
    """Whether a prompt still holds the exact count of views or likes that it masks, in any usual writing."""
    text = frame["prompt"].str.join().item() or ""
    masked = [name for name in ("views", "likes") if name in frame.columns and f"{name}: {MASK}" in text]
    found = pl.lit(False)
    for name in masked:
        digits = pl.col(name).cast(pl.Int64).cast(pl.String)
        grouped = digits.str.reverse().str.replace_all(r"(\d{3})", "${1},").str.reverse().str.strip_chars(",")
        for form in (digits, grouped, grouped.str.replace_all(",", "."), grouped.str.replace_all(",", " ")):
            found = found | ((pl.col(name) >= 1000) & pl.col("prompt").str.contains(form, literal=True))
    return frame.select(revealing=found.fill_null(False))["revealing"]


def chance(task: Task, train: pl.DataFrame, test: pl.DataFrame, seed: int) -> pl.Series:
    """A random legal answer to each test question: a value of training, any of the options alike."""
    rng = np.random.default_rng([seed, 7])
    pool = train["target"].explode().to_numpy()
    drawn = []
    for count, options in zip(test["target"].list.len(), test["options"], strict=True):
        values = [rng.integers(len(options))] if options is not None else rng.choice(pool, count)
        drawn.append([float(value) for value in values])
    return pl.Series("chance", drawn, pl.List(pl.Float64))


def is_simulated(connection: duckdb.DuckDBPyConnection, law: pl.DataFrame | None) -> bool:
    """Whether every message comes from the simulated world."""
    others = connection.execute("SELECT count(*) FROM provenance WHERE NOT starts_with(source, 'simulate@')").fetchone()
    return law is not None and others is not None and others[0] == 0


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path in it."""
    paths = sorted(path for path in folder.rglob("*.parquet"))
    return {str(path.relative_to(folder)): file_sha256(path) for path in paths}
