"""How a crawl stands: tasks by stage, failures by cause, units of the day, the rate and the time left.

Read from the journal, also while a crawl runs in another process.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tqdm import tqdm

from corpus.crawl.crawl import Crawled
from corpus.crawl.journal import next_reset, pacific_day

RATE_S = 300.0  # the rate is that of the last five minutes
STAGES = """SELECT stage, sum(state = 'done'), sum(state = 'waiting'), sum(state = 'given up') FROM task
    WHERE round = (SELECT max(round) FROM task) GROUP BY stage ORDER BY min(id)"""
CAUSES = "SELECT stage, cause, state, count(*), min(target) FROM task WHERE cause IS NOT NULL GROUP BY 1, 2, 3"
GONE = "SELECT cause, count(*), min(id) FROM gone GROUP BY cause ORDER BY cause"


@contextmanager
def bar() -> Iterator[Callable[[Crawled], None]]:
    """A progress bar of calls, with what failed; gives the function that moves it."""
    with tqdm(desc="crawling", unit="call", disable=None, leave=False) as shown:

        def tell(did: Crawled) -> None:
            shown.set_postfix_str(", ".join(f"{cause} {n}" for cause, n in did.failures.items()), refresh=False)
            shown.update(did.calls - shown.n)

        yield tell


def crawled_text(did: Crawled) -> str:
    """What one run did, as a line."""
    failed = ", ".join(f"{n:,} {cause}" for cause, n in sorted(did.failures.items())) or "none"
    told = f"{did.calls:,} calls made, {did.payloads:,} payloads kept; failed calls: {failed}"
    if not did.given_up:
        return told
    return (
        f"{told}\n{did.given_up:,} tasks given up; `cbc corpus status` names the causes, `cbc corpus retry` tries again"
    )


def progress_text(root: Path) -> str:
    """The crawl of the corpus at `root` as lines; empty without one."""
    path = root / "crawl.sqlite"
    if not path.is_file():
        return ""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        stages, causes, gone = (connection.execute(sql).fetchall() for sql in (STAGES, CAUSES, GONE))
        now = time.time()
        day = pacific_day(now)
        spent = connection.execute("SELECT coalesce(sum(units), 0) FROM call WHERE day = ?", (day,)).fetchone()
        recent = "SELECT count(*), min(booked_at) FROM call WHERE outcome = 'answered' AND ended_at > ?"
        answered, since = connection.execute(recent, (now - RATE_S,)).fetchone()
    lines = ["CRAWL", f"{'stage':16} {'done':>9} {'waiting':>9} {'given up':>9}"]
    lines += [f"{stage:16} {done:9,} {waiting:9,} {up:9,}" for stage, done, waiting, up in stages]
    lines += [f"{stage}: {n:,} {state} for {cause}, e.g. {one[:40]}" for stage, cause, state, n, one in causes]
    lines += [f"gone: {n:,} {cause}, e.g. {one}" for cause, n, one in gone]
    lines.append(f"units booked today ({day}, Pacific): {spent[0]:,}; reset at {next_reset(now):%Y-%m-%d %H:%M} UTC")
    if answered:
        rate = answered / max(now - since, 1e-9)
        left = sum(row[2] for row in stages) / rate
        lines.append(f"rate: {rate:,.1f} calls/s; time left for what is known: {left:,.0f} s")
    return "\n".join(lines)
