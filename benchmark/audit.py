"""Whether the answers of a bench can be learned from its own training part: `cbc benchmark audit --bench BENCH`, also
run by build.

Three grades. Leaks refuse the bench: a message, a group or a prompt that stands in the test part of a task and in the
training or validation part of any; training that is later than a test by time. What should have been left out is
counted: titles and texts of test messages in training, prompts that show the count they ask for. The rest is reported:
sizes, groups and times. Whether one test question shows the answer to another is looked at in a hidden bench alone,
whose test messages are in one task each; `cbc benchmark attack` tries it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from benchmark.bench import Bench
from benchmark.holdout import title_words
from benchmark.revealing import find_revealing
from benchmark.tasks.registry import task_named
from corpus.errors import CbcError
from corpus.printing import number_of, table_text

LEAK, LEFT = "leak", "left in"
"""Grades: refuses the bench; should have been left out."""


class LeakyBench(CbcError):
    """Test answers of a bench, or what tells of them, stand in its training part."""


@dataclass(frozen=True)
class Finding:
    """What an audit found: `count` questions of the test part of `task` that a part of `other`, training if none is
    named, tells of.
    """

    grade: str
    what: str
    task: str
    other: str
    count: int
    example: str


def audit(bench: Bench) -> list[Finding]:
    """Everything found, leaks first."""
    questions = {task: bench.public(task, "test") for task in bench.tasks}
    tests = {task: keyed(frame) for task, frame in questions.items()}
    findings = []
    for other in bench.tasks:
        for split in ("train", "validation"):
            learned = keyed(bench.public(other, split))
            where = other if split == "train" else f"{other} ({split})"
            for task, test in tests.items():
                comparisons = [*compared(task, test, learned)]
                if split == "train" or task == other:  # other groups may be validated on at any time
                    comparisons += later(task, test, other, learned)
                for grade, what, shared in comparisons:
                    if shared:
                        findings.append(Finding(grade, what, task, where, len(shared), shared[0]))
    findings += tested_twice(tests) if bench.hidden else []
    for task, test in questions.items():
        if shown := shows_answer(bench, task, test):
            findings.append(Finding(LEFT, "counts", task, task, len(shown), shown[0]))
    return sorted(findings, key=lambda finding: (finding.grade != LEAK, finding.task, finding.other))


def tested_twice(tests: dict[str, pl.DataFrame]) -> Iterator[Finding]:
    """Yield the messages that two tasks ask about: what one asks another may show."""
    for task, test in tests.items():
        for other in (other for other in tests if other > task):
            known = tests[other].select("messages").drop_nulls().unique()
            shared = test.join(known, on="messages", how="semi")["instance_id"].to_list()
            if shared:
                yield Finding(LEAK, "messages", task, f"{other} (test)", len(shared), shared[0])


COLUMNS = {
    "messages": "message_id",
    "groups": "group",
    "prompts": "prompt",
    "titles": "title",
    "texts": "body",
    "companies": "company",
}
"""What is compared, and the column that holds it."""


def keyed(frame: pl.DataFrame) -> pl.DataFrame:
    """instance_id, published_at, and a column for each of COLUMNS as it is compared; null where there is none."""
    keys = {what: pl.col(name).cast(pl.String) for what, name in COLUMNS.items() if name in frame.columns}
    keys["prompts"] = keys["prompts"].str.replace_all(r"\s+", " ").str.strip_chars()
    keys |= {what: title_words(COLUMNS[what]) for what in ("titles", "texts", "companies") if what in keys}
    missing = {what: pl.lit(None, pl.String) for what in COLUMNS if what not in keys}
    at = pl.col("published_at").cast(pl.Datetime("us")) if "published_at" in frame.columns else pl.lit(None)
    return frame.select("instance_id", published_at=at, **keys, **missing)


def compared(task: str, test: pl.DataFrame, learned: pl.DataFrame) -> Iterator[tuple[str, str, list[str]]]:
    """What test questions share with what is learned from: grade, what, and instances of the test part."""
    by_time = task_named(task).split_by_time is not None  # those live inside the training groups
    for what in COLUMNS:
        if not (by_time and what in ("groups", "companies")):
            known = learned.select(what).drop_nulls().unique()
            shared = test.join(known, on=what, how="semi")["instance_id"].to_list()
            yield LEAK if what in ("messages", "groups", "prompts") else LEFT, what, shared


def later(task: str, test: pl.DataFrame, other: str, learned: pl.DataFrame) -> Iterator[tuple[str, str, list[str]]]:
    """Test questions of a task separated by time that something of the same table, to learn from, is later than."""
    tested, learning = task_named(task), task_named(other)
    if tested.split_by_time is None or tested.table != learning.table or learned.is_empty():
        return
    last = learned["published_at"].max()
    if last is not None:
        yield LEAK, "times", test.filter(pl.col("published_at") <= pl.lit(last))["instance_id"].to_list()


def shows_answer(bench: Bench, task: str, test: pl.DataFrame) -> list[str]:
    """Test questions whose prompt shows the count they ask for; none where the answers are not at hand."""
    if not task_named(task).hidden_counts or not (bench.root / "private" / task / "test.parquet").is_file():
        return []
    target = bench.answers(task).select("instance_id", asked_count=pl.col("target").list.first())
    asked = test.join(target, on="instance_id", how="left", maintain_order="left")
    return asked.filter(find_revealing(asked, ("asked_count",)))["instance_id"].to_list()


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
    findings = table_text(
        ["grade", "shared", "test of", "training of", "questions", "first"],
        [[finding[column] for column in columns] for finding in rows["findings"]],
    )
    names = list(rows["tasks"][0]) if rows["tasks"] else []
    facts = table_text([name.replace("_", " ") for name in names], [list(row.values()) for row in rows["tasks"]])
    leaks = number_of(rows["leaks"], "leak")
    return "\n\n".join([facts, *([findings] if rows["findings"] else []), leaks])
