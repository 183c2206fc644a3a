"""Split a mailbox into messages; reading and blanking share this numbering."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

LARGEST = 64 << 20  # bytes of a message; a larger message is skipped without being held in memory
PIECE = 1 << 20  # bytes read at a time, so that an endless line does not fill memory


def read_pieces(source: IO[bytes], single: bool = False) -> Iterator[tuple[bytes, bool]]:
    """Yield each line of a mailbox (long lines in pieces) and whether a message begins with it.

    A message begins at a line "From " after a blank line; `single`: the file is a single message. Raises BROKEN_FILE.
    """
    first, fresh, after_blank = True, True, True
    while piece := source.readline(PIECE):
        begins = first or (fresh and after_blank and not single and piece.startswith(b"From "))
        yield piece, begins
        after_blank, fresh, first = fresh and not piece.strip(), piece.endswith(b"\n"), False


def read_messages(
    source: IO[bytes], single: bool = False, largest: int | None = None
) -> Iterator[tuple[int, bytes | None]]:
    """Yield the first physical line (from 1) and bytes of each message; None where a message is too large.

    `largest` is the limit in bytes, LARGEST by default. Raises BROKEN_FILE.
    """
    limit = LARGEST if largest is None else largest
    kept_pieces: list[bytes] = []
    size, line, start, fresh = 0, 0, 1, True
    for piece, begins in read_pieces(source, single):
        line += fresh
        if begins and size:
            yield start, b"".join(kept_pieces) if size <= limit else None
            kept_pieces, size, start = [], 0, line
        size += len(piece)
        if size <= limit:
            kept_pieces.append(piece)
        else:
            kept_pieces.clear()
        fresh = piece.endswith(b"\n")
    if size:
        yield start, b"".join(kept_pieces) if size <= limit else None
