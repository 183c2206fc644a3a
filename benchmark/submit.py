"""`cbc benchmark submit ANSWERS --name X --bench BENCH`: make a run from a file of answers.

The file is refused if it names a question that the bench does not have (most often the bench is another one) or answers
one twice. A task without any answer is left out of the run. Within a task a missing answer counts as unread, like one
that cannot be read; with `partial` only the answered questions count, and the run has no rank among full ones. Texts
are read by the task.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmark.answer_key import count_reasons, reasons_text
from benchmark.answers_file import AnswerRow, AnswersFile, read_answers
from benchmark.bench import Bench
from benchmark.reference_rows import is_reference
from benchmark.references.base import asked_values
from benchmark.run import SUBMITTED, Manifest, is_written, new_manifest, write_manifested
from benchmark.tasks.registry import task_named
from corpus.errors import CbcError
from corpus.files.hashes import file_sha256
from corpus.files.written_once import excerpt

SAFE_FOLDER = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
SCHEMA = {
    "instance_id": pl.String(),
    "raw": pl.String(),
    "values": pl.List(pl.Float64),
    "scores": pl.List(pl.Float64),
}


class BadName(CbcError):
    """A run cannot have that name, or its name cannot be its folder."""


class UnknownInstances(CbcError):
    """Answers name questions that the bench does not have, that several tasks have, or that are answered twice."""


class BadScores(CbcError):
    """Scores of options do not fit the options."""


@dataclass(frozen=True)
class Question:
    """A test question of a bench: how many values it asks, and its options if it is a choice."""

    task: str
    instance_id: str
    count: int
    options: list[str] | None


def submit(answers: Path, name: str, bench: Path, out: Path | None = None, partial: bool = False) -> str:
    """Make a run from a file of answers; gives a report of what was read.

    Raises BadName, BadAnswers, UnknownInstances, BadScores, BadRun, HoldsOther, and what opening a bench raises.
    """
    opened_bench, folder = Bench.open(bench), run_folder(name, out)
    file = read_answers(answers)
    answered = match_rows(answers, file.rows, questions_by_id(opened_bench))
    frames = {task: answers_frame(answers, answered[task]) for task in opened_bench.tasks if task in answered}
    asked = {task: [question for question, _, _ in rows.values()] for task, rows in answered.items()}
    unread = {task: unread_instances(frame, asked[task]) for task, frame in frames.items()}
    manifest = new_manifest(
        run=name,
        kind=SUBMITTED,
        bench=opened_bench.fingerprint,
        partial=partial,
        tasks=list(frames),
        settings={"answers": file_sha256(answers)},
        about={"says": "answers submitted as a file"},
        counts={task: {"answers": len(frame), "unparsed": len(unread[task])} for task, frame in frames.items()},
    )
    already_written = is_written(folder, manifest)
    if not already_written:
        write_manifested(folder, manifest, frames)
    lines = [f"{folder}: {'already there, nothing to do' if already_written else f'run {name}'}"]
    lines += [f"  {note}" for note in report_lines(opened_bench, manifest, file, unread)]
    return "\n".join(lines)


def report_lines(
    bench: Bench, manifest: Manifest, file: AnswersFile, unread: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    """Yield the lines of the report: ignored columns, a line for each task, and the tasks without answers."""
    if file.ignored:
        yield f"ignored columns: {', '.join(map(excerpt, file.ignored))}"
    for task in manifest.tasks:
        yield task_line(bench, task, manifest.counts[task]["answers"], unread[task], manifest.partial)
    if left_out := [task for task in bench.tasks if task not in manifest.tasks]:
        yield f"not answered at all, and left out: {', '.join(left_out)}"


def run_folder(name: str, out: Path | None) -> Path:
    """The folder of the run: the one given, or one of the run's name. Raises BadName."""
    if is_reference(name):
        raise BadName(f"{excerpt(name)} is the name of one of the bench's own rows", "give another name")
    if out is None and not SAFE_FOLDER.fullmatch(name):
        raise BadName(f"the name {excerpt(name)!r} cannot be a folder's name", "give the run's folder with --out RUN")
    return out or Path(name)


def questions_by_id(bench: Bench) -> dict[str, list[Question]]:
    """The test questions of every task by instance_id; an id may belong to several tasks."""
    known: dict[str, list[Question]] = defaultdict(list)
    for task in bench.tasks:
        frame = bench.public(task, "test")
        columns = (frame["instance_id"].to_list(), asked_values(frame), frame["options"].to_list())
        for instance, count, options in zip(*columns, strict=True):
            known[instance].append(Question(task, instance, count, options))
    return known


