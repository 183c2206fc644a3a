"""Blank withdrawn records in delimited raw files: their fields become empty, in the encoding of the file."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import polars as pl

from corpus.files import encodings
from corpus.files.archives import BROKEN_FILE, Part, Record, read_lines
from corpus.files.csv_records import read_records
from corpus.withdrawn.search_terms import OTHERS, SearchTerms, contains_any

BATCH_ROWS = 1_000


def open_raw(path: Path, mode: str) -> IO[bytes]:
    """Open the bytes of a file, zipped if its name without .part ends in .gz, with the same bytes at any time."""
    name = path.name.removesuffix(".part")
    if not name.lower().endswith(".gz"):
        return path.open(mode)
    if mode == "rb":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return gzip.GzipFile("", "wb", fileobj=path.open("wb"), mtime=0)  # type: ignore[return-value]


def digits_of(path: Path) -> str:
    """First digits of the digest of a raw file, from its name."""
    return path.name.lstrip(".")[:16]


def numbers_of(path: Path, terms: SearchTerms) -> frozenset[int]:
    """Numbers of the records of a file to blank."""
    return terms.lines.get(digits_of(path), frozenset())


def blank_delimited(path: Path, part_file: Path, terms: SearchTerms, separator: str | None) -> int:
    """Blank the matching records of a CSV or TSV file; returns their number."""
    part = Part(path.name, "csv", path)
    try:
        with part.open() as raw:
            bom = raw.peek(3)[:3] == codecs.BOM_UTF8
        encoding = encoding_of(path)
    except BROKEN_FILE:
        return 0
    mark = separator_of(path, separator)
    spans, width = matching_spans(part, mark, encoding, terms)
    if not spans:
        return 0
    blank = mark * (width - 1) if width > 1 else '""'
    encoder = codecs.getincrementalencoder(encoding)("surrogateescape")
    with open_raw(part_file, "wb") as target:
        target.write(codecs.BOM_UTF8 if bom else b"")
        for text in without_spans(read_lines(part, encoding), spans, blank):
            target.write(encoder.encode(text))
    return len(spans)


def encoding_of(path: Path) -> str:
    """Detect the encoding of a file. Raises BROKEN_FILE."""
    with Part(path.name, "csv", path).open() as raw:
        return encodings.detect_encoding(raw)


def separator_of(path: Path, mapped: str | None) -> str:
    """Separator of fields: that of the mapping, else by file name, as in an ingest (table_reader)."""
    return mapped or ("\t" if ".tsv" in path.name.lower() else ",")


def count_records(path: Path, separator: str, encoding: str) -> int:
    """Count the records of a file, including unreadable ones."""
    return sum(1 for _ in read_records(Part(path.name, "csv", path), separator, encoding))


def matching_spans(
    part: Part, separator: str, encoding: str, terms: SearchTerms
) -> tuple[list[tuple[int, int | None]], int]:
    """Find the first line of each matching record and the line after it, and the number of columns.

    Ids are searched only where records are not known by number, and never in columns for ids of other messages.
    """
    forms, named = terms.forms, numbers_of(part.path, terms)
    values = frozenset[str]() if digits_of(part.path) in terms.staged else terms.values
    spans: list[tuple[int, int | None]] = []
    header: list[str] = []
    open_at = 0
    for batch in batch_records(read_records(part, separator, encoding)):
        hits = contains_any(pl.Series(["\n".join(fields) for _, _, fields in batch], dtype=pl.String), forms)
        for (number, line, fields), hit in zip(batch, hits, strict=True):
            if open_at:
                spans.append((open_at, line))
                open_at = 0
            header = header or fields
            if number and (hit or number in named or has_id(header, fields, values)):
                open_at = line
    return spans + ([(open_at, None)] if open_at else []), len(header)


def has_id(header: list[str], fields: list[str], values: frozenset[str]) -> bool:
    """Whether a field of a record is one of the ids; digits alone count only in a column with "id" in its name."""
    return any(
        field in values and not OTHERS.fullmatch(name) and not (field.isdigit() and "id" not in name.lower())
        for name, field in zip(header, fields, strict=False)
    )


def batch_records(parsed: Iterator[Any]) -> Iterator[list[tuple[int, int, list[str]]]]:
    """Yield number, line and fields of records in batches; a record that cannot be parsed is a single field."""
    batch: list[tuple[int, int, list[str]]] = []
    for record in parsed:
        if isinstance(record, Record):
            batch.append((record.number, record.line, [replace_surrogates(field) for field in record.fields]))
        elif record.line is not None and record.number is not None:
            batch.append((record.number, record.line, [replace_surrogates(record.value or "")]))
        if len(batch) >= BATCH_ROWS:
            yield batch
            batch = []
    yield batch


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which Arrow cannot hold, by question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def without_spans(source: Iterator[str], spans: list[tuple[int, int | None]], blank: str) -> Iterator[str]:
    """Yield physical lines, each span replaced by a blank record."""
    waiting = iter(spans)
    start, stop = next(waiting, (0, 0))
    for number, line in enumerate(source, 1):
        if stop is not None and stop <= number and start:
            start, stop = next(waiting, (0, 0))
        if not start or number < start:
            yield line
        elif number == start:
            yield blank + line[len(line.rstrip("\r\n")) :]
