"""Read a delimited file record by record, each with its physical line, so that a broken record costs no other.

DuckDB reads large clean files faster. This reader takes any file: after a quotation mark that is never closed it
rejects that line alone and continues with the next.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from corpus.files.archives import BROKEN_FILE, Part, Record, Unread, decodes, printable_excerpt, read_lines

MAX_RECORD_CHARS = 1 << 20
MAX_QUOTED_LINES = 10_000  # of a record: each costs another look at all of it
UNCLOSED, BROKEN = "quotation mark never closed", "broken quotation"
csv.field_size_limit(MAX_RECORD_CHARS)


class _Lines:
    """Physical lines with their numbers; lines can be pushed back and read again."""

    def __init__(self, source: Iterator[str]) -> None:
        self.source, self.returned, self.number = source, list[str](), 0

    def next(self) -> str | None:
        """Read the next line; None at the end."""
        line = self.returned.pop() if self.returned else next(self.source, None)
        self.number += line is not None
        return line

    def push_back(self, taken: list[str]) -> None:
        """Return lines, to be read again."""
        self.returned += reversed(taken)
        self.number -= len(taken)


def read_records(part: Part, separator: str, encoding: str) -> Iterator[Record | Unread]:
    """Yield the header as record 0, then each record; blank lines are skipped."""
    number, width = 0, 0
    source = _Lines(read_lines(part, encoding))
    try:
        while (first := source.next()) is not None:
            if not first.strip("\r\n"):
                continue
            line = source.number
            fields = _read_record(first, source, separator, width)
            if not width and isinstance(fields, list):
                width = len(fields)
                yield Record(0, line, fields)
                continue
            number += 1
            text = first if isinstance(fields, str) else separator.join(fields)
            reason = fields if isinstance(fields, str) else _width_fault(fields, width)
            if not decodes(text):
                reason = "wrong encoding"
            if reason:
                yield Unread(number, line, reason, printable_excerpt(text))
            else:
                yield Record(number, line, fields[:width])  # type: ignore[arg-type]
    except (*BROKEN_FILE, UnicodeError) as error:
        yield Unread(None, source.number + 1, "broken file", f"{type(error).__name__}: {error}")


def _read_record(first: str, source: _Lines, separator: str, width: int) -> list[str] | str:
    """Fields of the record that starts with the line `first`, or what is wrong with it."""
    if '"' not in first:
        return first.rstrip("\r\n").split(separator)
    taken = [first]
    fields = _parse(taken, separator)
    size, quoted_lines = len(first), 1
    while fields == UNCLOSED and quoted_lines < MAX_QUOTED_LINES and size < MAX_RECORD_CHARS:
        line = source.next()
        if line is None:
            break
        taken.append(line)
        size += len(line)
        if '"' in line:
            quoted_lines += 1
            fields = _parse(taken, separator)
    if isinstance(fields, list) and (not width or not _width_fault(fields, width)):
        return fields
    # The record is broken. If a later line is a record by itself, only the first line is rejected.
    if isinstance(fields, str) or any(_is_record(line, separator, width) for line in taken[1:]):
        source.push_back(taken[1:])
        return BROKEN
    return fields


def _parse(taken: list[str], separator: str) -> list[str] | str:
    """Fields of lines read as a single record, or why they are none."""
    try:
        return next(csv.reader(taken, delimiter=separator, strict=True))
    except csv.Error as error:
        return UNCLOSED if "unexpected end" in str(error) else BROKEN


def _is_record(line: str, separator: str, width: int) -> bool:
    """Whether a line is a record by itself, and not the end of a quoted text."""
    fields = _parse([line], separator)
    return line.count('"') % 2 == 0 and isinstance(fields, list) and not _width_fault(fields, width)


def _width_fault(fields: list[str], width: int) -> str | None:
    """Why a record does not fit its header; extra empty fields are separators at the end of the line."""
    if len(fields) < width:
        return "too few columns"
    return "too many columns" if any(fields[width:]) else None
