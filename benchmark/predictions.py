"""Read the predictions of a task from parquet, within limits, and check them.

A file may come from anywhere: its size, rows and values are checked in its footer before they are read, and its columns
must have the types of COLUMNS. Each prediction answers a question that was asked, each question at most once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import CbcError, first_line
from corpus.files.written_once import excerpt

COLUMNS: dict[str, pl.DataType] = {
    "task": pl.String(),
    "instance_id": pl.String(),
    "raw": pl.String(),
    "values": pl.List(pl.Float64),
    "scores": pl.List(pl.Float64),
    "quantiles": pl.List(pl.Float64),
}
NEEDED = ("instance_id", "values")
LARGEST_BYTES = 256 << 20  # of a file, packed and unpacked
VALUES_A_QUESTION = 4000  # the quantiles of 100 scenes are 2,500
MOST_ROWS = 1_000_000  # of a file whose questions are unknown
TEXT, NUMBERS = pa.large_string(), pa.large_list(pa.float64())
TYPES = {"task": TEXT, "instance_id": TEXT, "raw": TEXT, "values": NUMBERS, "scores": NUMBERS, "quantiles": NUMBERS}
MEND = "write it again with `cbc benchmark submit` or `cbc baselines predict`"
UNREADABLE = (pa.ArrowException, OSError, ValueError, OverflowError)


class BadPredictions(CbcError):
    """A file of predictions is damaged, too large, or has other columns than documented."""


class WrongInstances(CbcError):
    """Predictions answer a question that was not asked, or one question twice."""


def prediction_frame(task: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Add the missing columns of COLUMNS to a predictor's frame (instance_id and any of the others)."""
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in COLUMNS.items() if name not in frame.columns]
    return (
        frame.with_columns(missing)
        .with_columns(pl.lit(task).alias("task"))
        .select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())
    )


def read_predictions(path: Path, task: str, asked: pl.Series) -> pl.DataFrame:
    """Read the predictions in a file, in its order. Raises BadPredictions, WrongInstances."""
    table = read_table(path, [name for name in COLUMNS if name != "task"], len(asked))
    frame = prediction_frame(task, pl.DataFrame(pl.from_arrow(table)))
    check_instances(path, frame["instance_id"], asked)
    return frame


def check_without_bench(path: Path) -> None:
    """Check a file of predictions as far as that is possible without its questions. Raises BadPredictions."""
    table = read_table(path, [name for name in COLUMNS if name != "task"], None)
    check_once(path, pl.Series(table["instance_id"].to_pylist(), dtype=pl.String))


def read_table(path: Path, optional: list[str], questions: int | None) -> pa.Table:
    """Read those of some columns that a parquet file has, in their documented types. Raises BadPredictions."""
    with as_bad_predictions(path):
        if path.stat().st_size > LARGEST_BYTES:
            raise BadPredictions(f"{path} is larger than {LARGEST_BYTES >> 20} MiB", MEND)
        with pq.ParquetFile(path) as file:
            check_schema(path, file.schema_arrow)
            names = [name for name in optional if name in file.schema_arrow.names]
            check_size(path, file.metadata, questions)
            table = file.read(columns=names)
        table.validate(full=True)
        return table.cast(pa.schema([(name, TYPES[name]) for name in names]), safe=False)


@contextmanager
def as_bad_predictions(path: Path) -> Iterator[None]:
    """Turn any error of reading a parquet file into BadPredictions."""
    try:
        yield
    except UNREADABLE as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else first_line(error)
        raise BadPredictions(f"{path} cannot be read as parquet ({excerpt(reason)})", MEND) from None


def check_schema(path: Path, schema: pa.Schema) -> None:
    """Check that each column is there once, with its type. Raises BadPredictions."""
    missing = [name for name in NEEDED if name not in schema.names]
    if missing:
        present = excerpt(schema.names) or "none"
        raise BadPredictions(f"{path} lacks the column {' and '.join(missing)} (it has {present})", MEND)
    for name in set(TYPES) & set(schema.names):
        if schema.names.count(name) > 1:
            raise BadPredictions(f"{path} has the column {name} twice", MEND)
        dtype, expected = schema.field(name).type, "text" if TYPES[name] is TEXT else "a list of numbers"
        if not (holds_text(dtype) if TYPES[name] is TEXT else holds_numbers(dtype)):
            raise BadPredictions(f"{path}: column {name} is {excerpt(dtype)}, not {expected}", MEND)


def holds_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text, or nothing at all."""
    return kind in (pa.string(), pa.large_string(), pa.string_view(), pa.null())


def holds_numbers(kind: pa.DataType) -> bool:
    """Whether a column of this type holds lists of numbers, or nothing at all."""
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return bool(pa.types.is_null(kind))
    inner = kind.value_type
    return bool(pa.types.is_floating(inner) or pa.types.is_integer(inner) or pa.types.is_null(inner))


def check_size(path: Path, footer: pq.FileMetaData, questions: int | None) -> None:
    """Check a file's rows and unpacked size against the number of questions, if known. Raises BadPredictions."""
    if questions is None:
        questions = min(footer.num_rows, MOST_ROWS)
    if footer.num_rows > questions:
        raise BadPredictions(f"{path} has {footer.num_rows} rows for {questions} questions", "give each answer once")
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    unpacked = sum(group.total_byte_size for group in groups)
    values = max((group.column(i).num_values for group in groups for i in range(group.num_columns)), default=0)
    if unpacked > LARGEST_BYTES or values > VALUES_A_QUESTION * questions:
        raise BadPredictions(f"{path} unpacks to {unpacked} bytes, {values} values in a column", MEND)


def check_instances(path: Path, instance_ids: pl.Series, asked: pl.Series) -> None:
    """Check that each answer belongs to a question that was asked, each once. Raises WrongInstances."""
    unknown = instance_ids.filter(~instance_ids.is_in(asked.implode()).fill_null(False))
    if len(unknown):
        first = excerpt(unknown[0])
        raise WrongInstances(f"{path} answers {len(unknown)} questions that were not asked (first: {first})", MEND)
    check_once(path, instance_ids)


def check_once(path: Path, instance_ids: pl.Series) -> None:
    """Check that each question is answered at most once. Raises WrongInstances."""
    repeated = instance_ids.filter(instance_ids.is_duplicated())
    if len(repeated):
        raise WrongInstances(f"{path} answers {excerpt(repeated[0])} more than once", "give each answer once")
