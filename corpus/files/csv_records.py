"""Records of a delimited file, one by one, each with its physical line, so that a broken one costs no other.

DuckDB reads big clean files faster; this reads any: where a quotation mark was never closed, it gives up the one line
and goes on with the next, and does not swallow what follows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from corpus.files.archives import BROKEN_FILE, Part, Record, Unread, decodes, lines, told

LONGEST_LINES, LONGEST_RECORD = 10_000, 1 << 20
OPEN, BROKEN = "quotation mark never closed", "broken quotation"
csv.field_size_limit(LONGEST_RECORD)


class _Lines:
    """Physical lines with their numbers; some can be given back."""

    def __init__(self, source: Iterator[str]) -> None:
        self.source, self.returned, self.number = source, list[str](), 0

    def next(self) -> str | None:
        """The next line, or None at the end."""
        line = self.returned.pop() if self.returned else next(self.source, None)
        self.number += line is not None
        return line

    def give_back(self, taken: list[str]) -> None:
        """Let these lines be read again."""
        self.returned += reversed(taken)
        self.number -= len(taken)


def records(part: Part, separator: str, encoding: str) -> Iterator[Record | Unread]:
    """The header as record 0, then every record that has as many fields; blank lines are none."""
    number, width = 0, 0
    source = _Lines(lines(part, encoding))
    try:
        while (first := source.next()) is not None:
            if not first.strip("\r\n"):
                continue
            line = source.number
            found = _record(first, source, separator, width)
            if not width and isinstance(found, list):
                width = len(found)
                yield Record(0, line, found)
                continue
            number += 1
            text = first if isinstance(found, str) else separator.join(found)
            reason = found if isinstance(found, str) else _misfit(found, width)
            if not decodes(text):
                reason = "wrong encoding"
            yield Unread(number, line, reason, told(text)) if reason else Record(number, line, found[:width])  # type: ignore[arg-type]
    except (*BROKEN_FILE, UnicodeError) as error:
        yield Unread(None, source.number + 1, "broken file", f"{type(error).__name__}: {error}")


def _record(first: str, source: _Lines, separator: str, width: int) -> list[str] | str:
    """The fields of the record that starts with the line `first`, or what is wrong with it."""
    if '"' not in first:
        return first.rstrip("\r\n").split(separator)
    taken = [first]
    found = _fields(taken, separator)
    size = len(first)
    while found == OPEN and len(taken) < LONGEST_LINES and size < LONGEST_RECORD:
        line = source.next()
        if line is None:
            break
        taken.append(line)
        size += len(line)
        if '"' in line:
            found = _fields(taken, separator)
    if isinstance(found, list) and (not width or not _misfit(found, width)):
        return found
    # The record is broken. Unless it is a whole one of several lines, only its first line is given up.
    if isinstance(found, str) or any(_fields_fit(line, separator, width) for line in taken[1:]):
        source.give_back(taken[1:])
        return BROKEN
    return found


def _fields(taken: list[str], separator: str) -> list[str] | str:
    """The fields of some lines, or why they are not one record."""
    try:
        return next(csv.reader(taken, delimiter=separator, strict=True))
    except csv.Error as error:
        return OPEN if "unexpected end" in str(error) else BROKEN


def _fields_fit(line: str, separator: str, width: int) -> bool:
    """Whether a line is a record by itself, and not the end of a quoted text."""
    found = _fields([line], separator)
    return line.count('"') % 2 == 0 and isinstance(found, list) and not _misfit(found, width)


def _misfit(fields: list[str], width: int) -> str | None:
    """Why a record does not fit its header; one empty field too many is a separator at the end of the line."""
    if len(fields) < width:
        return "too few columns"
    return "too many columns" if len(fields) > width + (fields[-1] == "") else None
