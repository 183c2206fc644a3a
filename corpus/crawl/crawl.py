"""`cbc corpus crawl RECIPE --corpus DIR`: fetch what a recipe names, within quota, through failures, over days.

Calls are booked in the ledger before they are made; payloads go to the journal with "done" in one transaction, and
from there, many at a time, to CORPUS/raw and the tables by an ordinary ingest. Stopped at any instant, the same
command goes on.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus.crawl.causes import CAUSES, CallFailed
from corpus.crawl.journal import Journal, Task, next_reset, pacific_day
from corpus.crawl.recipe import CrawlRecipe, opted_out
from corpus.crawl.segments import PAYLOADS, put_away
from corpus.crawl.youtube import KEY_VARIABLE, UNITS, Api, NoKey, allowed, first_tasks, follow, without
from corpus.errors import CbcError
from corpus.store import Corpus
from corpus.takedown.tombstones import all_ids, withdrawn

LONGEST_WAIT_S = 900.0
CLOCK_SLACK_S = 60.0


class QuotaEnded(CbcError):
    """The day's units are spent; `until` is when they are reset, UTC."""

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"the quota of the day is spent; it is reset at {until:%Y-%m-%d %H:%M} UTC",
            "run the same command again then, or let it wait with --wait",
        )
        self.until = until


class WrongClock(CbcError):
    """The clock stands before calls that were made already: units would be booked on the wrong day."""


class NothingCrawled(CbcError):
    """A corpus has no crawl to go on with, or a crawl nothing of the kind that is named."""


@dataclass
class Crawled:
    """What one run of the command did; `given_up` counts the tasks of the whole crawl that were."""

    calls: int = 0
    payloads: int = 0
    given_up: int = 0
    failures: dict[str, int] = field(default_factory=dict)


