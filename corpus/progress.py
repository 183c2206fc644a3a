"""One progress display for a whole command: share done, rate, what went wrong, time left.

    with progress("predicting", "answers", total=3000) as shown:
        shown.advance(64)
        shown.detail = "2 unread"

It is drawn on stderr: a bar on a terminal, elsewhere a plain line a minute; nothing where the user wants quiet. Within
another display nothing is drawn: a crawl shows its calls, not each ingest of what they brought.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from corpus.console import VERBOSITY, on_one_line

LINE_EVERY_S = 60.0
_DRAWN: list[str] = []  # the title of the display that is drawn now


@dataclass
class Shown:
    """How far a command is: `done` of `total`, of which `begun` was done before; `draw` shows it."""

    title: str
    unit: str
    total: float | None
    begun: float
    draw: Callable[[Shown], None]
    done: float = 0.0
    detail: str = ""
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.reach(self.begun)

    def advance(self, count: float = 1) -> None:
        """Count what was done."""
        self.reach(self.done + count)

    def reach(self, done: float) -> None:
        """Set how much is done in all."""
        self.done = done
        self.draw(self)

    @property
    def rate(self) -> float:
        """How much this run does a second."""
        return (self.done - self.begun) / max(time.monotonic() - self.began, 1e-9)

    def __str__(self) -> str:
        """How far it is, as a line."""
        of = f" of {self.total:,.0f}" if self.total else ""
        parts = [f"{self.title}: {self.done:,.0f}{of} {self.unit}"]
        if self.done > self.begun:
            parts.append(f"{self.rate:,.1f}/s")
            parts += [f"{clock((self.total - self.done) / self.rate)} left"] if self.total else []
        return on_one_line(", ".join([*parts, *([self.detail] if self.detail else [])]))


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


@contextmanager
def progress(title: str, unit: str, total: float | None = None, begun: float = 0.0) -> Iterator[Shown]:
    """Show how far a command is while the block runs; `begun` is what was done before."""
    if VERBOSITY.quiet or _DRAWN:
        yield hidden(title, unit, total, begun)
        return
    _DRAWN.append(title)
    try:
        if not sys.stderr.isatty():
            yield Shown(title, unit, total, begun, lines(time.monotonic))
        else:
            with bar() as draw:
                yield Shown(title, unit, total, begun, draw)
    finally:
        _DRAWN.clear()


def hidden(title: str = "", unit: str = "", total: float | None = None, begun: float = 0.0) -> Shown:
    """A display that is counted and not drawn."""
    return Shown(title, unit, total, begun, lambda shown: None)


def lines(clock_s: Callable[[], float], every_s: float = LINE_EVERY_S) -> Callable[[Shown], None]:
    """Print a line whenever the last one, or the beginning, is old enough: for logs."""
    last = clock_s()

    def draw(shown: Shown) -> None:
        nonlocal last
        if clock_s() - last >= every_s:
            last = clock_s()
            print(shown, file=sys.stderr, flush=True)

    return draw


@contextmanager
def bar() -> Iterator[Callable[[Shown], None]]:
    """A bar on a terminal, gone when the block ends."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = BarColumn(24), TextColumn("{task.description}", markup=False)
    with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:
        task = drawn.add_task("")
        yield lambda shown: drawn.update(
            task, total=shown.total, completed=shown.done, description=str(shown), refresh=False
        )
