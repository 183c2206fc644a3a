"""Read files into the table `_parsed`, by a mapping.

DuckDB reads parquet, and large clean files of CSV and JSON lines; all others are read record by record into batches. A
file in which DuckDB finds a fault is read again record by record, to reject only broken records and name their lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from threading import Event
from typing import Any, cast

import duckdb
import pyarrow as pa

from corpus.errors import CbcError
from corpus.files import encodings
from corpus.files.archives import BIG_BYTES, BROKEN_FILE, Part, Record, Unread, read_parts, read_text_records
from corpus.files.csv_records import MAX_RECORD_CHARS, read_records
from corpus.files.duckdb_reads_alike import is_plain_csv, is_plain_json
from corpus.files.side_by_side import all_threads
from corpus.files.sql import quote, quote_file
from corpus.sources.base import Received, RowError, Staging
from corpus.sources.table_sql import KEPT, Plan, json_path

BATCH_RECORDS, BATCH_CHARACTERS = 20_000, 16 << 20
SAMPLED_RECORDS = 1_000  # of JSON lines, to learn which columns a file has
SEPARATORS = (";", "\t", "|", ",")
SHOWN_CHARACTERS = 300  # of the names of a file's columns, in an error
NUMBERS = ("_file", "_record", "_n", "_line")


class UnknownColumn(CbcError):
    """A mapping names a column that no file has."""


class NoText(CbcError):
    """A file that should hold text is binary, or in an encoding that the mapping does not state."""


class Reader:
    """Reads files one after the other; call `finish` after the last one."""

    def __init__(self, plan: Plan, staging: Staging) -> None:
        self.plan, self.mapping, self.staging = plan, plan.mapping, staging
        self.connection = staging.connection
        self.batch: list[tuple[Any, ...]] = []
        self.characters, self.json = 0, False
        self.fitting, self.misfit = 0, cast("CbcError | None", None)
        empty = ", ".join([f"NULL::VARCHAR AS {name}" for name in ("_name", "_broken", *plan.sources.values())])
        numbers = ", ".join(f"NULL::BIGINT AS {name}" for name in NUMBERS)
        self.connection.execute(f"CREATE TABLE _parsed AS {plan.select(f'(SELECT {numbers}, {empty})')} LIMIT 0")

    def read(self, index: int, file: Received) -> None:
        """Read a file, or all files of an archive; records are numbered across an archive."""
        before = self.staging.rows_read
        for part in read_parts(file.name, file.raw, self.staging.folder):
            number = self.staging.rows_read - before
            if isinstance(part, Unread):
                self._reject(file.name, part)
            elif part.kind == "parquet":
                self._parquet(index, part, number)
            elif part.kind == "jsonl":
                self._json_lines(index, part, number)
            else:
                self._csv(index, part, number)

    def finish(self) -> None:
        """Insert the last batch. Raises UnknownColumn or NoText if no file had the columns of the mapping."""
        self._flush()
        if self.misfit and not self.fitting:
            raise self.misfit

    def _csv(self, index: int, part: Part, number: int) -> None:
        """Read a delimited file."""
        separator = self.mapping.separator or ("\t" if ".tsv" in part.name.lower() else ",")
        rows = read_records(part, separator, encoding := self._encoding(part))
        header = next(rows, Unread(None, 1, "empty file", None))
        if isinstance(header, Unread) and not self._text_fault(part):
            self._reject(part.name, header)
            return
        names = [] if isinstance(header, Unread) else header.fields
        fast = encoding == "utf-8" and part.size >= BIG_BYTES and not isinstance(header, Unread) and _on_line_1(header)
        if not self._fits(part, {name for name in names if names.count(name) == 1}, names):
            return
        if fast and self._fast(index, part, number, names, separator):
            return
        positions = [names.index(column) if column in names else None for column in self.plan.sources]
        mend = self.mapping.mend_mojibake and encoding != "utf-8"
        for record in rows:
            if isinstance(record, Unread):
                self._reject(part.name, record)
            else:
                fields = [encodings.mend_mojibake(field) for field in record.fields] if mend else record.fields
                texts = [(fields[position] or None) if position is not None else None for position in positions]
                self._add(index, part.name, number, record, texts)

    def _separator_mend(self, names: list[str]) -> str:
        """How to read a file whose single column holds another separator; empty for other files."""
        other = next((mark for mark in SEPARATORS if len(names) == 1 and mark in names[0]), None)
        return f"set `separator: {json.dumps(other)}` in the mapping {self.mapping.name}" if other else ""

    def _encoding(self, part: Part) -> str:
        """The encoding that the mapping states, or the detected one."""
        if self.mapping.encoding != "auto":
            return self.mapping.encoding
        try:
            with part.open() as raw:
                return encodings.detect_encoding(raw)
        except BROKEN_FILE:
            return "utf-8"

    def _fits(self, part: Part, present: set[str], names: list[str]) -> bool:
        """Whether a file has the columns that the mapping needs; if not, the whole file is rejected."""
        lacking = self.mapping.lacking(present)
        if lacking:
            fault = self._text_fault(part)
            self.misfit = self.misfit or fault or self._lacks(part, lacking[0], names)
            reason, value = ("no text", fault.what) if fault else ("other columns", f"lacks {', '.join(lacking)}")
            self._reject(part.name, Unread(None, 1, reason, value))
        else:
            self.fitting += 1
        return not lacking

    def _lacks(self, part: Part, column: str, names: list[str]) -> UnknownColumn:
        """The error of a file that lacks a column; `names` are those it has."""
        listed = ", ".join(names)
        shown = listed if len(listed) <= SHOWN_CHARACTERS else f"{listed[:SHOWN_CHARACTERS]}…"
        mend = self._separator_mend(names) or f"correct the mapping {self.mapping.name}, or mark columns optional"
        return UnknownColumn(f"{part.name} has no column {column!r} (it has {shown})", mend)

    def _text_fault(self, part: Part) -> NoText | None:
        """The error of a file that is binary or in UTF-16; None if it may be text, or if the mapping states that."""
        if part.kind == "parquet" or any(width in self.mapping.encoding for width in ("16", "32")):
            return None
        try:
            with part.open() as raw:
                fault = encodings.binary_fault(raw.read(encodings.SAMPLE_BYTES))
        except BROKEN_FILE:
            return None
        mend = "save it as UTF-8, or name its encoding in the mapping (as in `encoding: utf-16`)"
        return NoText(f"{part.name} {fault}", mend) if fault else None

    def _fast(self, index: int, part: Part, number: int, names: list[str], separator: str) -> bool:
        """Let DuckDB read a large delimited file, as `_by_duckdb` does."""
        types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
        columns = {name: f"c{names.index(name)}" if name in names else "NULL::VARCHAR" for name in self.plan.sources}
        texts = ", ".join(f"{columns[name]} AS {s}" for name, s in self.plan.sources.items())
        relation = (
            f"(SELECT {self._unnumbered(index, part)}, NULL::VARCHAR AS _broken, {texts} "
            f"FROM read_csv({quote_file(part.path)}, columns={{{types}}}, auto_detect=false, header=true, "
            f"sep={quote(separator)}, quote='\"', escape='\"', store_rejects=true, rejects_limit=0, "
            f"max_line_size={MAX_RECORD_CHARS}, rejects_table='_csv_rejects', rejects_scan='_csv_scans'))"
        )
        check = partial(is_plain_csv, part, separator)
        return self._by_duckdb(relation, number, check, "(SELECT count(*) FROM _csv_rejects)")

    def _by_duckdb(self, relation: str, number: int, check: Callable[[Event], bool], faults: str = "0") -> bool:
        """Let DuckDB read a large file; if it finds any fault, nothing is kept and the result is False.

        `relation` is its rows without numbers, `number` how many records of its archive came before, `check` looks at
        its bytes meanwhile, until the event is set; `faults` is the SQL that counts what was wrong but gave no row.
        """
        self._flush()
        before, clean, stop = self.staging.rows_read, False, Event()
        try:
            with ThreadPoolExecutor(1) as beside:
                try:
                    checked = beside.submit(check, stop)
                    with all_threads(self.connection):
                        self.connection.execute(f"CREATE TABLE _read AS {self.plan.select(relation)}")
                    all_faults = f"SELECT {faults} + count(*) FILTER (_bad IS NOT NULL) FROM _read"
                    clean = self._single_value(all_faults) == 0 and checked.result()
                finally:
                    stop.set()
            if clean:
                numbers = f"{before} + rowid + 1 AS _record, {number} + rowid + 1 AS _n"
                # On one thread: rows leave this table in even parts, however many threads read them.
                rows = self._single_value(f"INSERT INTO _parsed SELECT * REPLACE ({numbers}) FROM _read")
                self.staging.rows_read += int(rows)
        except duckdb.InterruptException:
            raise KeyboardInterrupt from None
        except duckdb.Error:
            clean = False
        for table in ("_csv_rejects", "_csv_scans", "_read"):
            self.connection.execute(f"DROP TABLE IF EXISTS {table}")
        return clean

    def _json_lines(self, index: int, part: Part, number: int) -> None:
        """Read a file with one JSON object per line."""
        records = read_text_records(part, encoding := self._encoding(part))
        sample = list(islice(records, SAMPLED_RECORDS))
        objects = [_parse_object(record.fields[0]) for record in sample if isinstance(record, Record)]
        present = {name for name in self.plan.sources if any(_has_path(content, name) for content in objects)}
        unread = not any(objects) and sample and self._text_fault(part)
        if (unread or any(objects)) and not self._fits(part, present, list(dict.fromkeys(chain(*objects)))):
            return
        whole = not any(isinstance(record, Unread) for record in sample)
        if whole and encoding == "utf-8" and part.size >= BIG_BYTES:
            texts = f"SELECT {self._unnumbered(index, part)}, json::VARCHAR AS _json"
            relation = self._from_json(f"({texts} FROM read_ndjson_objects({quote_file(part.path)}))")
            if self._by_duckdb(relation, number, partial(is_plain_json, part)):
                return
        for record in chain(sample, records):
            if isinstance(record, Unread):
                self._reject(part.name, record)
            else:
                self._add(index, part.name, number, record, record.fields, json=True)

    def _parquet(self, index: int, part: Part, number: int) -> None:
        """Read a parquet file."""
        self._flush()
        before, source = self.staging.rows_read, f"read_parquet({quote_file(part.path)}, file_row_number=true)"
        try:
            described = self.connection.execute(f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {source}").fetchall()
            columns = {name: self._parquet_text(name, source) for name in self.plan.sources}
            present = {name for name, text in columns.items() if text}
            if not self._fits(part, present, [row[0] for row in described]):
                return
            texts = ", ".join(
                f"nullif({columns[name] or 'NULL::VARCHAR'}, '') AS {s}" for name, s in self.plan.sources.items()
            )
            self.staging.rows_read += self._insert(
                f"(SELECT {index} AS _file, {before} + file_row_number + 1 AS _record, "
                f"{number} + file_row_number + 1 AS _n, file_row_number + 1 AS _line, {quote(part.name)} AS _name, "
                f"NULL::VARCHAR AS _broken, {texts} FROM {source})"
            )
        except duckdb.InterruptException:
            raise KeyboardInterrupt from None
        except (duckdb.InvalidInputException, duckdb.SerializationException, duckdb.ConversionException) as error:
            self._reject(part.name, Unread(None, None, "broken file", str(error)))

    def _parquet_text(self, column: str, source: str) -> str | None:
        """SQL for a column's text, lists and structs as JSON; None where the file has no such column."""
        for path in (quote_name(column), ".".join(map(quote_name, column.split(".")))):
            try:
                kind = self.connection.execute(f"DESCRIBE SELECT {path} FROM {source}").fetchall()[0][1]
            except duckdb.BinderException:
                continue
            nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP"))
            return f"to_json({path})::VARCHAR" if nested else f"{path}::VARCHAR"
        return None

    def _add(
        self, index: int, name: str, before: int, record: Record, texts: Sequence[str | None], json: bool = False
    ) -> None:
        """Add a record to the batch."""
        if json != self.json or len(self.batch) >= BATCH_RECORDS or self.characters >= BATCH_CHARACTERS:
            self._flush()
            self.json = json
        self.staging.rows_read += 1
        self.characters += sum(map(len, record.fields))
        self.batch.append((index, self.staging.rows_read, before + record.number, record.line, name, *texts))

    def _flush(self) -> None:
        """Move the batch into `_parsed`."""
        if not self.batch:
            return
        names = [*NUMBERS, "_name", *(["_json"] if self.json else self.plan.sources.values())]
        types = [pa.int64()] * len(NUMBERS) + [pa.string()] * (len(names) - len(NUMBERS))
        columns = [pa.array(column, kind) for column, kind in zip(zip(*self.batch, strict=True), types, strict=True)]
        self.connection.register("_batch", pa.table(dict(zip(names, columns, strict=True))))
        self._insert(self._from_json("_batch") if self.json else "(SELECT *, NULL::VARCHAR AS _broken FROM _batch)")
        self.connection.unregister("_batch")
        self.batch, self.characters = [], 0

    def _from_json(self, rows: str) -> str:
        """SQL of rows with JSON texts as a relation of s-columns."""
        paths = ", ".join(quote(json_path(name)) for name in self.plan.sources)
        is_object = "CASE WHEN json_valid(_json) THEN json_type(_json) = 'OBJECT' ELSE false END"
        values_sql = f"CASE WHEN {is_object} THEN json_extract_string(_json, [{paths}]) END"
        texts = ", ".join(f"nullif(l[{i}], '') AS {name}" for i, name in enumerate(self.plan.sources.values(), 1))
        return (
            f"(SELECT {KEPT}, CASE WHEN l IS NULL THEN _json END AS _broken, {texts} "
            f"FROM (SELECT *, {values_sql} AS l FROM {rows}))"
        )

    def _unnumbered(self, index: int, part: Part) -> str:
        """SQL of the columns that say where a row is from, without numbers."""
        numbers = ", ".join(f"NULL::BIGINT AS {name}" for name in NUMBERS if name != "_file")
        return f"{index}::BIGINT AS _file, {numbers}, {quote(part.name)} AS _name"

    def _insert(self, relation: str) -> int:
        """Type and check the rows of a relation, insert them, and return their number."""
        return int(self._single_value(f"INSERT INTO _parsed {self.plan.select(relation)}"))

    def _single_value(self, sql: str) -> Any:
        return self.connection.execute(sql).fetchall()[0][0]

    def _reject(self, name: str, unread: Unread) -> None:
        """Count and reject a record or file that cannot be read."""
        self.staging.rows_read += 1
        self.staging.reject(name, unread.line, RowError(unread.reason, unread.value))


def _on_line_1(header: Record) -> bool:
    """Whether a header of several columns is the first line of its file, alone: others DuckDB skips wrongly."""
    return header.line == 1 and len(header.fields) > 1 and not any(set(name) & set("\r\n") for name in header.fields)


def quote_name(name: str) -> str:
    """Quote a column's name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _parse_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _has_path(content: Any, path: str) -> bool:
    """Whether a JSON object has a dotted path."""
    for name in path.split("."):
        if not isinstance(content, dict) or name not in content:
            return False
        content = content[name]
    return True
