"""Blank withdrawn records in delimited raw files: they become empty fields, in the file's own encoding."""

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


def numbers_of(path: Path, terms: SearchTerms) -> frozenset[int]:
    """Records of this file that are to go."""
    return terms.lines.get(digits_of(path), frozenset())


def blank_delimited(path: Path, beside: Path, terms: SearchTerms, separator: str | None) -> int:
    """Turn matching records of a CSV or TSV file into empty fields; gives their number."""
    part = Part(path.name, "csv", path)
    try:
        with part.open() as raw:
            bom = raw.peek(3)[:3] == codecs.BOM_UTF8
        encoding = encoding_of(path)
    except BROKEN_FILE:
        return 0
    sign = separator_of(path, separator)
    spans, width = matching_spans(part, sign, encoding, terms)
    if not spans:
        return 0
    blank = sign * (width - 1) if width > 1 else '""'
    encoder = codecs.getincrementalencoder(encoding)("surrogateescape")
    with opened(beside, "wb") as target:
        target.write(codecs.BOM_UTF8 if bom else b"")
        for text in without_spans(read_lines(part, encoding), spans, blank):
            target.write(encoder.encode(text))
    return len(spans)


def encoding_of(path: Path) -> str:
    """The encoding of a file. Raises BROKEN_FILE."""
    with Part(path.name, "csv", path).open() as raw:
        return encodings.detect_encoding(raw)


def separator_of(path: Path, mapped: str | None) -> str:
    """The separator of fields: the mapping's, else the one that the ingest takes (table_reader)."""
    return mapped or ("\t" if ".tsv" in path.name.lower() else ",")


def count_records(path: Path, separator: str, encoding: str) -> int:
    """How many records a file has, those that cannot be read among them."""
    return sum(1 for _ in read_records(Part(path.name, "csv", path), separator, encoding))


def matching_spans(
    part: Part, separator: str, encoding: str, terms: SearchTerms
) -> tuple[list[tuple[int, int | None]], int]:
    """First line and first line after each matching record, and the number of columns.

    Ids are looked for only where records are not known by number, and never in a column that names another's.
    """
    forms, named = terms.forms, numbers_of(part.path, terms)
    values = frozenset[str]() if digits_of(part.path) in terms.staged else terms.values
    spans: list[tuple[int, int | None]] = []
    header: list[str] = []
    open_at = 0
    for batch in batches(read_records(part, separator, encoding)):
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
    """Whether a record is about an id: digits alone are one only in a column that is named so."""
    return any(
        field in values and not OTHERS.fullmatch(name) and not (field.isdigit() and "id" not in name.lower())
        for name, field in zip(header, fields, strict=False)
    )


def batches(parsed: Iterator[Any]) -> Iterator[list[tuple[int, int, list[str]]]]:
    """Number, line and fields of records, a thousand at a time; the text of one that could not be parsed."""
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
    """Text that Arrow can hold: lone surrogates are replaced."""
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