@dataclass
class Crawler:
    """One run over the frontier: at most `concurrency` calls in flight, all writing done by this thread."""

    journal: Journal
    root: Path
    recipe: CrawlRecipe
    api: Api
    tell: Callable[[Crawled], None]
    withheld: frozenset[str] = frozenset()
    did: Crawled = field(default_factory=Crawled)
    stopped: CbcError | None = None
    flying: dict[Future[dict[str, Any]], tuple[int, Task]] = field(default_factory=dict)

    def run(self) -> None:
        """Fetch until nothing waits. Raises QuotaEnded, NoKey."""
        with ThreadPoolExecutor(self.recipe.concurrency) as pool:
            try:
                while self.stopped is None and (self.start(pool) or self.flying or self.sleep()):
                    self.land()
            finally:
                while self.flying:  # calls in flight were paid for: keep what they bring
                    self.land()
        if self.stopped:
            raise self.stopped

    def start(self, pool: ThreadPoolExecutor) -> int:
        """Book and make as many calls as may be made now; gives their number."""
        now = time.time()
        room = self.recipe.concurrency - len(self.flying)
        tasks = self.journal.ready(now, room, [task.id for _, task in self.flying.values()])
        day = pacific_day(now)
        left = 0 if self.journal.quota_ended(day) else self.recipe.quota.units_per_day - self.journal.units_spent(day)
        if tasks and left < UNITS and not self.flying:
            raise QuotaEnded(next_reset(now))
        tasks = tasks[: max(0, left) // UNITS]
        for call, task in zip(self.journal.book(tasks, UNITS, now) if tasks else [], tasks, strict=True):
            self.flying[pool.submit(self.api.fetch, task, self.recipe.youtube)] = call, task
        self.did.calls += len(tasks)
        return len(tasks)

    def sleep(self) -> bool:
        """Wait for the next task that may be tried again; False if none waits."""
        at = self.journal.next_try()
        if at is not None:
            time.sleep(max(0.0, min(at - time.time(), 60.0)))
        return at is not None

    def land(self) -> None:
        """Write down what the next call or calls brought."""
        for future in wait(self.flying, return_when=FIRST_COMPLETED).done:
            call, task = self.flying.pop(future)
            try:
                self.keep(call, task, future.result())
            except CallFailed as failure:
                self.fail(call, task, failure)
        self.tell(self.did)

    def keep(self, call: int, task: Task, found: dict[str, Any]) -> None:
        """Write a payload and what follows from it. Raises CallFailed."""
        kept, out = without(found, self.withheld)
        following, gone = follow(task, kept, self.recipe.youtube)
        # In ASCII, so that half characters, which SQLite and parquet refuse, are kept as received.
        body = json.dumps(kept, separators=(",", ":"))
        self.journal.done(call, task, body, allowed(following, self.withheld), gone | out, time.time())
        self.did.payloads += 1
        if self.did.payloads % PAYLOADS == 0:
            put_away(self.journal, self.root, PAYLOADS)

    def fail(self, call: int, task: Task, failure: CallFailed) -> None:
        """Do what the cause asks for."""
        now = time.time()
        self.did.failures[failure.cause] = self.did.failures.get(failure.cause, 0) + 1
        if failure.policy == "quota":
            self.journal.out_of_quota(call, now)
            return
        again = failure.policy == "stop" or (failure.policy == "back off" and task.tries + 1 < self.recipe.tries)
        wait_s = min(self.recipe.wait_s * 2**task.tries, LONGEST_WAIT_S) if failure.policy == "back off" else 0.0
        self.journal.failed(call, task, failure.cause, failure.said, now + wait_s if again else None, now)
        if failure.policy == "stop":
            mend = f"mend {KEY_VARIABLE} and run the command again"
            self.stopped = NoKey(f"the API refuses the key ({failure.said})", mend)


def crawl(
    recipe: CrawlRecipe,
    root: Path,
    again: bool = False,
    wait_for_quota: bool = False,
    tell: Callable[[Crawled], None] = lambda _: None,
) -> Crawled:
    """Go on with the corpus' crawl, or begin one; `again` begins a new round of observations once all is done.

    Raises NoKey, QuotaEnded, WrongClock, BadCrawlRecipe, NoSuchPath, WrongVersion, Busy.
    """
    withheld = opted_out(recipe) | all_ids(withdrawn(root))
    api = Api()
    corpus = Corpus.create(root)
    with open_journal(corpus) as journal:
        try:
            check_clock(journal)
            journal.withhold(lambda task: next(iter(allowed([task], withheld)), None))
            journal.begin(allowed(first_tasks(recipe.youtube), withheld), again)
            crawler = Crawler(journal, root, recipe, api, tell, withheld)
            while True:
                try:
                    crawler.run()
                    crawler.did.given_up = journal.given_up()
                    return crawler.did
                except QuotaEnded as ended:
                    put_away(journal, root)
                    if not wait_for_quota:
                        raise
                    print(f"note: {ended.what}; waiting", file=sys.stderr)
                    while (left := ended.until.timestamp() - time.time()) > 0:
                        time.sleep(min(left, 60.0))
        finally:
            put_away(journal, root)


def check_clock(journal: Journal) -> None:
    """Raises WrongClock."""
    now, last = time.time(), journal.last_call()
    if last > now + CLOCK_SLACK_S:
        told = datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%d %H:%M")
        raise WrongClock(f"the clock stands before the last call of this crawl ({told} UTC)", "set the clock right")


@contextmanager
def open_journal(corpus: Corpus) -> Iterator[Journal]:
    """The crawl's journal, held against other crawls. Raises Busy."""
    with corpus.lock("crawl.lock"):
        journal = Journal(corpus.root / "crawl.sqlite")
        try:
            yield journal
        finally:
            journal.close()


def retry(root: Path, cause: str) -> int:
    """Let what was given up for a cause be fetched again by the next crawl; gives the number of tasks."""
    corpus = Corpus.open(root)
    if cause not in CAUSES:
        raise NothingCrawled(f"nothing is given up for {cause!r}", f"name one of {', '.join(CAUSES)}")
    if not (root / "crawl.sqlite").exists():
        raise NothingCrawled(f"{root} has no crawl", "begin one with `cbc corpus crawl RECIPE`")
    with open_journal(corpus) as journal:
        return journal.retry(cause)
