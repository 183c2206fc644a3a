"""Persist the crawl in an SQLite file: frontier, ledger of units, log of calls, payloads that are not yet ingested.

A call is booked with its units before it is made. Its payload, the tasks that follow and "done" are written in a single
transaction after it. So a crash loses nothing and repeats at most the calls in flight, whose units stay spent.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")  # where the API's day begins
WATCH = "watch"  # yt-dlp's stage; the other stages have the names of the API's endpoints
AGED = "age "  # prefix of `page` in a task that waits until its videos reach an age
TABLES = """
CREATE TABLE IF NOT EXISTS task (
    id INTEGER PRIMARY KEY, round INTEGER NOT NULL, stage TEXT NOT NULL, target TEXT NOT NULL, page TEXT NOT NULL,
    seen INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', cause TEXT, said TEXT,
    tries INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0, UNIQUE (round, stage, target, page));
CREATE INDEX IF NOT EXISTS task_waiting ON task (state, not_before);
CREATE INDEX IF NOT EXISTS task_of_stage ON task (stage, state, not_before);
CREATE TABLE IF NOT EXISTS call (
    id INTEGER PRIMARY KEY, task INTEGER NOT NULL, day TEXT NOT NULL, units INTEGER NOT NULL, booked_at REAL NOT NULL,
    ended_at REAL, outcome TEXT);
