"""Messages of a mailbox, one by one, numbered alike for whoever reads or rewrites them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

LARGEST = 64 << 20  # bytes of a message; a larger one is passed over without being held
PIECE = 1 << 20  # bytes read at a time of a line that does not end


def pieces(source: IO[bytes], single: bool = False) -> Iterator[tuple[bytes, bool]]:
    """A mailbox line by line (long lines in pieces), and whether a message begins with it.

    A message begins at a line "From " after a blank line; `single`: the file is one message. Raises BROKEN_FILE.
    """
    first, fresh, after_blank = True, True, True
    while piece := source.readline(PIECE):
        begins = first or (fresh and after_blank and not single and piece.startswith(b"From "))
        yield piece, begins
        after_blank, fresh, first = fresh and not piece.strip(), piece.endswith(b"\n"), False


def messages(source: IO[bytes], single: bool = False, largest: int | None = None) -> Iterator[tuple[int, bytes | None]]:
    """Each message with the physical line it starts on, from 1; None stands for one that is too large.

    `largest`: bytes of a message, LARGEST without it. Raises BROKEN_FILE.
    """
    limit = LARGEST if largest is None else largest
    held: list[bytes] = []
    size, line, start, fresh = 0, 0, 1, True
    for piece, begins in pieces(source, single):
        line += fresh
        if begins and size:
            yield start, b"".join(held) if size <= limit else None
            held, size, start = [], 0, line
        size += len(piece)
        if size <= limit:
            held.append(piece)
        else:
            held.clear()
        fresh = piece.endswith(b"\n")
    if size:
        yield start, b"".join(held) if size <= limit else None
