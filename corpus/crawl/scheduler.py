"""Run the crawl's loop: lanes of stages side by side, each at its own pace, over a single frontier.

A lane that must wait (the time between calls, a spent quota, a bot check) delays no other lane. Only the thread that
runs the loop writes; each lane makes its calls in threads of its own.
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
LONGEST_SLEEP_S = 7200.0  # a longer wait ends the run
TOMORROW_S = 86_400.0


class Later(CbcError):
    """Nothing more can be fetched before `until`, UTC."""

    def __init__(self, what: str, until: datetime) -> None:
        super().__init__(what, "run the same command again then, or pass --wait")
        self.until = until


class QuotaEnded(Later):
    """The day's quota is spent; it is reset at `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"the quota of the day is spent; it is reset at {until:%Y-%m-%d %H:%M} UTC", until)


class NotYet(Later):
    """All remaining tasks wait for a later time."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"the remaining calls can be made from {until:%Y-%m-%d %H:%M} UTC on", until)


class StagePaused(Later):
    """A site refuses the caller and not the video, so its whole stage is paused."""

    def __init__(self, stage: str, cause: str, until: datetime) -> None:
        meaning = CAUSES[cause].doc
        super().__init__(f"stage {stage} is paused until {until:%Y-%m-%d %H:%M} UTC: {cause} ({meaning})", until)


@dataclass(frozen=True)
class Answer:
    """Result of a call: its payload, the tasks that follow, and ids that are gone, with the cause of each."""

    payload: dict[str, Any]
    following: list[Task] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)


@dataclass
class Lane:
    """Stages that are fetched at a common pace.

    `fetch` raises CallFailed. Each call books `units`, of at most `units_per_day`; a lane with a separate quota names
    its `bucket`. A random time of `sleep_s` passes between the start of a call and the start of the next, and between
    its end and the next start. After a cause that pauses, the whole lane waits `pause_s` (None: never). `stop_error`
    makes the error for a cause with policy `stop`. `ingest` brings payloads into the corpus if at least so many wait;
    it is called after every `batch` payloads.
    """

    stages: tuple[str, ...]
    concurrency: int
    fetch: Callable[[Task], Answer]
    ingest: Callable[[int], None]
    batch: int
    units: int = 0
    units_per_day: int = 0
    bucket: str = ""
    sleep_s: tuple[float, float] = (0.0, 0.0)
    pause_s: float | None = None
    stop_error: Callable[[str], CbcError] | None = None
    payloads: int = 0
    day: str = ""
    spent: int = 0
    not_before: float = 0.0
    closed: Later | None = None
    in_flight: set[int] = field(default_factory=set)

    def is_open(self, now: float) -> bool:
        """Whether the lane may make calls; reopens it if the time it was closed for is over."""
        if self.closed and now >= self.closed.until.timestamp():
            self.closed = None
        return self.closed is None


@dataclass
class Crawled:
    """Totals of a run of the command, for reports.

    `given_up` counts the tasks given up in the whole crawl; `aged` the tasks that wait for an age, with the time when
    the first is due.
    """

    calls: int = 0
    payloads: int = 0
    given_up: int = 0
    aged: tuple[int, float] = (0, 0.0)
    failures: dict[str, int] = field(default_factory=dict)


@dataclass
class Crawler:
    """A run over the frontier: at most `tries` calls of a task, `wait_s` before the second; `report` gets totals."""

    journal: Journal
    lanes: list[Lane]
    tries: int
    wait_s: float
    report: Callable[[Crawled], None]
    totals: Crawled = field(default_factory=Crawled)
    stopped: CbcError | None = None
    in_flight: dict[Future[Answer], tuple[int, Task, Lane]] = field(default_factory=dict)

    def run(self) -> None:
        """Fetch until no task waits. Raises Later, and the error of a cause with policy `stop`."""
        for lane in self.lanes:
            self.apply_pause(lane)
        pools = {id(lane): ThreadPoolExecutor(lane.concurrency) for lane in self.lanes}
        try:
            while self.stopped is None:
                for lane in self.lanes:
                    self.start_calls(lane, pools[id(lane)])
                if not (self.collect_finished(self.next_call_at()) if self.in_flight else self.sleep()):
                    break
        finally:
            while self.in_flight:  # their units are spent: keep their payloads
                self.collect_finished(None)
            for pool in pools.values():
                pool.shutdown()
        if self.stopped:
            raise self.stopped

    def start_calls(self, lane: Lane, pool: ThreadPoolExecutor) -> None:
        """Book and start as many calls as the lane may make now."""
        now = time.time()
        if not lane.is_open(now) or now < lane.not_before:
            return
        room = lane.concurrency - len(lane.in_flight)
        tasks = self.journal.ready_tasks(now, min(room, 1) if lane.sleep_s[1] else room, lane.in_flight, lane.stages)
        if tasks and lane.units:
            tasks = tasks[: self.calls_left(lane, now)]
            if not tasks:
                lane.closed = QuotaEnded(next_reset(now))
        for call, task in zip(self.journal.book_calls(tasks, lane.units, now) if tasks else [], tasks, strict=True):
            self.in_flight[pool.submit(lane.fetch, task)] = call, task, lane
            lane.in_flight.add(task.id)
            lane.not_before = now + random.uniform(*lane.sleep_s)
        lane.spent += lane.units * len(tasks)
        self.totals.calls += len(tasks)

    def calls_left(self, lane: Lane, now: float) -> int:
        """Number of calls that the day's units still allow."""
        day = pacific_day(now)
        if self.journal.quota_ended(day, lane.bucket):
            return 0
        if lane.day != day:  # from then on counted here, since no other process books
            lane.day, lane.spent = day, self.journal.units_spent(day, lane.stages)
        return max(0, lane.units_per_day - lane.spent) // lane.units

    def next_call_at(self) -> float | None:
        """Earliest time when an open lane with room may make its next call; None if no task waits."""
        now, times = time.time(), list[float]()
        for lane in self.lanes:
            if lane.is_open(now) and len(lane.in_flight) < lane.concurrency:
                at = self.journal.next_try_at(lane.stages, lane.in_flight)
                times += [] if at is None else [max(at, lane.not_before)]
        return min(times, default=None)

    def sleep(self) -> bool:
        """Sleep until the next call may be made; False if none remains. Raises Later if that is far ahead."""
        at, now = self.next_call_at(), time.time()
        if at is not None and at - now <= LONGEST_SLEEP_S:
            time.sleep(max(0.0, min(at - now, 60.0)))
            return True
        closed = [
            lane.closed
            for lane in self.lanes
            if lane.closed and self.journal.next_try_at(lane.stages, aged=False) is not None
        ]
        stages = [stage for lane in self.lanes if not lane.closed for stage in lane.stages]
        later = self.journal.next_try_at(stages, aged=False) if stages else None
        ahead = [*closed, *([NotYet(datetime.fromtimestamp(later, UTC))] if later is not None else [])]
        if ahead:
            raise min(ahead, key=lambda later: later.until)
        return False

    def collect_finished(self, until: float | None) -> bool:
        """Record the results of calls that finish before a time (None: wait for the next)."""
        timeout = None if until is None else max(0.0, until - time.time())
        for future in wait(self.in_flight, timeout, return_when=FIRST_COMPLETED).done:
            call, task, lane = self.in_flight.pop(future)
            lane.in_flight.discard(task.id)
            lane.not_before = max(lane.not_before, time.time() + random.uniform(*lane.sleep_s))
            try:
                self.store_answer(call, task, lane, future.result())
            except CallFailed as failure:
                self.handle_failure(call, task, lane, failure)
            self.report(self.totals)
        return True

    def store_answer(self, call: int, task: Task, lane: Lane, answer: Answer) -> None:
        """Store a payload and the tasks that follow from it."""
        # ASCII keeps lone surrogates as received; SQLite and parquet refuse them.
        body = json.dumps(answer.payload, separators=(",", ":"))
        self.journal.record_answer(call, task, body, answer.following, answer.gone, time.time())
        self.totals.payloads += 1
        lane.payloads += 1
        if lane.payloads % lane.batch == 0:
            lane.ingest(lane.batch)

    def handle_failure(self, call: int, task: Task, lane: Lane, failure: CallFailed) -> None:
        """Apply the policy of a failed call's cause."""
        now, policy = time.time(), failure.policy
        self.totals.failures[failure.cause] = self.totals.failures.get(failure.cause, 0) + 1
        if policy == "quota":
            self.journal.record_quota_ended(call, now, lane.bucket)
            return
        again = policy == "stop" or (policy in ("back off", "tomorrow") and task.tries + 1 < self.tries)
        pauses = lane.pause_s is not None and CAUSES[failure.cause].pauses
        wait_s = {"tomorrow": TOMORROW_S, "back off": min(self.wait_s * 2**task.tries, LONGEST_WAIT_S)}.get(policy, 0)
        if pauses and lane.pause_s is not None:
            pause_s = TOMORROW_S if policy == "tomorrow" else lane.pause_s
            self.journal.pause_stage(lane.stages[0], now + pause_s, failure.cause)
            self.apply_pause(lane)
        not_before = (now if pauses else now + wait_s) if again else None  # a pause already delays the task
        self.journal.record_failure(call, task, failure.cause, failure.detail, not_before, now)
        if policy == "stop" and lane.stop_error:
            self.stopped = lane.stop_error(failure.detail)

    def apply_pause(self, lane: Lane) -> None:
        """Delay or close a lane for the pause that the journal holds for it."""
        until, cause = self.journal.pause_of(lane.stages[0])
        if until - time.time() > LONGEST_SLEEP_S:
            lane.closed = StagePaused(lane.stages[0], cause, datetime.fromtimestamp(until, UTC))
        else:
            lane.not_before = max(lane.not_before, until)
