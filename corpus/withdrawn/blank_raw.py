"""Raw files without what was withdrawn; a record that goes leaves a blank one, so that others keep their numbers.

API answers and JSON lose the innermost entry around a mark, or become {"withdrawn": true}; rows of parquet become
nulls, records of delimited files empty fields, captions and other text empty files, messages of a mailbox a bare head.
Each file is written beside its place and renamed; one without marks is left as it is.
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
from corpus.files.archives import BROKEN_FILE, Part, lines
from corpus.files.atomic import part_path
from corpus.files.mailboxes import messages, pieces
from corpus.files.parquet_rows import rows_as_json
from corpus.sources.registry import SOURCES
from corpus.sources.youtube_api import SEGMENT
from corpus.withdrawn.blank_csv import (
    BATCH_ROWS,
    count_records,
    delimited,
    digits_of,
    encoding_of,
    numbers_of,
    opened,
    separator_of,
)
from corpus.withdrawn.search_terms import GONE, Marks, found_in, prune

BLANK = '{"withdrawn":true}'
EMPTY = b"Subject: withdrawn\n\n"
CAPTIONS = (".vtt", ".srt", ".json3")
WHOLE_BYTES = 256 << 20  # of one JSON document, at most


class UnsafeRedaction(CbcError):
    """Blanking a record would have cost others: the file is left as it was."""


def redact(path: Path, marks: Marks, separator: str | None = None) -> int:
    """Blank what is marked in one raw file (`separator`: of a delimited one); gives the number of records blanked.

    Raises UnsafeRedaction.
    """
    kind = kind_of(path)
    beside = part_path(path)
    try:
        if kind == "csv":
            blanked = delimited(path, beside, marks, separator)
        elif kind == "archive":
            blanked = archive(path, beside, marks, separator)
        else:
            blanked = WRITERS[kind](path, beside, marks)
        if blanked:
            check(path, beside, kind, separator)
            shutil.copystat(path, beside)
            beside.replace(path)
        return blanked
    finally:
        beside.unlink(missing_ok=True)


def check(path: Path, beside: Path, kind: str, separator: str | None) -> None:
    """Assert that a file has as many records as before. Raises UnsafeRedaction."""
    count: Callable[[Path], int] = {
        "csv": lambda file: count_records(file, separator_of(path, separator), encoding_of(path)),
        "mailbox": count_messages,
        "json": lambda file: sum(1 for line in lines(Part(file.name, "jsonl", file), "utf-8") if line.strip()),
    }.get(kind, lambda _: 0)
    if kind == "json" and is_document(path):
        return
    shutil.copyfile(beside, named := beside.with_name(f".check-{path.name}"))
    try:
        before, after = count(path), count(named)
    finally:
        named.unlink()
    if before != after:
        told = f"taking a record out of {path} would leave {after:,} of {before:,} records"
        raise UnsafeRedaction(told, "take it out by hand, and run the command again")


def kind_of(path: Path) -> str:
    """How a raw file is read: by the source that it lies under, else by the end of its name."""
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


def parquet(path: Path, beside: Path, marks: Marks) -> int:
    """Rows that are marked become nulls; pages of API answers lose the items that are."""
    with pq.ParquetFile(path) as file:
        schema, blanked, number = file.schema_arrow, 0, 0
        pages = schema.equals(SEGMENT)
        named = frozenset[int]() if pages else numbers_of(path, marks)
        # of pages ids anywhere, since they are JSON within JSON; nothing by id where all is known by number
        forms = [*marks.values, *marks.forms] if pages else marks.json_forms
        forms = marks.forms if digits_of(path) in marks.staged else forms
        # of a file that lets no column be null, blank rows make one that does
        loose = pa.schema([field.with_nullable(True) for field in schema], schema.metadata)
        with pq.ParquetWriter(beside, schema if pages else loose, compression="zstd") as writer:
            for batch in file.iter_batches(BATCH_ROWS):
                marked = found_in(rows_as_json(batch), forms).to_list()
                marked = [one or number + i + 1 in named for i, one in enumerate(marked)]
                number += len(batch)
                if any(marked):
                    batch, gone = (pages_without if pages else rows_without)(batch, marked, marks)
                    blanked += gone
                writer.write_table(pa.Table.from_batches([batch]).cast(schema if pages else loose))
    return blanked


def rows_without(batch: pa.RecordBatch, marked: list[bool], marks: Marks) -> tuple[pa.RecordBatch, int]:
    """A batch with nulls for the marked rows."""
    kept = pa.array([None if one else i for i, one in enumerate(marked)], pa.int64())
    if all(row == dict.fromkeys(row) for row in batch.filter(pa.array(marked)).to_pylist()):
        return batch, 0  # blanked before
    return batch.take(kept), sum(marked)


def pages_without(batch: pa.RecordBatch, marked: list[bool], marks: Marks) -> tuple[pa.RecordBatch, int]:
    """A batch of API answers without the marked items, and without their ids among what was asked for."""
    values, texts, gone = marks.values, sorted(marks.pieces), 0
    rows = batch.to_pylist()
    for row, one in zip(rows, marked, strict=True):
        if one:
            before = (row["body"], row["target"])
            row["body"] = pruned_text(row["body"], marks, values, texts)
            asked = row["target"].split(",")
            said = any(text in row["target"] for text in texts)  # a name that was searched for
            row["target"] = "withdrawn" if said else ",".join(name for name in asked if name not in values)
            gone += before != (row["body"], row["target"])
    return pa.RecordBatch.from_pylist(rows, schema=SEGMENT), gone


def pruned_text(text: str, marks: Marks, values: frozenset[str], texts: list[str]) -> str:
    """JSON text without what is marked, in ASCII as the crawler writes it; what is no JSON goes whole where marked."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return BLANK if any(one in text for one in (*values, *marks.forms)) else text
    left = prune(found, marks, values, texts)
    if left is GONE:
        return BLANK
    return text if left == found else json.dumps(left, separators=(",", ":"))


