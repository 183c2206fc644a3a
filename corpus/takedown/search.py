"""Search every file below a folder for pieces of text, to prove that a takedown is complete.

Parquet rows are searched as JSON; gzip files and archives are unpacked; databases and all other files are searched as
bytes, decoded as UTF-8 and, unless they are ASCII, in legacy encodings too.
"""

from __future__ import annotations

import codecs
import gzip
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.files.archives import BROKEN_FILE
from corpus.files.encodings import LEGACY
from corpus.files.parquet_rows import rows_as_json
from corpus.progress import progress
from corpus.withdrawn.search_terms import contains_any

WINDOW_BYTES, OVERLAP_BYTES = 1 << 22, 1 << 12
ROWS = 5_000


@dataclass
class Searched:
    """Number of files and bytes that were searched, and the files that hold a piece."""

    files: int = 0
    size_bytes: int = 0
    hits: list[Path] = field(default_factory=list)


def search(roots: Iterable[Path], forms: list[str]) -> Searched:
    """Search every file below the roots, and its name, for any of the forms; links are not followed."""
    result, files = Searched(), [(root, path) for root in roots for path in files_below(root)]
    with progress("searching", "MB", sum(path.stat().st_size for _, path in files) / 1e6) as shown:
        for root, path in files:
            result.files += 1
            result.size_bytes += path.stat().st_size
            texts = chain([pl.Series([str(path.relative_to(root)) if path != root else path.name])], texts_of(path))
            if forms and any(contains_any(part, forms).any() for part in texts):
                result.hits.append(path)
            shown.detail = f"{result.files:,} files, {len(result.hits):,} with a piece"
            shown.reach(result.size_bytes / 1e6)
    return result


def files_below(root: Path) -> list[Path]:
    """The files below a folder, or the file itself; links are not followed."""
    inside = root.rglob("*") if root.is_dir() else [root]
    return sorted(path for path in inside if path.is_file() and not path.is_symlink())


def texts_of(path: Path) -> Iterator[pl.Series]:
    """Yield all texts of a file, part by part."""
    name = path.name.lower()
    if name.endswith(".parquet"):
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(ROWS):
                    yield rows_as_json(batch)
            return
        except (OSError, pa.ArrowException):
            pass  # a broken file is searched as bytes
    with path.open("rb") as raw:
        yield from byte_texts(raw)
    if name.endswith((".gz", ".tgz")):
        yield from unpacked(path)


def unpacked(path: Path) -> Iterator[pl.Series]:
    """Yield the content of a gzip file; of an archive in it, file after file."""
    try:
        with gzip.open(path) as raw:
            if not path.name.lower().endswith((".tar.gz", ".tgz")):
                yield from byte_texts(raw)  # type: ignore[arg-type]
                return
            with tarfile.open(fileobj=raw, mode="r|") as archive:
                for member in archive:
                    content = archive.extractfile(member) if member.isfile() else None
                    if content is not None:
                        yield from byte_texts(content)
    except BROKEN_FILE:
        return


def byte_texts(raw: IO[bytes]) -> Iterator[pl.Series]:
    """Yield overlapping windows of bytes as text."""
    overlap = b""
    while chunk := raw.read(WINDOW_BYTES):
        window = overlap + chunk
        texts = [window.decode("utf-8", "replace")]
        if not window.isascii() and window[:3] != codecs.BOM_UTF8:
            texts += [window.decode(encoding, "replace") for encoding in (*LEGACY, "utf-16")]
        yield pl.Series(texts)
        overlap = window[-OVERLAP_BYTES:]
