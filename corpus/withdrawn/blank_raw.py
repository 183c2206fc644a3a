"""Blank withdrawn records in raw files; a blank record stays in their place, so that others keep their numbers.

API answers and JSON lose the innermost entry around a search term, or become {"withdrawn": true}. Parquet rows become
nulls, records of delimited files empty fields, captions and other text empty files, messages of a mailbox a bare
header. Each file is written beside its place and renamed; a file without a search term is left as it is.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import CbcError
from corpus.files.archives import BROKEN_FILE, Part, read_lines
from corpus.files.atomic import part_path
from corpus.files.mailboxes import read_messages, read_pieces
from corpus.files.parquet_rows import rows_as_json
from corpus.sources.registry import SOURCES
from corpus.sources.youtube_api import SEGMENT
from corpus.withdrawn.blank_csv import (
    BATCH_ROWS,
    blank_delimited,
    count_records,
    digits_of,
    encoding_of,
    numbers_of,
    open_raw,
    separator_of,
)
from corpus.withdrawn.search_terms import PRUNED, SearchTerms, contains_any, prune

BLANK = '{"withdrawn":true}'
EMPTY = b"Subject: withdrawn\n\n"
CAPTIONS = (".vtt", ".srt", ".json3")
WHOLE_BYTES = 256 << 20  # of one JSON document, at most


class UnsafeRedaction(CbcError):
    """Blanking a record would change others; the file is left as it was."""


def blank_file(path: Path, terms: SearchTerms, separator: str | None = None) -> int:
    """Blank the records of a raw file that hold a search term; returns their number (`separator`: of a delimited file).

    Raises UnsafeRedaction.
    """
    kind = kind_of(path)
    beside = part_path(path)
    try:
        if kind == "csv":
            blanked = blank_delimited(path, beside, terms, separator)
        elif kind == "archive":
            blanked = blank_archive(path, beside, terms, separator)
        else:
            blanked = WRITERS[kind](path, beside, terms)
        if blanked:
            check_record_count(path, beside, kind, separator)
            shutil.copystat(path, beside)
            beside.replace(path)
        return blanked
    finally:
        beside.unlink(missing_ok=True)


def check_record_count(path: Path, beside: Path, kind: str, separator: str | None) -> None:
    """Check that a file has as many records as before. Raises UnsafeRedaction."""
    count: Callable[[Path], int] = {
        "csv": lambda file: count_records(file, separator_of(path, separator), encoding_of(path)),
        "mailbox": count_messages,
        "json": lambda file: sum(1 for line in read_lines(Part(file.name, "jsonl", file), "utf-8") if line.strip()),
    }.get(kind, lambda _: 0)
    if kind == "json" and is_document(path):
        return
    shutil.copyfile(beside, copy := beside.with_name(f".check-{path.name}"))
    try:
        before, after = count(path), count(copy)
    finally:
        copy.unlink()
    if before != after:
        what = f"taking a record out of {path} would leave {after:,} of {before:,} records"
        raise UnsafeRedaction(what, "take it out by hand, and run the command again")


def kind_of(path: Path) -> str:
    """Kind of a raw file, which decides how it is read: by the source of its folder, else by its extension."""
    lower = path.name.lower()
    if lower.endswith((".tar.gz", ".tgz", ".tar")):
        return "archive"
    lower = lower.removesuffix(".gz")
    if lower.endswith(".parquet"):
        return "parquet"
    source = path.parent.name
    if source in SOURCES and (kind := SOURCES[source].raw_kind):
        return kind
    if lower.endswith(CAPTIONS):
        return "text"
    return "json" if lower.endswith((".json", ".jsonl", ".ndjson")) else "csv"


def blank_parquet(path: Path, beside: Path, terms: SearchTerms) -> int:
    """Replace matching rows by nulls; pages of API answers lose the matching items."""
    with pq.ParquetFile(path) as file:
        schema, blanked, number = file.schema_arrow, 0, 0
        pages = schema.equals(SEGMENT)
        named = frozenset[int]() if pages else numbers_of(path, terms)
        # in pages, ids may be anywhere, since they hold JSON within JSON; files known by record number need no ids
        forms = [*terms.values, *terms.forms] if pages else terms.json_forms
        forms = terms.forms if digits_of(path) in terms.staged else forms
        # blank rows need nullable columns
        loose = pa.schema([field.with_nullable(True) for field in schema], schema.metadata)
        with pq.ParquetWriter(beside, schema if pages else loose, compression="zstd") as writer:
            for batch in file.iter_batches(BATCH_ROWS):
                hits = contains_any(rows_as_json(batch), forms).to_list()
                hits = [hit or number + i + 1 in named for i, hit in enumerate(hits)]
                number += len(batch)
                if any(hits):
                    batch, count = (blank_pages if pages else blank_rows)(batch, hits, terms)
                    blanked += count
                writer.write_table(pa.Table.from_batches([batch]).cast(schema if pages else loose))
    return blanked


def blank_rows(batch: pa.RecordBatch, hits: list[bool], terms: SearchTerms) -> tuple[pa.RecordBatch, int]:
    """Replace the matching rows of a batch by nulls; returns the batch and their number."""
    kept = pa.array([None if hit else i for i, hit in enumerate(hits)], pa.int64())
    if all(row == dict.fromkeys(row) for row in batch.filter(pa.array(hits)).to_pylist()):
        return batch, 0  # all were blanked before
    return batch.take(kept), sum(hits)


def blank_pages(batch: pa.RecordBatch, hits: list[bool], terms: SearchTerms) -> tuple[pa.RecordBatch, int]:
    """Drop matching items from a batch of API answers, and their ids from `target`; returns it and the rows changed."""
    values, texts, changed = terms.values, sorted(terms.pieces), 0
    rows = batch.to_pylist()
    for row, hit in zip(rows, hits, strict=True):
        if hit:
            before = (row["body"], row["target"])
            row["body"] = pruned_text(row["body"], terms, values, texts)
            targets = row["target"].split(",")
            searched_for = any(text in row["target"] for text in texts)
            row["target"] = "withdrawn" if searched_for else ",".join(name for name in targets if name not in values)
            changed += before != (row["body"], row["target"])
    return pa.RecordBatch.from_pylist(rows, schema=SEGMENT), changed


def pruned_text(text: str, terms: SearchTerms, values: frozenset[str], texts: list[str]) -> str:
    """JSON text without matching entries, in ASCII as the crawler writes it; what is no JSON is blanked whole."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return BLANK if any(form in text for form in (*values, *terms.forms)) else text
    pruned = prune(document, terms, values, texts)
    if pruned is PRUNED:
        return BLANK
    return text if pruned == document else json.dumps(pruned, separators=(",", ":"))


