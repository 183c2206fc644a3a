"""Text files as they come: plain, gzipped or in archives, in several encodings, with broken lines among good ones.

A record that cannot be read is an `Unread` with its reason; nothing here raises for what a file holds.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, NamedTuple

KINDS = {
    "csv": (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz"),
    "jsonl": (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".json", ".json.gz"),
    "parquet": (".parquet",),
    "archive": (".tar.gz", ".tgz", ".tar"),
}
BROKEN_FILE = (OSError, EOFError, zlib.error, tarfile.TarError)


class Record(NamedTuple):
    """A record: its number in the file, the physical line it starts on (both from 1), its fields."""

    number: int
    line: int
    fields: list[str]


class Unread(NamedTuple):
    """A record that cannot be read (number None: the rest of the file), and why."""

    number: int | None
    line: int | None
    reason: str
    value: str | None


@dataclass(frozen=True)
class Part:
    """A file to read, or one unpacked from an archive."""

    name: str
    path: Path
    kind: str


def kind_of(name: str) -> str | None:
    """csv, jsonl, parquet or archive, by the end of a file's name."""
    for kind, ends in KINDS.items():
        if name.lower().endswith(ends):
            return kind
    return None


def open_bytes(path: Path) -> BinaryIO:
    """A file's bytes, unzipped where its name ends in .gz."""
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def parts(name: str, path: Path, folder: Path) -> Iterator[Part | Unread]:
    """The file itself, or the files of an archive one after the other, each unpacked into `folder` until the next."""
    kind = kind_of(path.name)
    if kind != "archive":
        yield Part(name, path, kind or "csv")
        return
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                kind = kind_of(member.name)
                if member.isfile() and kind not in (None, "archive") and not PurePath(member.name).name.startswith("."):
                    yield Part(f"{name}/{member.name}", _unpack(archive, member, folder), str(kind))
    except BROKEN_FILE as error:
        yield Unread(None, None, "broken archive", str(error))


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> Path:
    """Write one member under a name of ours."""
    ends = [end for ends in KINDS.values() for end in ends if member.name.lower().endswith(end)]
    place = folder / f"member{max(ends, key=len)}"
    source = archive.extractfile(member)
    assert source is not None  # a regular file
    with place.open("wb") as target:
        while block := source.read(1 << 20):
            target.write(block)
    return place


def lines(path: Path, encoding: str) -> Iterator[str]:
    """Physical lines with their ends; bytes that do not decode become lone surrogates.

    A bare carriage return ends a line only in a file without line feeds. Raises BROKEN_FILE, UnicodeError.
    """
    with open_bytes(path) as raw:
        start = raw.read(1 << 16)
    newline = "\r" if b"\r" in start and b"\n" not in start else "\n"
    errors = "strict" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "surrogateescape"
    with open_bytes(path) as raw:
        yield from io.TextIOWrapper(raw, "utf-8-sig" if encoding == "utf-8" else encoding, errors, newline)


def told(text: str) -> str:
    """Text that may hold lone surrogates, fit to be shown and stored."""
    return text[:200].encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def decodes(text: str) -> bool:
    """Whether text is free of lone surrogates, the marks of bytes that did not decode."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def text_records(path: Path, encoding: str) -> Iterator[Record | Unread]:
    """One record a line that is not blank: JSON lines."""
    number, line = 0, 0
    try:
        for line, text in enumerate(lines(path, encoding), 1):
            if text.strip():
                number += 1
                good = decodes(text)
                yield Record(number, line, [text]) if good else Unread(number, line, "wrong encoding", told(text))
    except (*BROKEN_FILE, UnicodeError) as error:
        yield Unread(None, line + 1, "broken file", f"{type(error).__name__}: {error}")
