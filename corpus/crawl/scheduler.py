"""The crawl's loop: lanes of stages side by side, each with its own pace, over one frontier.

A lane that must wait (its pause between calls, a spent quota, a bot check) holds no other lane up. All writing is done
by the thread that runs the loop; calls are made by each lane's own threads.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from corpus.crawl.causes import CAUSES, CallFailed
from corpus.crawl.journal import Journal, Task, next_reset, pacific_day
from corpus.errors import CbcError

LONGEST_WAIT_S = 900.0
LONGEST_SLEEP_S = 7200.0  # what lies further ahead ends the run
TOMORROW_S = 86_400.0


class Later(CbcError):
    """Nothing more can be fetched before `until`, UTC."""

    def __init__(self, what: str, until: datetime) -> None:
        super().__init__(what, "run the same command again then, or let it wait with --wait")
        self.until = until


class QuotaEnded(Later):
    """The day's units are spent; `until` is when they are reset."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"the quota of the day is spent; it is reset at {until:%Y-%m-%d %H:%M} UTC", until)


class NotYet(Later):
    """What is left may only be tried again at a later time."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"what is left may be tried again at {until:%Y-%m-%d %H:%M} UTC", until)


class StagePaused(Later):
    """A site refuses whoever asks, not what is asked for: its stage rests."""

    def __init__(self, stage: str, cause: str, until: datetime) -> None:
        meant = CAUSES[cause].doc
        super().__init__(f"stage {stage} rests until {until:%Y-%m-%d %H:%M} UTC for {cause} ({meant})", until)


@dataclass(frozen=True)
class Answer:
    """What a call brought: the payload, the tasks it leads to, and what turned out to be gone with its cause."""

    payload: dict[str, Any]
    following: list[Task] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)


@dataclass
class Lane:
    """Stages that are fetched at one pace.

    `fetch` raises CallFailed. `units` are booked a call, of at most `units_per_day`; a lane with a quota of its own
    names its `bucket`. From the beginning and from the
    end of a call the next one waits a random time of `sleep_s`. `pause_s` is how long the whole lane waits for a cause
    that pauses; None: it never does. `stop` makes the error of a cause with policy `stop`. `put_away` brings payloads,
    at least so many, into the corpus, and is called every `batch` of them.
    """

    stages: tuple[str, ...]
    concurrency: int
    fetch: Callable[[Task], Answer]
    put_away: Callable[[int], None]
    batch: int
    units: int = 0
    units_per_day: int = 0
    bucket: str = ""
    sleep_s: tuple[float, float] = (0.0, 0.0)
    pause_s: float | None = None
    stop: Callable[[str], CbcError] | None = None
    kept: int = 0
    day: str = ""
    spent: int = 0
    not_before: float = 0.0
    closed: Later | None = None
    flying: set[int] = field(default_factory=set)

    def open(self, now: float) -> bool:
        """Whether calls may be made at all; what closed it may be over."""
        if self.closed and now >= self.closed.until.timestamp():
            self.closed = None
        return self.closed is None


@dataclass
class Crawled:
    """What one run of the command did; `given_up` counts the tasks of the whole crawl that were, `aged` those that wait
    for an age, with the time when the first is due.
    """

    calls: int = 0
    payloads: int = 0
    given_up: int = 0
    aged: tuple[int, float] = (0, 0.0)
    failures: dict[str, int] = field(default_factory=dict)


@dataclass
class Crawler:
    """One run over the frontier; `tries` a task at most, `wait_s` before the second."""

    journal: Journal
    lanes: list[Lane]
    tries: int
    wait_s: float
    tell: Callable[[Crawled], None]
    did: Crawled = field(default_factory=Crawled)
    stopped: CbcError | None = None
    flying: dict[Future[Answer], tuple[int, Task, Lane]] = field(default_factory=dict)

    def run(self) -> None:
        """Fetch until nothing waits. Raises Later, and what a cause of policy `stop` says."""
        for lane in self.lanes:
            self.rest(lane)
        pools = {id(lane): ThreadPoolExecutor(lane.concurrency) for lane in self.lanes}
        try:
            while self.stopped is None:
                for lane in self.lanes:
                    self.start(lane, pools[id(lane)])
                if not (self.land(self.soonest()) if self.flying else self.sleep()):
                    break
        finally:
            while self.flying:  # calls in flight were paid for: keep what they bring
                self.land(None)
            for pool in pools.values():
                pool.shutdown()
        if self.stopped:
            raise self.stopped

    def start(self, lane: Lane, pool: ThreadPoolExecutor) -> None:
        """Book and make as many calls as may be made now."""
        now = time.time()
        if not lane.open(now) or now < lane.not_before:
            return
        room = lane.concurrency - len(lane.flying)
        tasks = self.journal.ready(now, min(room, 1) if lane.sleep_s[1] else room, lane.flying, lane.stages)
        if tasks and lane.units:
            tasks = tasks[: self.left(lane, now)]
            if not tasks:
                lane.closed = QuotaEnded(next_reset(now))
        for call, task in zip(self.journal.book(tasks, lane.units, now) if tasks else [], tasks, strict=True):
            self.flying[pool.submit(lane.fetch, task)] = call, task, lane
            lane.flying.add(task.id)
            lane.not_before = now + random.uniform(*lane.sleep_s)
        lane.spent += lane.units * len(tasks)
        self.did.calls += len(tasks)

    def left(self, lane: Lane, now: float) -> int:
        """How many calls the day's units still allow."""
        day = pacific_day(now)
        if self.journal.quota_ended(day, lane.bucket):
            return 0
        if lane.day != day:  # from then on counted here, since nobody else books
            lane.day, lane.spent = day, self.journal.units_spent(day, lane.stages)
        return max(0, lane.units_per_day - lane.spent) // lane.units

    def soonest(self) -> float | None:
        """When a lane that is open and has room may make its next call; None where none waits."""
        now, found = time.time(), []
        for lane in self.lanes:
            if lane.open(now) and len(lane.flying) < lane.concurrency:
                at = self.journal.next_try(lane.stages, lane.flying)
                found += [] if at is None else [max(at, lane.not_before)]
        return min(found, default=None)

    def sleep(self) -> bool:
        """Wait until the next call may be made; False if none will be. Raises Later where that is far ahead."""
        at, now = self.soonest(), time.time()
        if at is not None and at - now <= LONGEST_SLEEP_S:
            time.sleep(max(0.0, min(at - now, 60.0)))
            return True
        closed = [
            lane.closed
            for lane in self.lanes
            if lane.closed and self.journal.next_try(lane.stages, aged=False) is not None
        ]
        stages = [stage for lane in self.lanes if not lane.closed for stage in lane.stages]
        later = self.journal.next_try(stages, aged=False) if stages else None
        ahead = [*closed, *([NotYet(datetime.fromtimestamp(later, UTC))] if later is not None else [])]
        if ahead:
            raise min(ahead, key=lambda later: later.until)
        return False

    def land(self, until: float | None) -> bool:
        """Write down what the next calls brought, if any come before a time."""
        timeout = None if until is None else max(0.0, until - time.time())
        for future in wait(self.flying, timeout, return_when=FIRST_COMPLETED).done:
            call, task, lane = self.flying.pop(future)
            lane.flying.discard(task.id)
            lane.not_before = max(lane.not_before, time.time() + random.uniform(*lane.sleep_s))
            try:
                self.keep(call, task, lane, future.result())
            except CallFailed as failure:
                self.fail(call, task, lane, failure)
            self.tell(self.did)
        return True

    def keep(self, call: int, task: Task, lane: Lane, found: Answer) -> None:
        """Write a payload and what follows from it."""
        # In ASCII, so that half characters, which SQLite and parquet refuse, are kept as received.
        body = json.dumps(found.payload, separators=(",", ":"))
        self.journal.done(call, task, body, found.following, found.gone, time.time())
        self.did.payloads += 1
        lane.kept += 1
        if lane.kept % lane.batch == 0:
            lane.put_away(lane.batch)

    def fail(self, call: int, task: Task, lane: Lane, failure: CallFailed) -> None:
        """Do what the cause asks for."""
        now, policy = time.time(), failure.policy
        self.did.failures[failure.cause] = self.did.failures.get(failure.cause, 0) + 1
        if policy == "quota":
            self.journal.out_of_quota(call, now, lane.bucket)
            return
        again = policy == "stop" or (policy in ("back off", "tomorrow") and task.tries + 1 < self.tries)
        pauses = lane.pause_s is not None and CAUSES[failure.cause].pauses
        wait_s = {"tomorrow": TOMORROW_S, "back off": min(self.wait_s * 2**task.tries, LONGEST_WAIT_S)}.get(policy, 0)
        if pauses and lane.pause_s is not None:
            rest_s = TOMORROW_S if policy == "tomorrow" else lane.pause_s
            self.journal.pause(lane.stages[0], now + rest_s, failure.cause)
            self.rest(lane)
        not_before = (now if pauses else now + wait_s) if again else None  # a pause holds the task back already
        self.journal.failed(call, task, failure.cause, failure.said, not_before, now)
        if policy == "stop" and lane.stop:
            self.stopped = lane.stop(failure.said)

    def rest(self, lane: Lane) -> None:
        """Let a lane wait as long as the journal says that it rests."""
        until, cause = self.journal.paused(lane.stages[0])
        if until - time.time() > LONGEST_SLEEP_S:
            lane.closed = StagePaused(lane.stages[0], cause, datetime.fromtimestamp(until, UTC))
        else:
            lane.not_before = max(lane.not_before, until)
