"""Report a crawl's progress: tasks by stage, failures by cause, units of the day, rate and time left of API and yt-dlp.

Everything is read from the journal, also while another process crawls.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from corpus.crawl.journal import WATCH, next_reset, pacific_day
from corpus.crawl.scheduler import Crawled
from corpus.crawl.youtube_api import SEARCH
from corpus.printing import table_text
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
    """A progress display of calls, with what failed; gives the function that moves it."""
    with progress("crawling", "calls") as shown:

        def tell(did: Crawled) -> None:
            shown.detail = ", ".join(f"{count:,} {cause}" for cause, count in did.failures.items())
            shown.reach(did.calls)

        yield tell


def crawled_text(totals: Crawled) -> str:
    """Lines for a terminal: what a run of the command did."""
    failed = ", ".join(f"{n:,} {cause}" for cause, n in sorted(totals.failures.items())) or "none"
    lines = [f"{totals.calls:,} calls made, {totals.payloads:,} payloads kept; failed calls: {failed}"]
    count, due = totals.aged
    if count:
        at = datetime.fromtimestamp(due, UTC)
        lines.append(
            f"{count:,} calls wait until videos reach an age; run the command again at {at:%Y-%m-%d %H:%M} UTC"
        )
    if totals.given_up:
        advice = "`cbc corpus status` names the causes, `cbc corpus retry` tries again"
        lines.append(f"{totals.given_up:,} tasks given up; {advice}")
    return "\n".join(lines)


@dataclass(frozen=True)
class Standing:
    """How a crawl stands. `stages`: name, done, waiting, given up; `causes`: stage, cause, state, tasks, an example;
    `gone`: cause, videos, an example; `pauses`: stage, until (UTC), cause; `rates`: whether yt-dlp's, calls a second,
    seconds left for what is known.
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


def standing(root: Path) -> Standing | None:
    """The crawl of the corpus at `root`; None without one."""
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
    return Standing(stages, causes, gone, resting(pauses), day, units, searches, next_reset(now), rates)


def progress_text(root: Path) -> str:
    """The crawl of the corpus at `root` as lines; empty without one."""
    found = standing(root)
    if found is None:
        return ""
    lines = ["CRAWL", table_text(["stage", "done", "waiting", "given up"], found.stages)]
    lines += [f"{stage}: {n:,} {state} for {cause}, e.g. {one[:40]}" for stage, cause, state, n, one in found.causes]
    lines += [f"gone: {n:,} {cause}, e.g. {one}" for cause, n, one in found.gone]
    lines += [f"{stage} rests until {at:%Y-%m-%d %H:%M} UTC for {cause}" for stage, at, cause in found.pauses]
    booked = f"{found.units:,}" + (f", searches: {found.searches:,}" if found.searches else "")
    reset = f"{found.reset_at:%Y-%m-%d %H:%M}"
    lines.append(f"units booked today ({found.day}, Pacific): {booked}; reset at {reset} UTC")
    for watching, rate, left in found.rates:
        stage = f"{WATCH}: " if watching else ""
        lines.append(f"{stage}rate: {rate:,.{1 + watching}f} calls/s; time left for what is known: {left:,.0f} s")
    return "\n".join(lines)


def resting(pauses: list[tuple[str, float, str]]) -> list[tuple[str, datetime, str]]:
    """Stages that rest as a whole, until when, UTC, and why."""
    return [(stage, datetime.fromtimestamp(until, UTC), cause) for stage, until, cause in pauses]
