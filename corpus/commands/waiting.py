"""How a command that crawls ends where the rest must wait: a line, and an exit code that a scheduler knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from corpus.console import failed

if TYPE_CHECKING:
    from corpus.crawl.scheduler import Crawled

QUOTA_ENDED = 75  # EX_TEMPFAIL of sysexits.h: a scheduler tries again later


@contextmanager
def crawling() -> Iterator[Callable[[Crawled], None]]:
    """Show a crawl's progress; yields the function that updates it. Raises Exit where the rest must wait."""
    from corpus.crawl.progress import crawl_progress
    from corpus.crawl.scheduler import Later

    try:
        with crawl_progress() as tell:
            yield tell
    except Later as ended:
        failed(str(ended))
        raise typer.Exit(QUOTA_ENDED) from None
