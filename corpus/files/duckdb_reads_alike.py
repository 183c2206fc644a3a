"""Whether DuckDB reads a file as it is read record by record; one look at its bytes decides.

DuckDB drops spaces beside the quotation marks of CSV, takes a bare carriage return for a line end, looks at the
encoding of those columns alone that are asked for, passes over control characters beside JSON, and does not check the
checksum of a zipped file. Such files are read record by record.
"""

from __future__ import annotations

import codecs
from threading import Event

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus.files.archives import BROKEN_FILE, Part

CHUNK_BYTES = 1 << 20
MARK, RETURN, FEED = b'"\r\n'
Bytes = npt.NDArray[np.uint8]


def is_plain_csv(part: Part, separator: str, stop: Event) -> bool:
    """Whether a file is whole and UTF-8, each of its quotation marks begins or ends a field or is doubled in one, and
    carriage returns stand before line feeds or in quotation; False once `stop` is set.
    """
    if not (separator.isascii() and len(separator) == 1):
        return False
    before, line, quoted, ends = b"\n", b"", 0, False
    try:
        with part.open() as raw:
            while not ends:
                if stop.is_set():
                    return False
                chunk = raw.read(CHUNK_BYTES)
                ends = not chunk
                line = _after_valid_lines(line + chunk, ends)
                text = before + (chunk or separator.encode())
                if before == b"\n":
                    text = before + chunk.removeprefix(codecs.BOM_UTF8)
                if (marks := _marks(np.frombuffer(text, np.uint8), ord(separator), quoted)) is None:
                    return False
                before, quoted = text[-2:], (quoted + marks) % 2
    except (*BROKEN_FILE, pa.ArrowInvalid):
        return False
    return quoted == 0


def _after_valid_lines(text: bytes, ends: bool) -> bytes:
    """What follows the last line feed, where a character may be cut. Raises ArrowInvalid if the rest is not UTF-8."""
    cut = len(text) if ends or len(text) > 2 * CHUNK_BYTES else text.rfind(b"\n") + 1
    pa.array([text[:cut]], pa.binary()).cast(pa.string())
    return text[cut:]


def _marks(text: Bytes, separator: int, quoted: int) -> int | None:
    """The number of quotation marks between the first and the last byte; None where something is not plain.

    `quoted` is 1 where the text begins in quotation.
    """
    inner = text[1:-1]
    places = np.flatnonzero(inner == MARK) + 1
    opens = (quoted + np.arange(len(places))) % 2 == 0
    is_edge = np.zeros(256, np.bool_)
    is_edge[[separator, RETURN, FEED, MARK]] = True
    beside = np.concatenate([text[places[opens] - 1], text[places[~opens] + 1]])
    returns = np.flatnonzero(inner == RETURN) + 1
    bare = returns[text[returns + 1] != FEED]
    outside = (quoted + np.searchsorted(places, bare)) % 2 == 0
    return None if outside.any() or not is_edge[beside].all() else len(places)


def is_plain_json(part: Part, stop: Event) -> bool:
    """Whether a file of JSON lines is whole, and holds no vertical tab and no form feed; False once `stop` is set."""
    try:
        with part.open() as raw:
            while chunk := raw.read(CHUNK_BYTES):
                if stop.is_set() or b"\v" in chunk or b"\f" in chunk:
                    return False
    except BROKEN_FILE:
        return False
    return True