def blank_json(path: Path, beside: Path, terms: SearchTerms) -> int:
    """Blank matching entries of a JSON document, or of a document per line."""
    named, words = numbers_of(path, terms), sorted(terms.pieces)
    values = frozenset[str]() if digits_of(path) in terms.staged and not is_info(path) else terms.values
    if is_document(path):
        content = read_document(path)
        pruned = BLANK if 0 in named and content != BLANK else pruned_text(content, terms, values, words)
        if pruned == content:
            return 0
        with open_raw(beside, "wb") as target:
            target.write(pruned.encode("utf-8", "replace"))
        return 1

    def blank(number: int, line: str) -> str | None:
        pruned = BLANK if number in named else pruned_text(line, terms, values, words)
        return None if pruned == line else pruned

    return rewrite_lines(path, beside, blank)


def is_info(path: Path) -> bool:
    """Whether a file is an info file of yt-dlp, from which single comments may be dropped."""
    return path.name.endswith(".info.json")


def is_document(path: Path) -> bool:
    """Whether a file is a single JSON document rather than JSON lines."""
    if path.name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson")) or path.stat().st_size > WHOLE_BYTES:
        return False
    try:
        json.loads(read_document(path))
    except (ValueError, RecursionError):
        return is_info(path)  # a broken info file is a single record too
    return True