CREATE INDEX IF NOT EXISTS call_day ON call (day);
CREATE TABLE IF NOT EXISTS payload (
    task INTEGER PRIMARY KEY, stage TEXT NOT NULL, target TEXT NOT NULL, page TEXT NOT NULL, fetched_at REAL NOT NULL,
    body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS gone (id TEXT PRIMARY KEY, cause TEXT NOT NULL, seen_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS spent (day TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS pause (stage TEXT PRIMARY KEY, until REAL NOT NULL, cause TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Task:
    """A page to fetch: its stage, its target, and the number of items seen on earlier pages."""

    stage: str
    target: str
    page: str = ""
    seen: int = 0
    id: int = 0
    tries: int = 0
    not_before: float = 0.0


def _condition(stages: Sequence[str], busy: Iterable[int] = ()) -> str:
    """SQL condition: the stage is among `stages` (empty: any) and the task is not in flight."""
    named = ", ".join(f"'{stage}'" for stage in stages)
    in_flight = ",".join(str(int(task)) for task in busy)
    conditions = [f"stage IN ({named})"] * bool(stages) + [f"id NOT IN ({in_flight})"] * bool(in_flight)
    return " AND ".join(conditions or ["true"])


def pacific_day(now: float) -> str:
    """Day of the API's quota, YYYY-MM-DD, at a time in seconds since 1970."""
    return datetime.fromtimestamp(now, PACIFIC).date().isoformat()


def next_reset(now: float) -> datetime:
    """Time of the next quota reset, UTC."""
    tomorrow = datetime.fromtimestamp(now, PACIFIC).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=PACIFIC).astimezone(UTC)


class Journal:
    """An open crawl.sqlite; only the process that holds CORPUS/crawl.lock writes it, others may read."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=FULL")
        self.connection.executescript(TABLES)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit the block's statements together, or none of them."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    @property
    def round(self) -> int:
        """Number of the newest round; 0 before the first."""
        return int(self._value("SELECT coalesce(max(round), 0) FROM task"))

    def begin_round(self, tasks: Iterable[Task], again: bool, stages: Sequence[str] = ()) -> None:
        """Add a recipe's first tasks to the frontier: those that the current round lacks, or with `again` a new round.

        A new round begins only if no task of `stages` (empty: of any stage) waits, except for videos that wait for
        their age.
        """
        number = self.round or 1
        waits = (
            f"SELECT count(*) FROM task WHERE state = 'waiting' AND page NOT LIKE '{AGED}%' AND {_condition(stages)}"
        )
        with self.transaction():
            self._insert(tasks, number + (again and self.round > 0 and self._value(waits) == 0))

    def add_tasks(self, tasks: Iterable[Task]) -> None:
        """Add the tasks that the newest round lacks."""
        with self.transaction():
            self._insert(tasks, self.round)

    def record_gone(self, gone: dict[str, str]) -> None:
        """Record ids that will not be requested, with the cause of each."""
        now = time.time()
        with self.transaction():
            rows = [(name, cause, now) for name, cause in gone.items()]
            self.connection.executemany("INSERT OR IGNORE INTO gone VALUES (?, ?, ?)", rows)

    def fetched_videos(self) -> list[str]:
        """Videos that the API answered for in the newest round, without those that are gone."""
        done = "SELECT target FROM task WHERE stage = 'videos' AND state = 'done' AND round = ? ORDER BY id"
        gone = {name for (name,) in self.connection.execute("SELECT id FROM gone")}
        rows = self.connection.execute(done, (self.round,)).fetchall()
        return [name for (target,) in rows for name in target.split(",") if name not in gone]

    def _drop_known_ages(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """Drop videos from tasks at an age that wait for it, or were fetched at it, in any round."""
        for task in tasks:
            if not task.page.startswith(AGED):
                yield task
                continue
            rows = self.connection.execute("SELECT target FROM task WHERE page = ?", (task.page,))
            known = {name for (target,) in rows for name in target.split(",")}
            if left := ",".join(name for name in task.target.split(",") if name not in known):
                yield replace(task, target=left)

    def _insert(self, tasks: Iterable[Task], number: int) -> None:
        self.connection.executemany(
            "INSERT OR IGNORE INTO task (round, stage, target, page, seen, not_before) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (number, task.stage, task.target, task.page, task.seen, task.not_before)
                for task in self._drop_known_ages(tasks)
            ],
        )

    def narrow_waiting(self, narrow: Callable[[Task], Task | None]) -> None:
        """Remove from waiting tasks what opted out; `narrow` gives the rest of a task, None if nothing is left."""
        rows = self.connection.execute("SELECT stage, target, page, seen, id, tries FROM task WHERE state = 'waiting'")
        changed = [(task, left) for row in rows for task in [Task(*row)] if (left := narrow(task)) != task]
        with self.transaction():
            for task, left in changed:
                if left is None:
                    give_up = "UPDATE task SET state = 'given up', cause = 'opted out' WHERE id = ?"
                    self.connection.execute(give_up, (task.id,))
                else:
                    self.connection.execute("UPDATE OR IGNORE task SET target = ? WHERE id = ?", (left.target, task.id))

    def ready_tasks(self, now: float, count: int, busy: Iterable[int], stages: Sequence[str] = ()) -> list[Task]:
        """Tasks of `stages` (empty: of any) that may be fetched now, oldest first, without those in flight."""
        rows = self.connection.execute(
            f"""SELECT stage, target, page, seen, id, tries FROM task
            WHERE state = 'waiting' AND not_before <= ? AND {_condition(stages, busy)} ORDER BY id LIMIT ?""",
            (now, count),
        )
        return [Task(*row) for row in rows]

    def next_aged(self) -> tuple[int, float]:
        """Number of tasks that wait for an age, and the time when the first is due."""
        aged = (
            f"SELECT count(*), coalesce(min(not_before), 0) FROM task WHERE state = 'waiting' AND page LIKE '{AGED}%'"
        )
        count, due = self.connection.execute(aged).fetchone()
        return int(count), float(due)

    def next_try_at(self, stages: Sequence[str] = (), busy: Iterable[int] = (), aged: bool = True) -> float | None:
        """Time when the next waiting task that is not in flight may be fetched; None without such a task.

        `aged`: whether tasks that wait for an age count.
        """
        kind = "true" if aged else f"page NOT LIKE '{AGED}%'"
        earliest = f"SELECT min(not_before) FROM task WHERE state = 'waiting' AND {kind} AND {_condition(stages, busy)}"
        at = self._value(earliest)
        return None if at is None else float(at)

    def pause_stage(self, stage: str, until: float, cause: str) -> None:
        """Pause a whole stage until a time; the pause also holds for later runs of the crawl."""
        with self.transaction():
            self.connection.execute("INSERT OR REPLACE INTO pause VALUES (?, ?, ?)", (stage, until, cause))

    def pause_of(self, stage: str) -> tuple[float, str]:
        """End and cause of a stage's pause; 0 and "" without a pause."""
        row = self.connection.execute("SELECT until, cause FROM pause WHERE stage = ?", (stage,)).fetchone()
        return (float(row[0]), str(row[1])) if row else (0.0, "")

    def units_spent(self, day: str, stages: Sequence[str] = ()) -> int:
        """Units booked on a day for `stages` (empty: for all)."""
        booked = "SELECT coalesce(sum(units), 0) FROM call JOIN task ON task.id = call.task WHERE day = ?"
        return int(self._value(f"{booked} AND {_condition(stages)}", day))

    def last_call_at(self) -> float:
        """Time when the newest call was booked; 0 before the first."""
        return float(self._value("SELECT coalesce(max(booked_at), 0) FROM call"))

    def count_given_up(self) -> int:
        """Number of tasks that were given up."""
        return int(self._value("SELECT count(*) FROM task WHERE state = 'given up'"))

    def quota_ended(self, day: str, bucket: str = "") -> bool:
        """Whether the API reported the day's quota of a bucket as spent."""
        return self._value("SELECT count(*) FROM spent WHERE day = ?", f"{day}{bucket}") > 0

    def book_calls(self, tasks: Iterable[Task], units: int, now: float) -> list[int]:
        """Record calls before they are made; gives their numbers."""
        with self.transaction():
            return [
                int(
                    self.connection.execute(
                        "INSERT INTO call (task, day, units, booked_at) VALUES (?, ?, ?, ?)",
                        (task.id, pacific_day(now), units, now),
                    ).lastrowid
                    or 0
                )
                for task in tasks
            ]

    def record_answer(
        self, call: int, task: Task, body: str, following: Iterable[Task], gone: dict[str, str], now: float
    ) -> None:
        """Store a call's payload, add the tasks that follow and mark its task as done, in a single transaction."""
        with self.transaction():
            values = (task.id, task.stage, task.target, task.page, now, body)
            self.connection.execute("INSERT OR REPLACE INTO payload VALUES (?, ?, ?, ?, ?, ?)", values)
            self._insert(following, self._value("SELECT round FROM task WHERE id = ?", task.id))
            self.connection.executemany(
                "INSERT OR REPLACE INTO gone VALUES (?, ?, ?)", [(name, cause, now) for name, cause in gone.items()]
            )
            self.connection.execute(
                "UPDATE task SET state = 'done', cause = NULL, said = NULL WHERE id = ?", (task.id,)
            )
            self._end_call(call, "answered", now)

    def record_failure(
        self, call: int, task: Task, cause: str, detail: str, not_before: float | None, now: float
    ) -> None:
        """Record a failed call; its task waits until `not_before`, or is given up if that is None."""
        with self.transaction():
            self.connection.execute(
                "UPDATE task SET state = ?, cause = ?, said = ?, tries = tries + 1, not_before = ? WHERE id = ?",
                ("given up" if not_before is None else "waiting", cause, detail, not_before or 0, task.id),
            )
            self._end_call(call, cause, now)

    def record_quota_ended(self, call: int, now: float, bucket: str = "") -> None:
        """Record that the API reported the day's quota of a bucket as spent; the task keeps its tries."""
        with self.transaction():
            self.connection.execute("INSERT OR IGNORE INTO spent VALUES (?)", (f"{pacific_day(now)}{bucket}",))
            self._end_call(call, "quota", now)

    def _end_call(self, call: int, outcome: str, now: float) -> None:
        self.connection.execute("UPDATE call SET ended_at = ?, outcome = ? WHERE id = ?", (now, outcome, call))

    def retry(self, cause: str) -> int:
        """Make tasks that were given up for a cause wait again, and end a pause for it; gives the number of tasks.

        Tasks that succeeded stay as they are.
        """
        held = "stage IN (SELECT stage FROM pause WHERE cause = ?)"
        with self.transaction():
            waiting = self._value(f"SELECT count(*) FROM task WHERE state = 'waiting' AND {held}", cause)
            self.connection.execute("DELETE FROM pause WHERE cause = ?", (cause,))
            reset = "UPDATE task SET state = 'waiting', tries = 0, not_before = 0"
            sql = f"{reset} WHERE state = 'given up' AND cause = ?"
            return waiting + self.connection.execute(sql, (cause,)).rowcount

    def oldest_payloads(self, count: int, stages: Sequence[str] = ()) -> list[tuple[int, str, str, str, float, str]]:
        """The oldest payloads that are not yet ingested: task, stage, target, page, fetched_at, body."""
        sql = f"SELECT * FROM payload WHERE {_condition(stages)} ORDER BY task LIMIT ?"
        return self.connection.execute(sql, (count,)).fetchall()

    def delete_payloads(self, tasks: Iterable[int]) -> None:
        """Delete payloads that lie in the corpus' raw folder."""
        with self.transaction():
            self.connection.executemany("DELETE FROM payload WHERE task = ?", [(task,) for task in tasks])

    def _value(self, sql: str, *values: object) -> int:
        value: int = self.connection.execute(sql, values).fetchone()[0]
        return value
