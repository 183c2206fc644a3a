"""Break good run folders: each function does it in one way, which its name says."""

from __future__ import annotations

import json
import math
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

TASK = "like_view_ratio"
Break = Callable[[Path], Any]


def manifest(run: Path) -> dict[str, Any]:
    return json.loads((run / "manifest.json").read_text())


def change(**fields: Any) -> Break:
    """Change fields of the manifest."""
    return lambda run: (run / "manifest.json").write_text(json.dumps(manifest(run) | fields))


def drop(field: str) -> Break:
    def without(run: Path) -> None:
        content = manifest(run)
        del content[field]
        (run / "manifest.json").write_text(json.dumps(content))

    return without


def raw(content: bytes) -> Break:
    return lambda run: (run / "manifest.json").write_bytes(content)


def answers(run: Path) -> Path:
    return run / "predictions" / f"{TASK}.parquet"


def rewrite(change_frame: Callable[[pl.DataFrame], pl.DataFrame]) -> Break:
    return lambda run: change_frame(pl.read_parquet(answers(run))).write_parquet(answers(run))


def table(**columns: Any) -> Break:
    """Write other columns, or columns of other types."""

    def write(run: Path) -> None:
        names = pl.read_parquet(answers(run))["instance_id"].to_list()
        arrays = {name: column(names) if callable(column) else column for name, column in columns.items()}
        pq.write_table(pa.table(arrays), answers(run))

    return write


def ids(names: list[str]) -> pa.Array:
    return pa.array(names)


def values(make: Callable[[int], Any], kind: pa.DataType) -> Callable[[list[str]], pa.Array]:
    return lambda names: pa.array([make(i) for i in range(len(names))], kind)


def link(inside: str, target: str) -> Break:
    def make(run: Path) -> None:
        path = run / inside
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return make


def as_folder(inside: str) -> Break:
    def make(run: Path) -> None:
        (run / inside).unlink()
        (run / inside).mkdir()

    return make


def as_pipe(inside: str) -> Break:
    def make(run: Path) -> None:
        (run / inside).unlink()
        os.mkfifo(run / inside)

    return make


def many_values(run: Path) -> None:
    """Write a small file that unpacks to a hundred million numbers."""
    names = pl.read_parquet(answers(run))["instance_id"].to_list()
    lists = pa.array([[0.0] * 250_000] * len(names), pa.list_(pa.float64()))
    pq.write_table(pa.table({"instance_id": names, "values": lists}), answers(run), compression="zstd")


def sparse(inside: str, size: int) -> Break:
    def make(run: Path) -> None:
        with (run / inside).open("r+b") as file:
            file.truncate(size)

    return make


def not_utf8(run: Path) -> None:
    names = pl.read_parquet(answers(run))["instance_id"].to_list()
    broken = pa.array([b"\xff\xfe" + name.encode() for name in names], pa.binary()).cast(pa.string(), safe=False)
    pq.write_table(pa.table({"instance_id": broken, "values": [[1.0]] * len(names)}), answers(run))


def cut(run: Path) -> None:
    answers(run).write_bytes(answers(run).read_bytes()[:-40])


