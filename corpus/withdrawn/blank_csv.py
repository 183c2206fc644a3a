"""Delimited raw files without what was withdrawn: a marked record becomes empty fields, in the file's own encoding."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import polars as pl

from corpus.files import encodings
from corpus.files.archives import BROKEN_FILE, Part, Record, lines
from corpus.files.csv_records import records
from corpus.withdrawn.search_terms import OTHERS, Marks, found_in

BATCH_ROWS = 1_000


def opened(path: Path, mode: str) -> IO[bytes]:
    """A file's bytes, zipped where the original's name ends in .gz; zipping is the same at any time."""
    name = path.name.removesuffix(".part")
    if not name.lower().endswith(".gz"):
        return path.open(mode)
    if mode == "rb":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return gzip.GzipFile("", "wb", fileobj=path.open("wb"), mtime=0)  # type: ignore[return-value]


def digits_of(path: Path) -> str:
    """The first digits of the digest under which a raw file lies."""
    return path.name.lstrip(".")[:16]


def numbers_of(path: Path, marks: Marks) -> frozenset[int]:
    """Records of this file that are to go."""
    return marks.lines.get(digits_of(path), frozenset())


def delimited(path: Path, beside: Path, marks: Marks, separator: str | None) -> int:
    """Records of a CSV or TSV file that are marked become empty fields, in the file's own encoding."""
    part = Part(path.name, "csv", path)
    try:
        with part.open() as raw:
            bom = raw.peek(3)[:3] == codecs.BOM_UTF8
        encoding = encoding_of(path)
    except BROKEN_FILE:
        return 0
    sign = separator_of(path, separator)
    spans, width = marked_spans(part, sign, encoding, marks)
    if not spans:
        return 0
    blank = sign * (width - 1) if width > 1 else '""'
    encoder = codecs.getincrementalencoder(encoding)("surrogateescape")
    with opened(beside, "wb") as target:
        target.write(codecs.BOM_UTF8 if bom else b"")
        for text in without_spans(lines(part, encoding), spans, blank):
            target.write(encoder.encode(text))
    return len(spans)


def encoding_of(path: Path) -> str:
    """The encoding of a file. Raises BROKEN_FILE."""
    with Part(path.name, "csv", path).open() as raw:
        return encodings.detect(raw)


def separator_of(path: Path, given: str | None) -> str:
    """What stands between fields: what the mapping says, else what the ingest takes (table_reader)."""
    return given or ("\t" if ".tsv" in path.name.lower() else ",")


def count_records(path: Path, separator: str, encoding: str) -> int:
    """How many records a file has, those that cannot be read among them."""
    return sum(1 for _ in records(Part(path.name, "csv", path), separator, encoding))


def marked_spans(part: Part, separator: str, encoding: str, marks: Marks) -> tuple[list[tuple[int, int | None]], int]:
    """First line and first line after each marked record, and the number of columns.

    Ids are looked for only where records are not known by number, and never in a column that names another's.
    """
    forms, named = marks.forms, numbers_of(part.path, marks)
    values = frozenset[str]() if digits_of(part.path) in marks.staged else marks.values
    spans: list[tuple[int, int | None]] = []
    header: list[str] = []
    open_at = 0
    for batch in batches(records(part, separator, encoding)):
        hit = found_in(pl.Series(["\n".join(fields) for _, _, fields in batch], dtype=pl.String), forms)
        for (number, line, fields), one in zip(batch, hit, strict=True):
            if open_at:
                spans.append((open_at, line))
                open_at = 0
            header = header or fields
            if number and (one or number in named or has_id(header, fields, values)):
                open_at = line
    return spans + ([(open_at, None)] if open_at else []), len(header)


def has_id(header: list[str], fields: list[str], values: frozenset[str]) -> bool:
    """Whether a record is about an id: digits alone are one only in a column that is named so."""
    return any(
        field in values and not OTHERS.fullmatch(name) and not (field.isdigit() and "id" not in name.lower())
        for name, field in zip(header, fields, strict=False)
    )


def batches(found: Iterator[Any]) -> Iterator[list[tuple[int, int, list[str]]]]:
    """Number, line and fields of records, some thousand at a time; of one that was not read, its text."""
    some: list[tuple[int, int, list[str]]] = []
    for one in found:
        if isinstance(one, Record):
            some.append((one.number, one.line, [clean(field) for field in one.fields]))
        elif one.line is not None and one.number is not None:
            some.append((one.number, one.line, [clean(one.value or "")]))
        if len(some) >= BATCH_ROWS:
            yield some
            some = []
    yield some


def clean(text: str) -> str:
    """Text that Arrow can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def without_spans(source: Iterator[str], spans: list[tuple[int, int | None]], blank: str) -> Iterator[str]:
    """Physical lines with each span replaced by one blank record."""
    waiting = iter(spans)
    start, stop = next(waiting, (0, 0))
    for number, line in enumerate(source, 1):
        if stop is not None and stop <= number and start:
            start, stop = next(waiting, (0, 0))
        if not start or number < start:
            yield line
        elif number == start:
            yield blank + line[len(line.rstrip("\r\n")) :]
