"""Report a crawl's progress: tasks by stage, failures by cause, units booked today, rate and time left.

Everything is read from the journal, even while another process crawls.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from corpus.console import command_text
from corpus.crawl.journal import WATCH, next_reset, pacific_day
from corpus.crawl.scheduler import Crawled
from corpus.crawl.youtube_api import SEARCH
from corpus.printing import number_of, table_text
from corpus.progress import progress

RATE_S = 300.0  # the rate is measured over the last five minutes
STAGES = """SELECT stage, sum(state = 'done'), sum(state = 'waiting'), sum(state = 'given up') FROM task
    WHERE round = (SELECT max(round) FROM task) GROUP BY stage ORDER BY min(id)"""
CAUSES = "SELECT stage, cause, state, count(*), min(target) FROM task WHERE cause IS NOT NULL GROUP BY 1, 2, 3"
RECENT = """SELECT task.stage = ?, count(*), min(call.booked_at) FROM call JOIN task ON call.task = task.id
    WHERE call.outcome = 'answered' AND call.ended_at > ? GROUP BY 1 ORDER BY 1"""
SPENT = """SELECT coalesce(sum(units) FILTER (WHERE stage <> :search), 0),
    coalesce(sum(units) FILTER (WHERE stage = :search), 0)
    FROM call JOIN task ON task.id = call.task WHERE day = :day"""
PAUSES = "SELECT stage, until, cause FROM pause WHERE until > ?"
GONE = "SELECT cause, count(*), min(id) FROM gone GROUP BY cause ORDER BY cause"


@contextmanager
def crawl_progress() -> Iterator[Callable[[Crawled], None]]:
    """Show calls and failures while a crawl runs; yields the function that updates the display."""
    with progress("crawling", "calls") as display:

        def update(totals: Crawled) -> None:
            display.detail = ", ".join(f"{count:,} {cause}" for cause, count in totals.failures.items())
            display.reach(totals.calls)

        yield update


def crawled_text(totals: Crawled, root: Path) -> str:
    """Describe a finished run, as lines for a terminal."""
    failed = ", ".join(f"{n:,} {cause}" for cause, n in sorted(totals.failures.items())) or "none"
    lines = [
        f"{number_of(totals.calls, 'call')} made, {number_of(totals.payloads, 'payload')} kept; failed calls: {failed}"
    ]
    count, due = totals.aged
    if count:
        at = datetime.fromtimestamp(due, UTC)
        waiting = f"{number_of(count, 'call')} {'waits' if count == 1 else 'wait'} until videos reach an age"
        lines.append(f"{waiting}; run the command again at {at:%Y-%m-%d %H:%M} UTC")
    if totals.given_up:
        causes = command_text("cbc", "corpus", "status", "--corpus", root)
        again = command_text("cbc", "corpus", "retry", "--cause", "CAUSE", "--corpus", root)
        given_up = f"{number_of(totals.given_up, 'task')} given up"
        lines.append(f"{given_up}; `{causes}` names the causes, `{again}` tries again")
    return "\n".join(lines)


@dataclass(frozen=True)
class CrawlState:
    """State of a crawl.

    `stages`: name, done, waiting, given up; `causes`: stage, cause, state, tasks, an example; `gone`: cause, videos, an
    example; `pauses`: stage, until (UTC), cause; `rates`: whether of yt-dlp, calls a second, seconds left for the
    tasks known so far.
    """

    stages: list[tuple[str, int, int, int]]
    causes: list[tuple[str, str, str, int, str]]
    gone: list[tuple[str, int, str]]
    pauses: list[tuple[str, datetime, str]]
    day: str
    units: int
    searches: int
    reset_at: datetime
    rates: list[tuple[bool, float, float]]


def crawl_state(root: Path) -> CrawlState | None:
    """Read the state of the crawl in the corpus at `root`; None if it has none."""
    path = root / "crawl.sqlite"
    if not path.is_file():
        return None
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        stages, causes, gone = (connection.execute(sql).fetchall() for sql in (STAGES, CAUSES, GONE))
        now = time.time()
        day = pacific_day(now)
        units, searches = connection.execute(SPENT, {"search": SEARCH, "day": day}).fetchone()
        recent = connection.execute(RECENT, (WATCH, now - RATE_S)).fetchall()
        pauses = connection.execute(PAUSES, (now,)).fetchall()
    rates = []
    for watching, answered, since in recent:
        rate = answered / max(now - since, 1e-9)
        left = sum(row[2] for row in stages if (row[0] == WATCH) == bool(watching)) / rate
        rates.append((bool(watching), rate, left))
    return CrawlState(stages, causes, gone, pauses_in_utc(pauses), day, units, searches, next_reset(now), rates)


def progress_text(root: Path) -> str:
    """Describe the crawl of the corpus at `root`, as lines; empty if it has none."""
    state = crawl_state(root)
    if state is None:
        return ""
    lines = ["CRAWL", table_text(["stage", "done", "waiting", "given up"], state.stages)]
    lines += [
        f"{stage}: {n:,} {status} for {cause}, e.g. {target[:40]}" for stage, cause, status, n, target in state.causes
    ]
    lines += [f"gone: {n:,} {cause}, e.g. {video}" for cause, n, video in state.gone]
    lines += [f"{stage} rests until {at:%Y-%m-%d %H:%M} UTC for {cause}" for stage, at, cause in state.pauses]
    booked = f"{state.units:,}" + (f", searches: {state.searches:,}" if state.searches else "")
    reset = f"{state.reset_at:%Y-%m-%d %H:%M}"
    lines.append(f"units booked today ({state.day}, Pacific): {booked}; reset at {reset} UTC")
    for watching, rate, left in state.rates:
        stage = f"{WATCH}: " if watching else ""
        lines.append(f"{stage}rate: {rate:,.{1 + watching}f} calls/s; time left for what is known: {left:,.0f} s")
    return "\n".join(lines)


def pauses_in_utc(pauses: list[tuple[str, float, str]]) -> list[tuple[str, datetime, str]]:
    """Convert pauses (stage, until as seconds, cause) to UTC times."""
    return [(stage, datetime.fromtimestamp(until, UTC), cause) for stage, until, cause in pauses]