def flipped(run: Path) -> None:
    """Invert the bytes of the data pages."""
    content = bytearray(answers(run).read_bytes())
    for i in range(4, len(content) // 2):
        content[i] ^= 0xFF
    answers(run).write_bytes(content)


def deep(depth: int) -> bytes:
    return b'{"format": "cbc-run", "version": 2, "about": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


def about_number(number: bytes) -> Break:
    """Write a number as JSON text that Python's own writer would not write."""

    def write(run: Path) -> None:
        path = run / "manifest.json"
        path.write_bytes(path.read_bytes().replace(b'"about": {', b'"about": {"x": ' + number + b", "))

    return write


def column_twice(run: Path) -> None:
    columns = [pa.array(["i0000"]), pa.array([[1.0]]), pa.array([[2.0]])]
    pq.write_table(pa.Table.from_arrays(columns, ["instance_id", "values", "values"]), answers(run))


def extra_files(run: Path) -> None:
    for name in (".DS_Store", "predictions/views.parquet", "x.pkl"):
        (run / name).write_text("x")


def bare(run: Path) -> None:
    """Keep only the fields that are required."""
    for field in ("settings", "about", "counts", "partial", "split"):
        drop(field)(run)


NUMBERS = pa.list_(pa.float64())
GOOD = values(lambda i: [1.0], NUMBERS)
MANIFEST_BREAKS: dict[str, Break] = {
    "manifest absent": lambda run: (run / "manifest.json").unlink(),
    "manifest empty": raw(b""),
    "manifest half": lambda run: raw((run / "manifest.json").read_bytes()[:60])(run),
    "manifest a list": raw(b"[]"),
    "manifest not UTF-8": raw(b'{"format": "cbc-run", "version": 2, "run": "\xff\xfe"}'),
    "manifest a pickle": raw(pickle.dumps({"format": "cbc-run"})),
    "manifest deep": raw(deep(5_000)),
    "manifest endlessly deep": raw(deep(100_000)),
    "manifest of NULs": raw(b"\0" * 100),
    "manifest larger than it may be": sparse("manifest.json", 1 << 30),
    "manifest a folder": as_folder("manifest.json"),
    "manifest a pipe": as_pipe("manifest.json"),
    "manifest a link out": link("manifest.json", "/etc/passwd"),
    "format of a bench": change(format="cbc-bench"),
    "older version": change(version=1),
    "later version": change(version=3),
    "version as text": change(version="2"),
    "no run": drop("run"),
    "no tasks": drop("tasks"),
    "no bench": drop("bench"),
    "no kind": drop("kind"),
    "unknown field": change(**{"best\x1b[31m": True}),
    "name with a newline": change(run="a\n| b | 1.0 |"),
    "name with a terminal's escape": change(run="a\x1b]0;owned\x07"),
    "name that turns text round": change(run="a\u202eb"),
    "name empty": change(run=""),
    "name endless": change(run="a" * 1_000_000),
    "name a path up": change(run="../../etc/cron.d/x"),
    "name a number": change(run=7),
    "name null": change(run=None),
    "kind unknown": change(kind="referee"),
    "kind a list": change(kind=["lm"]),
    "tasks a text": change(tasks=TASK),
    "tasks with a path": change(tasks=["../../../etc/passwd"]),
    "tasks with numbers": change(tasks=[1, 2]),
    "task twice": change(tasks=[TASK, TASK]),
    "task unknown": change(tasks=[TASK, "smell"]),
    "task listed but absent": change(tasks=[TASK, "views"]),
    "tasks none": change(tasks=[]),
    "bench another": change(bench="beef"),
    "bench no digest": change(bench="the best\nbench"),
    "split validation": change(split="validation"),
    "split unknown": change(split="train"),
    "partial a text": change(partial="yes"),
    "about a list": change(about=[1]),
    "about with NaN": about_number(b"NaN"),
    "about with infinity": about_number(b"1e999"),
    "about with a huge number": about_number(b"9" * 10_000),
    "about with escapes": change(about={"recipe": "a\x1b[2J\n# Best of all"}),
    "about endless": change(about={"says": "x" * 10_000}),
    "counts of texts": change(counts={TASK: {"answers": "many"}}),
}  # fmt: skip
PREDICTION_BREAKS: dict[str, Break] = {
    "predictions absent": lambda run: shutil.rmtree(run / "predictions"),
    "predictions a file": lambda run: (shutil.rmtree(run / "predictions"), (run / "predictions").write_text("x")),
    "predictions a link out": link("predictions", "/etc"),
    "file absent": lambda run: answers(run).unlink(),
    "file empty": lambda run: answers(run).write_bytes(b""),
    "file junk": lambda run: answers(run).write_bytes(os.urandom(5000)),
    "file a pickle": lambda run: answers(run).write_bytes(pickle.dumps([1.0])),
    "file a CSV": lambda run: answers(run).write_text("instance_id,values\ni0000,1\n"),
    "file cut": cut,
    "file flipped": flipped,
    "file of magic alone": lambda run: answers(run).write_bytes(b"PAR1\xff\xff\xff\x7fPAR1"),
    "file a folder": as_folder(f"predictions/{TASK}.parquet"),
    "file a pipe": as_pipe(f"predictions/{TASK}.parquet"),
    "file a link out": link(f"predictions/{TASK}.parquet", "/etc/passwd"),
    "file a link in": link(f"predictions/{TASK}.parquet", "../manifest.json"),
    "file larger than it may be": sparse(f"predictions/{TASK}.parquet", 1 << 40),
    "file with a hundred million values": many_values,
    "no instance_id": table(name=ids, values=GOOD),
    "no values": table(instance_id=ids, value=GOOD),
    "no columns": lambda run: pq.write_table(pa.table({}), answers(run)),
    "column twice": column_twice,
    "values as texts": table(instance_id=ids, values=values(lambda i: "1.0", pa.string())),
    "values lists of texts": table(instance_id=ids, values=values(lambda i: ["1.0"], pa.list_(pa.string()))),
    "values lists of lists": table(instance_id=ids, values=values(lambda i: [[1.0]], pa.list_(NUMBERS))),
    "values lists of times": table(instance_id=ids, values=values(lambda i: [i], pa.list_(pa.timestamp("s")))),
    "values single numbers": table(instance_id=ids, values=values(float, pa.float64())),
    "values a record": table(instance_id=ids, values=values(lambda i: {"a": 1.0}, pa.struct([("a", pa.float64())]))),
    "scores as texts": table(instance_id=ids, values=GOOD, scores=values(str, pa.string())),
    "raw as bytes": table(instance_id=ids, values=GOOD, raw=values(lambda i: b"\xff", pa.binary())),
    "instances as numbers": table(instance_id=values(int, pa.int64()), values=GOOD),
    "instances null": table(instance_id=values(lambda i: None, pa.string()), values=GOOD),
    "instances not UTF-8": not_utf8,
    "instances unknown": rewrite(lambda frame: frame.with_columns(instance_id="x\n" + pl.col("instance_id"))),
    "instance twice": rewrite(lambda frame: pl.concat([frame.head(39), frame.head(1)])),
    "instances too many": rewrite(lambda frame: pl.concat([frame, frame])),
    "instance endless": rewrite(lambda frame: frame.with_columns(instance_id=pl.lit("x" * 1_000_000))),
}  # fmt: skip
BREAKS = MANIFEST_BREAKS | PREDICTION_BREAKS
HARMLESS: dict[str, Break] = {  # odd, yet documented: scored, and counted as unread
    "values null": table(instance_id=ids, values=values(lambda i: None, pa.null())),
    "values not finite": table(instance_id=ids, values=values(lambda i: [math.nan if i % 2 else math.inf], NUMBERS)),
    "values huge": table(instance_id=ids, values=values(lambda i: [1.7e308], NUMBERS)),
    "values of another count": table(instance_id=ids, values=values(lambda i: [1.0] * (i % 5), NUMBERS)),
    "values whole numbers": table(instance_id=ids, values=values(lambda i: [2**62], pa.list_(pa.int64()))),
    "raw endless": rewrite(lambda frame: frame.with_columns(raw=pl.lit("x" * 100_000))),
    "no rows": rewrite(lambda frame: frame.head(0)),
    "no rows of a partial run": lambda run: (rewrite(lambda frame: frame.head(0))(run), change(partial=True)(run)),
    "extra files": extra_files,
    "extra columns": rewrite(lambda frame: frame.with_columns(note=pl.lit("x"))),
    "scores.json of another": lambda run: (run / "scores.json").write_text("{"),
    "only the fields that are needed": bare,
}  # fmt: skip