def read_document(path: Path) -> str:
    """Read the text of a JSON document."""
    with open_raw(path, "rb") as source:
        return source.read().decode("utf-8-sig", "replace")


def rewrite_lines(path: Path, beside: Path, blank: Callable[[int, str], str | None]) -> int:
    """Rewrite JSON lines; `blank` returns the new text of a record by its number, or None to keep it."""
    number = blanked = 0
    with open_raw(beside, "wb") as target:
        for line in read_lines(Part(path.name, "jsonl", path), "utf-8"):
            record = line.rstrip("\r\n")
            number += bool(record.strip())
            new = blank(number, record) if record.strip() else None
            blanked += new is not None
            target.write((line if new is None else new + line[len(record) :]).encode("utf-8", "surrogateescape"))
    return blanked


def blank_mailbox(path: Path, beside: Path, terms: SearchTerms) -> int:
    """Reduce matching messages of a mailbox, or of a single-message file, to a bare header."""
    named, forms, blanked = numbers_of(path, terms), [form.encode() for form in terms.forms], 0
    with open_raw(path, "rb") as source, open_raw(beside, "wb") as target:
        for number, (_, message) in enumerate(read_messages(source, is_single_message(path), WHOLE_BYTES), 1):
            if message is None:
                raise UnsafeRedaction(
                    f"{path} holds a message of over {WHOLE_BYTES >> 20} MB", "take it out by hand, and run again"
                )
            head = message[: message.find(b"\n") + 1] if message.startswith(b"From ") else b""
            to_blank = (number in named or any(form in message for form in forms)) and message != head + EMPTY
            blanked += to_blank
            target.write(head + EMPTY if to_blank else message)
    return blanked


def is_single_message(path: Path) -> bool:
    """Whether a file is a single message rather than a mailbox."""
    return ".eml" in path.name.lower()


def count_messages(path: Path) -> int:
    """Count the messages of a mailbox."""
    with open_raw(path, "rb") as source:
        return sum(begins for _, begins in read_pieces(source, is_single_message(path)))


def blank_text(path: Path, beside: Path, terms: SearchTerms) -> int:
    """Empty a file of captions or other text that holds a search term; returns 1 if so."""
    with open_raw(path, "rb") as source:
        content = source.read().decode("utf-8", "replace")
    if not content or not contains_any(pl.Series([content, re.sub(r"\s+", " ", content)]), terms.forms).any():
        return 0
    with open_raw(beside, "wb"):
        return 1


def blank_archive(path: Path, beside: Path, terms: SearchTerms, separator: str | None) -> int:
    """Blank the files of an archive, each by its kind; their records are found by search, not by number."""
    folder, blanked = path.with_name(f".{path.name}.members"), 0
    without_lines = SearchTerms(terms.ids, terms.pieces, {})
    folder.mkdir(exist_ok=True)
    try:
        with (
            open_raw(path, "rb") as raw,
            tarfile.open(fileobj=raw, mode="r|") as source,
            open_raw(beside, "wb") as zipped,
            tarfile.open(fileobj=zipped, mode="w|") as target,
        ):
            for member in source:
                content = source.extractfile(member) if member.isfile() else None
                if content is None:
                    target.addfile(member)
                    continue
                place = folder / f"member-{Path(member.name).name}"
                with place.open("wb") as file:
                    shutil.copyfileobj(content, file)
                blanked += blank_file(place, without_lines, separator)
                member.size = place.stat().st_size
                with place.open("rb") as file:
                    target.addfile(member, io.BufferedReader(file))
        return blanked
    except BROKEN_FILE:
        return blanked
    finally:
        shutil.rmtree(folder)


WRITERS: dict[str, Callable[[Path, Path, SearchTerms], int]] = {
    "parquet": blank_parquet,
    "json": blank_json,
    "mailbox": blank_mailbox,
    "text": blank_text,
}
