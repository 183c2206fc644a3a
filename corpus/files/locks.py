"""A lock file that one process at a time may hold."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus.errors import Busy


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file at `path` in a folder that exists. Raises Busy when another process does."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"{path.parent} is being written by another process", "wait for it to end") from None
        yield