def match_rows(
    path: Path, rows: list[tuple[int, AnswerRow]], known: Mapping[str, list[Question]]
) -> dict[str, dict[str, tuple[Question, int, AnswerRow]]]:
    """Match rows to questions; gives them by task and instance. Raises UnknownInstances."""
    answered: dict[str, dict[str, tuple[Question, int, AnswerRow]]] = defaultdict(dict)
    unknown = [(n, row) for n, row in rows if not candidates(row, known)]
    if unknown:
        number, row = unknown[0]
        example = excerpt(row.instance_id) + (f" of task {excerpt(row.task)}" if row.task else "")
        count = f"{len(unknown)} of {len(rows)} rows"
        raise UnknownInstances(
            f"{path}: {count} name no test question of the bench (first: row {number}, {example})",
            "name the bench that was answered, or leave those rows out",
        )
    for number, row in rows:
        questions = candidates(row, known)
        if len(questions) > 1:
            tasks = ", ".join(question.task for question in questions)
            raise UnknownInstances(
                f"{path} row {number}: {excerpt(row.instance_id)} stands in {tasks}", "add a column task"
            )
        question = questions[0]
        if question.instance_id in answered[question.task]:
            first = answered[question.task][question.instance_id][1]
            raise UnknownInstances(
                f"{path} answers {excerpt(row.instance_id)} twice (rows {first} and {number})", "give each answer once"
            )
        answered[question.task][question.instance_id] = question, number, row
    return dict(answered)


def candidates(row: AnswerRow, known: Mapping[str, list[Question]]) -> list[Question]:
    """The questions that a row may belong to."""
    return [q for q in known.get(row.instance_id, []) if not row.task or q.task == row.task]


def answers_frame(path: Path, answers: Mapping[str, tuple[Question, int, AnswerRow]]) -> pl.DataFrame:
    """Predictions of one task as a frame. Raises BadScores."""
    predictions: Iterator[dict[str, object]] = (
        {
            "instance_id": question.instance_id,
            "raw": raw_text(question, row),
            "values": values_of(question, row),
            "scores": checked_scores(path, number, question, row),
        }
        for question, number, row in answers.values()
    )
    return pl.DataFrame(list(predictions), schema=SCHEMA)


def values_of(question: Question, row: AnswerRow) -> list[float] | None:
    """Read the values of an answer, legal or not; None if it cannot be read."""
    raw = raw_text(question, row)
    if raw is not None:
        return task_named(question.task).answer.parse(raw, question.count, question.options)
    values = row.values if row.answer is None else row.answer
    return [float(np.argmax(row.scores))] if values is None and row.scores else values  # type: ignore[return-value]


def raw_text(question: Question, row: AnswerRow) -> str | None:
    """The text that the model wrote; a number as the answer to a choice is an option's text, not its index."""
    if isinstance(row.answer, list) and question.options is not None:
        return ", ".join(f"{value:g}" for value in row.answer)
    return row.answer if isinstance(row.answer, str) else None


def checked_scores(path: Path, number: int, question: Question, row: AnswerRow) -> list[float] | None:
    """Check that every option has one finite score. Raises BadScores."""
    if row.scores is None:
        return None
    if question.options is None:
        raise BadScores(f"{path} row {number}: {question.task} has no options to score", "leave its scores empty")
    if len(row.scores) != len(question.options) or not np.isfinite(row.scores).all():
        raise BadScores(
            f"{path} row {number}: {len(row.scores)} scores for {len(question.options)} options, or one not finite",
            "give one finite score for each option, in the bench's order",
        )
    return row.scores


def unread_instances(frame: pl.DataFrame, questions: list[Question]) -> dict[str, str]:
    """The instances whose answer cannot be read or is not accepted by the task, each with the reason."""
    unread: dict[str, str] = {}
    for question, values, raw in zip(questions, frame["values"].to_list(), frame["raw"].to_list(), strict=True):
        answer = task_named(question.task).answer
        if values is None or not answer.accepts(values, question.count):
            unread[question.instance_id] = answer.unread_reason(values, raw, question.count, question.options)
    return unread


def task_line(bench: Bench, task: str, answered: int, unread: Mapping[str, str], partial: bool) -> str:
    """A task in a line: how many questions were answered, are missing, and could not be read, and why."""
    asked = bench.public(task, "test").height
    line = f"{task}: {answered} of {asked} questions answered"
    if answered < asked:
        counts = "not counted: a partial run" if partial else "count as unread; with --partial they are not counted"
        line += f", {asked - answered} missing ({counts})"
    if not unread:
        return line
    reasons = reasons_text(count_reasons(unread.values()))
    return f"{line}, {len(unread)} unread: {reasons} (first: {excerpt(next(iter(unread)))})"