def json_text(path: Path, beside: Path, marks: Marks) -> int:
    """One JSON document, or one a line."""
    named, words = numbers_of(path, marks), sorted(marks.pieces)
    values = frozenset[str]() if digits_of(path) in marks.staged and not is_info(path) else marks.values
    if is_document(path):
        content = whole(path)
        left = BLANK if 0 in named and content != BLANK else pruned_text(content, marks, values, words)
        if left == content:
            return 0
        with opened(beside, "wb") as target:
            target.write(left.encode("utf-8", "replace"))
        return 1

    def blank(number: int, line: str) -> str | None:
        left = BLANK if number in named else pruned_text(line, marks, values, words)
        return None if left == line else left

    return rewritten(path, beside, blank)


def is_info(path: Path) -> bool:
    """Whether a file is an info file of yt-dlp, of which single comments may go."""
    return path.name.endswith(".info.json")


def is_document(path: Path) -> bool:
    """Whether a file is one JSON document, and not one a line."""
    if path.name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson")) or path.stat().st_size > WHOLE_BYTES:
        return False
    try:
        json.loads(whole(path))
    except (ValueError, RecursionError):
        return is_info(path)  # a broken one is one record all the same
    return True


def whole(path: Path) -> str:
    """The content of a JSON document."""
    with opened(path, "rb") as source:
        return source.read().decode("utf-8-sig", "replace")


def rewritten(path: Path, beside: Path, blank: Callable[[int, str], str | None]) -> int:
    """JSON lines with some of them replaced; `blank` gives what stands for a record, None where it stays."""
    number = blanked = 0
    with opened(beside, "wb") as target:
        for line in lines(Part(path.name, "jsonl", path), "utf-8"):
            said = line.rstrip("\r\n")
            number += bool(said.strip())
            new = blank(number, said) if said.strip() else None
            blanked += new is not None
            target.write((line if new is None else new + line[len(said) :]).encode("utf-8", "surrogateescape"))
    return blanked


def mailbox(path: Path, beside: Path, marks: Marks) -> int:
    """Messages of a mailbox, or the one of a file, that are marked keep their first line alone."""
    named, forms, blanked = numbers_of(path, marks), [form.encode() for form in marks.forms], 0
    with opened(path, "rb") as source, opened(beside, "wb") as target:
        for number, (_, message) in enumerate(messages(source, is_single_message(path), WHOLE_BYTES), 1):
            if message is None:
                raise UnsafeRedaction(
                    f"{path} holds a message of over {WHOLE_BYTES >> 20} MB", "take it out by hand, and run again"
                )
            head = message[: message.find(b"\n") + 1] if message.startswith(b"From ") else b""
            gone = (number in named or any(form in message for form in forms)) and message != head + EMPTY
            blanked += gone
            target.write(head + EMPTY if gone else message)
    return blanked


def is_single_message(path: Path) -> bool:
    """Whether a file is one message and not a mailbox."""
    return ".eml" in path.name.lower()


def count_messages(path: Path) -> int:
    """How many messages a mailbox has."""
    with opened(path, "rb") as source:
        return sum(begins for _, begins in pieces(source, is_single_message(path)))


def text(path: Path, beside: Path, marks: Marks) -> int:
    """Captions and other text: empty where it holds a mark."""
    with opened(path, "rb") as source:
        content = source.read().decode("utf-8", "replace")
    if not content or not found_in(pl.Series([content, re.sub(r"\s+", " ", content)]), marks.forms).any():
        return 0
    with opened(beside, "wb"):
        return 1


def archive(path: Path, beside: Path, marks: Marks, separator: str | None) -> int:
    """The files of an archive, each by its own kind; their records are known by marks, not by numbers."""
    folder, blanked = path.with_name(f".{path.name}.members"), 0
    alone = Marks(marks.ids, marks.pieces, {})
    folder.mkdir(exist_ok=True)
    try:
        with (
            opened(path, "rb") as raw,
            tarfile.open(fileobj=raw, mode="r|") as source,
            opened(beside, "wb") as zipped,
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
                blanked += redact(place, alone, separator)
                member.size = place.stat().st_size
                with place.open("rb") as file:
                    target.addfile(member, io.BufferedReader(file))
        return blanked
    except BROKEN_FILE:
        return blanked
    finally:
        shutil.rmtree(folder)


WRITERS: dict[str, Callable[[Path, Path, Marks], int]] = {
    "parquet": parquet,
    "json": json_text,
    "mailbox": mailbox,
    "text": text,
}
