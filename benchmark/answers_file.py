"""Read a file of answers: CSV, parquet or JSON Lines with the columns instance_id and answer.

    instance_id,answer
    views:yt-a1,12000

Columns: `instance_id`; one of `answer` (what the model wrote, read by the task; or a number) and `values` (a number, or
a list with one for each value asked; for a choice the index of the option, from 0), or, for choices, `scores` alone (a
list, one for each option; the highest is the answer). `scores` may be given beside either. `task` is needed only where
several tasks have an instance_id. In CSV a list is written [1, 2, 3]. Other columns are ignored and reported.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from corpus.errors import CbcError, first_line
from corpus.files.encodings import SAMPLE_BYTES, binary_fault
from corpus.files.written_once import excerpt
from corpus.strict_model import first_fault

COLUMNS = ("task", "instance_id", "answer", "values", "scores")
ANSWERS = ("answer", "values", "scores")
LARGEST_BYTES = 256 << 20
LONGEST_ANSWER = 100_000  # characters
MOST_ROWS = 1_000_000
MOST_VALUES = 10_000  # of one answer
WRITE = "write .csv, .parquet or .jsonl with the columns instance_id and answer"


class BadAnswers(CbcError):
    """A file of answers cannot be read, or one of its rows is not as documented."""


def as_number(value: Any) -> float:
    """Read a number, or text that spells one in digits. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("no number")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def as_numbers(value: Any) -> list[float] | None:
    """Read a list of numbers from a list, a number, or text of either; None for an empty cell. Raises ValueError."""
    if isinstance(value, str):
        text = value.strip()
        value = from_json(text) if text.startswith("[") else text or None
    if value is None:
        return None
    parts = value if isinstance(value, list) else [value]
    if len(parts) > MOST_VALUES:
        raise ValueError(f"more than {MOST_VALUES} values")
    return [math.nan if part is None else as_number(part) for part in parts]


def as_answer(value: Any) -> str | list[float] | None:
    """Read a model's text, or values that are numbers already. Raises ValueError."""
    if value is None or isinstance(value, str):
        if value and len(value) > LONGEST_ANSWER:
            raise ValueError(f"longer than {LONGEST_ANSWER:,} characters")
        return value
    return as_numbers(value)


Numbers = Annotated[list[float] | None, BeforeValidator(as_numbers)]


