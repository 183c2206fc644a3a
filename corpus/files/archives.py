"""Read text files, plain, gzipped or in archives, line by line in a known encoding.

A record that cannot be read becomes an `Unread` with its reason: no content of a file raises an error here.
"""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, NamedTuple

KINDS = {
    "csv": (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz"),
    "jsonl": (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".json", ".json.gz"),
    "parquet": (".parquet",),
    "archive": (".tar.gz", ".tgz", ".tar"),
}
BIG_BYTES = 4 << 20  # below this, DuckDB's start costs more than reading record by record
BROKEN_FILE = (OSError, EOFError, zlib.error, tarfile.TarError)


class Record(NamedTuple):
    """A record: its number in the file, its first physical line (both from 1), its fields."""

    number: int
    line: int
    fields: list[str]


class Unread(NamedTuple):
    """A record that cannot be read, with the reason; number None means the rest of the file."""

    number: int | None
    line: int | None
    reason: str
    value: str | None


@dataclass(frozen=True)
class Part:
    """A file to read: on disk, or a small member of an archive, in memory."""

    name: str
    kind: str
    path: Path
    content: bytes | None = None

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.content is None else len(self.content)

    def open(self) -> io.BufferedReader[Any]:
        """Open its bytes, unzipped if the name ends in .gz. Raises BROKEN_FILE."""
        source = io.FileIO(self.path) if self.content is None else io.BytesIO(self.content)
        raw: io.BufferedReader[Any] = io.BufferedReader(source, 1 << 16)
        if not self.name.lower().endswith(".gz"):
            return raw
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 16)


def kind_of(name: str) -> str | None:
    """Kind of a file by its extension: csv, jsonl, parquet, archive, or None."""
    for kind, ends in KINDS.items():
        if name.lower().endswith(ends):
            return kind
    return None


def read_parts(name: str, path: Path, folder: Path) -> Iterator[Part | Unread]:
    """Yield the file, or each readable member of an archive; a large one is unpacked in `folder` until the next."""
    kind = kind_of(path.name)
    if kind != "archive":
        yield Part(name, kind or "csv", path)
        return
    try:
        # tarfile reads a truncated gzip as a complete archive; gzip itself raises.
        zipped = path.name.lower().endswith("gz")
        with gzip.open(path) if zipped else path.open("rb") as raw, tarfile.open(fileobj=raw, mode="r|") as archive:
            for member in archive:
                kind = kind_of(member.name)
                if member.isfile() and kind not in (None, "archive") and not PurePath(member.name).name.startswith("."):
                    yield _unpacked(archive, member, Part(f"{name}/{member.name}", str(kind), folder / "member"))
            while raw.read(1 << 20):  # only at the end does gzip check its checksum
                pass
    except BROKEN_FILE as error:
        yield Unread(None, None, "broken archive", str(error))


def _unpacked(archive: tarfile.TarFile, member: tarfile.TarInfo, part: Part) -> Part:
    """Read a member into memory, or unpack a large one next to `part.path`, under a fixed name."""
    source = archive.extractfile(member)
    assert source is not None  # a regular file
    if member.size < BIG_BYTES and part.kind != "parquet":
        return replace(part, content=source.read())
    # DuckDB decides by the extension whether to unzip.
    place = part.path.with_name("member.gz" if member.name.lower().endswith(".gz") else "member")
    with place.open("wb") as target:
        shutil.copyfileobj(source, target)
    return replace(part, path=place)


def read_lines(part: Part, encoding: str) -> Iterator[str]:
    """Yield physical lines with their line ends; bytes that do not decode become lone surrogates.

    A bare carriage return ends a line only in a file without line feeds. Raises BROKEN_FILE, UnicodeError.
    """
    with part.open() as raw:
        start = raw.peek(1 << 16)
        newline = "\r" if b"\r" in start and b"\n" not in start else "\n"
        errors = "strict" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "surrogateescape"
        yield from io.TextIOWrapper(raw, "utf-8-sig" if encoding == "utf-8" else encoding, errors, newline)


def printable_excerpt(text: str) -> str:
    """Cut a text to 200 characters that can be stored and printed: bytes that did not decode are replaced."""
    return text[:200].encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def decodes(text: str) -> bool:
    """Whether all bytes of a text decoded: it holds no lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def read_text_records(part: Part, encoding: str) -> Iterator[Record | Unread]:
    """Yield a record for each line that is not blank, as in a file of JSON lines."""
    number, line = 0, 0
    try:
        for line, text in enumerate(read_lines(part, encoding), 1):
            if text.strip():
                number += 1
                if decodes(text):
                    yield Record(number, line, [text])
                else:
                    yield Unread(number, line, "wrong encoding", printable_excerpt(text))
    except (*BROKEN_FILE, UnicodeError) as error:
        yield Unread(None, line + 1, "broken file", f"{type(error).__name__}: {error}")
