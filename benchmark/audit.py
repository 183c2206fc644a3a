"""Whether the answers of a bench can be learned from its own training part: `cbc benchmark audit BENCH`, also run by
build.

Three grades. Leaks refuse the bench: a message, a group or a prompt that stands in the test part of a task and in the
training part of any. What should have been left out is counted: titles of test messages in training, prompts that show
the count they ask for. The rest is reported: times, and how the answers are spread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from benchmark.bench import Bench
from benchmark.tasks.registry import task_named
from corpus.errors import CbcError
from corpus.printing import number_of, table_text

LEAK, LEFT = "leak", "left in"
"""Grades: refuses the bench; should have been left out."""


class LeakyBench(CbcError):
    """Test answers of a bench, or what tells of them, stand in its training part."""


@dataclass(frozen=True)
class Finding:
    """What an audit found: `count` questions of the test part of `task` that `other`'s training part tells of."""

    grade: str
    what: str
    task: str
    other: str
    count: int
    example: str


def audit(bench: Bench) -> list[Finding]:
    """Everything found, leaks first."""
    trains = {task: bench.public(task, "train") for task in bench.tasks}
    tests = {task: bench.public(task, "test") for task in bench.tasks}
    findings = [
        Finding(grade, what, task, other, len(shared), shared[0])
        for task, test in tests.items()
        for other, train in trains.items()
        for grade, what, shared in compared(task, test, train)
        if shared
    ]
    findings += [finding for task in bench.tasks for finding in out_of_order(task, trains[task], tests[task])]
    return sorted(findings, key=lambda finding: (finding.grade != LEAK, finding.task, finding.other))


def compared(task: str, test: pl.DataFrame, train: pl.DataFrame) -> Iterator[tuple[str, str, list[str]]]:
    """What test questions share with a training part: grade, what, and instances of the test part."""
    yield LEAK, "messages", shared_by(test, train, pl.col("message_id"))
    if task_named(task).split_by_time is None:  # the others live inside the training groups
        yield LEAK, "groups", shared_by(test, train, pl.col("group"))
    yield LEAK, "prompts", shared_by(test, train, pl.col("prompt"))
    words = pl.col("title").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    yield LEFT, "titles", shared_by(test, train, pl.when(words != "").then(words))


def shared_by(test: pl.DataFrame, train: pl.DataFrame, key: pl.Expr) -> list[str]:
    """The test instances whose key stands in the training part."""
    known = train.select(key.alias("key")).drop_nulls().unique()
    return test.select("instance_id", key.alias("key")).join(known, on="key", how="semi")["instance_id"].to_list()


def out_of_order(task: str, train: pl.DataFrame, test: pl.DataFrame) -> Iterator[Finding]:
    """Test questions of a task separated by time that are not later than all of its training."""
    if task_named(task).split_by_time is None:
        return
    early = test.filter(pl.col("published_at") <= train["published_at"].max())["instance_id"].to_list()
    if early:
        yield Finding(LEAK, "times", task, task, len(early), early[0])


def refuse_leaks(bench: Bench) -> None:
    """Raises LeakyBench."""
    leaks = [finding for finding in audit(bench) if finding.grade == LEAK]
    if leaks:
        first = leaks[0]
        raise LeakyBench(
            f"{number_of(first.count, 'test question')} of {first.task} share {first.what} with the training part of "
            f"{first.other} (first: {first.example})",
            "let the task take its splits from the holdout, and build the bench again",
        )


def spread(bench: Bench) -> list[dict[str, Any]]:
    """Facts of each task for readers: sizes, groups, first and last time of training and test."""
    rows = []
    for task in bench.tasks:
        row: dict[str, Any] = {"task": task}
        for split in ("train", "test"):
            frame = bench.public(task, split)
            first, last = frame["published_at"].min(), frame["published_at"].max()
            row |= {split: len(frame), f"{split}_groups": frame["group"].n_unique()}
            row |= {
                f"{split}_from": str(first)[:10] if first else None,
                f"{split}_to": str(last)[:10] if last else None,
            }
        rows.append(row)
    return rows


def audit_rows(bench: Bench) -> dict[str, Any]:
    """An audit for programs."""
    findings = [finding.__dict__ for finding in audit(bench)]
    return {"leaks": sum(row["grade"] == LEAK for row in findings), "findings": findings, "tasks": spread(bench)}


def audit_text(rows: dict[str, Any]) -> str:
    """An audit as tables."""
    columns = ("grade", "what", "task", "other", "count", "example")
    found = table_text(
        ["grade", "shared", "test of", "training of", "questions", "first"],
        [[finding[column] for column in columns] for finding in rows["findings"]],
    )
    names = list(rows["tasks"][0]) if rows["tasks"] else []
    facts = table_text([name.replace("_", " ") for name in names], [list(row.values()) for row in rows["tasks"]])
    said = number_of(rows["leaks"], "leak")
    return "\n\n".join([facts, *([found] if rows["findings"] else []), said])