class AnswerRow(BaseModel):
    """One row of a file of answers."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    instance_id: str = Field(max_length=1000)
    task: str | None = None
    answer: Annotated[str | list[float] | None, BeforeValidator(as_answer)] = None
    values: Numbers = None
    scores: Numbers = None


@dataclass(frozen=True)
class AnswersFile:
    """The rows of a file with their line or row numbers (the header is line 1), and the ignored columns."""

    rows: list[tuple[int, AnswerRow]]
    ignored: list[str]


def read_answers(path: Path) -> AnswersFile:
    """Read and check a file of answers. Raises BadAnswers."""
    reader = READERS.get(path.suffix.lower())
    try:
        if not path.is_file():
            raise BadAnswers(f"no file of answers at {path}", WRITE)
        if reader is None:
            raise BadAnswers(f"{path} is no file of a kind that can be read", WRITE)
        if path.stat().st_size > LARGEST_BYTES:
            raise BadAnswers(f"{path} is larger than {LARGEST_BYTES >> 20} MiB", "leave out all but the answers")
        check_text(path)
        names, rows = reader(path) if path.stat().st_size else ([], iter(()))
        if not names:
            raise BadAnswers(f"{path} holds no rows", WRITE)
        check_columns(path, names)
        answers = [(number, answer_row(path, number, row)) for number, row in rows]
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        raise BadAnswers(f"{path} cannot be read ({excerpt(reason)})", WRITE) from None
    if not answers:
        raise BadAnswers(f"{path} holds no rows", WRITE)
    return AnswersFile(answers, [name for name in names if name not in COLUMNS])


def check_text(path: Path) -> None:
    """Check that a file of text is not binary or in UTF-16. Raises BadAnswers, OSError."""
    if path.suffix.lower() == ".parquet":
        return
    with path.open("rb") as file:
        fault = binary_fault(file.read(SAMPLE_BYTES))
    if fault:
        raise BadAnswers(f"{path} {fault}", "save it as UTF-8 text, or give parquet")


def check_columns(path: Path, names: list[str]) -> None:
    """Check that a file has an instance_id and one kind of answer. Raises BadAnswers."""
    if "instance_id" not in names or not set(ANSWERS) & set(names):
        missing = "instance_id" if "instance_id" not in names else "answer (or values)"
        raise BadAnswers(f"{path} lacks the column {missing} (it has {excerpt(names)})", WRITE)
    if {"answer", "values"} <= set(names):
        raise BadAnswers(f"{path} has both answer and values", "leave out the one that should not be scored")


def answer_row(path: Path, number: int, row: Any) -> AnswerRow:
    """Validate a row. Raises BadAnswers."""
    try:
        return AnswerRow.model_validate(row)
    except ValidationError as error:
        raise BadAnswers(f"{path} row {number}: {excerpt(first_fault(error))}", WRITE) from None


Rows = Iterator[tuple[int, Any]]


def csv_rows(path: Path) -> tuple[list[str], Rows]:
    """Read the rows of a CSV file, every cell as text; the header is line 1. Raises BadAnswers."""
    content = path.read_bytes()
    if content.count(b'"') % 2:  # polars would leave out the rows after it, without an error
        mend = "close it, or put a cell with a quote in quotes and write the quote twice"
        raise BadAnswers(f"{path}: a quote in the row of line {open_quote_line(content)} is not closed", mend)
    frame = pl.read_csv(content, infer_schema=False, n_rows=MOST_ROWS + 1)
    if len(frame) > MOST_ROWS:
        raise BadAnswers(f"{path} has more than {MOST_ROWS:,} rows", "leave out all but the answers")
    return frame.columns, enumerate(frame.select(documented_columns(frame.columns)).iter_rows(named=True), 2)


def open_quote_line(content: bytes) -> int:
    """The line of a quote that is not closed: where a cell begins that runs to the end, else the first odd line."""
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8", "replace", newline=""), strict=True)
    line = 1
    try:
        for _ in rows:
            line = rows.line_num + 1
    except csv.Error as error:
        if any(words in str(error) for words in ("unexpected end", "field larger")):
            return line
    return next(number for number, text in enumerate(content.splitlines(), 1) if text.count(b'"') % 2)


def parquet_rows(path: Path) -> tuple[list[str], Rows]:
    """Read the rows of a parquet file, whose footer is checked against the limits first. Raises BadAnswers."""
    with pq.ParquetFile(path) as file:
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        values = max((group.column(i).num_values for group in groups for i in range(group.num_columns)), default=0)
        unpacked = sum(group.total_byte_size for group in groups)
        if max(file.metadata.num_rows, values // 100) > MOST_ROWS or unpacked > LARGEST_BYTES:
            raise BadAnswers(f"{path} unpacks to {unpacked} bytes, {values} values", "leave out all but the answers")
        names = list(file.schema_arrow.names)
        if len(set(names)) < len(names):
            raise BadAnswers(f"{path} has a column twice", WRITE)
        table = file.read(columns=documented_columns(names))
    table.validate(full=True)
    return names, enumerate(table.to_pylist(), 1)


def json_rows(path: Path) -> tuple[list[str], Rows]:
    """Read the rows of a JSON Lines file: one object on each line. Raises BadAnswers."""
    rows: list[tuple[int, Any]] = []
    names: dict[str, None] = {}
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                rows.append((number, json_row(path, number, line)))
                names |= dict.fromkeys(rows[-1][1])
    return list(names), iter(rows)


def json_row(path: Path, number: int, line: str) -> dict[str, Any]:
    """Read the object on one line. Raises BadAnswers."""
    try:
        row = from_json(line)
    except ValueError as error:
        raise BadAnswers(f"{path} line {number} is no JSON ({excerpt(error)})", "write one object a line") from None
    if not isinstance(row, dict):
        raise BadAnswers(f"{path} line {number} is no JSON object", "write one object a line")
    return row


def documented_columns(names: list[str]) -> list[str]:
    """The documented columns among those of a file."""
    return [name for name in names if name in COLUMNS]


READERS = {".csv": csv_rows, ".parquet": parquet_rows, ".jsonl": json_rows}
