"""The crawl's memory: frontier, ledger of units, log of calls and the payloads not yet put away, in one SQLite file.

A call is booked, with its units, before it is made; its payload, what follows from it and "done" are written in one
transaction after it. So a crash loses nothing and repeats at most the calls in flight, whose units stay spent.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")  # where the API's day begins
TABLES = """
CREATE TABLE IF NOT EXISTS task (
    id INTEGER PRIMARY KEY, round INTEGER NOT NULL, stage TEXT NOT NULL, target TEXT NOT NULL, page TEXT NOT NULL,
    seen INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', cause TEXT, said TEXT,
    tries INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0, UNIQUE (round, stage, target, page));
CREATE INDEX IF NOT EXISTS task_waiting ON task (state, not_before);
CREATE TABLE IF NOT EXISTS call (
    id INTEGER PRIMARY KEY, task INTEGER NOT NULL, day TEXT NOT NULL, units INTEGER NOT NULL, booked_at REAL NOT NULL,
    ended_at REAL, outcome TEXT);
CREATE INDEX IF NOT EXISTS call_day ON call (day);
CREATE TABLE IF NOT EXISTS payload (
    task INTEGER PRIMARY KEY, stage TEXT NOT NULL, target TEXT NOT NULL, page TEXT NOT NULL, fetched_at REAL NOT NULL,
    body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS gone (id TEXT PRIMARY KEY, cause TEXT NOT NULL, seen_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS spent (day TEXT PRIMARY KEY);
"""


@dataclass(frozen=True)
class Task:
    """One page to fetch: of which stage, of what, and how many items of it were seen on earlier pages."""

    stage: str
    target: str
    page: str = ""
    seen: int = 0
    id: int = 0
    tries: int = 0


def pacific_day(now: float) -> str:
    """The API's day, YYYY-MM-DD, of a time in seconds since 1970."""
    return datetime.fromtimestamp(now, PACIFIC).date().isoformat()


def next_reset(now: float) -> datetime:
    """When the quota is reset next, UTC."""
    tomorrow = datetime.fromtimestamp(now, PACIFIC).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=PACIFIC).astimezone(UTC)


class Journal:
    """An open crawl.sqlite; one process writes it (it holds CORPUS/crawl.lock), others may read it."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=FULL")
        self.connection.executescript(TABLES)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    @property
    def round(self) -> int:
        """The number of the crawl's newest round; 0 before the first."""
        return int(self._one("SELECT coalesce(max(round), 0) FROM task"))

    def begin(self, tasks: Iterable[Task], again: bool) -> None:
        """Put a recipe's first tasks into the frontier: those that the round lacks, or all of them in a new round.

        A new round begins only where nothing waits any more.
        """
        number = self.round or 1
        with self.writing():
            self._add(tasks, number + (again and self.round > 0 and self.next_try() is None))

    def _add(self, tasks: Iterable[Task], number: int) -> None:
        self.connection.executemany(
            "INSERT OR IGNORE INTO task (round, stage, target, page, seen) VALUES (?, ?, ?, ?, ?)",
            [(number, task.stage, task.target, task.page, task.seen) for task in tasks],
        )

    def withhold(self, kept: Callable[[Task], Task | None]) -> None:
        """Take what opted out from the tasks that wait; `kept` gives what is left of one."""
        found = self.connection.execute("SELECT stage, target, page, seen, id, tries FROM task WHERE state = 'waiting'")
        changed = [(task, left) for row in found for task in [Task(*row)] if (left := kept(task)) != task]
        with self.writing():
            for task, left in changed:
                if left is None:
                    say = "UPDATE task SET state = 'given up', cause = 'opted out' WHERE id = ?"
                    self.connection.execute(say, (task.id,))
                else:
                    self.connection.execute("UPDATE OR IGNORE task SET target = ? WHERE id = ?", (left.target, task.id))

    def ready(self, now: float, count: int, busy: Iterable[int]) -> list[Task]:
        """Tasks that may be fetched now, the oldest first, without those in flight."""
        flying = ",".join(str(int(task)) for task in busy)
        found = self.connection.execute(
            f"""SELECT stage, target, page, seen, id, tries FROM task
            WHERE state = 'waiting' AND not_before <= ? AND id NOT IN ({flying}) ORDER BY id LIMIT ?""",
            (now, count),
        )
        return [Task(*row) for row in found]

    def next_try(self) -> float | None:
        """When the next waiting task may be fetched; None without one."""
        found = self._one("SELECT min(not_before) FROM task WHERE state = 'waiting'")
        return None if found is None else float(found)

    def units_spent(self, day: str) -> int:
        """Units booked on a day."""
        return int(self._one("SELECT coalesce(sum(units), 0) FROM call WHERE day = ?", day))

    def last_call(self) -> float:
        """When the newest call was booked; 0 before the first."""
        return float(self._one("SELECT coalesce(max(booked_at), 0) FROM call"))

    def given_up(self) -> int:
        """How many tasks were given up."""
        return int(self._one("SELECT count(*) FROM task WHERE state = 'given up'"))

    def quota_ended(self, day: str) -> bool:
        """Whether the API said that the day's quota is spent."""
        return self._one("SELECT count(*) FROM spent WHERE day = ?", day) > 0

    def book(self, tasks: Iterable[Task], units: int, now: float) -> list[int]:
        """Write down calls that are about to be made; gives their numbers."""
        with self.writing():
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

    def done(
        self, call: int, task: Task, body: str, following: Iterable[Task], gone: dict[str, str], now: float
    ) -> None:
        """A call's payload, what follows from it, and that its task is done, in one transaction."""
        with self.writing():
            values = (task.id, task.stage, task.target, task.page, now, body)
            self.connection.execute("INSERT OR REPLACE INTO payload VALUES (?, ?, ?, ?, ?, ?)", values)
            self._add(following, self._one("SELECT round FROM task WHERE id = ?", task.id))
            self.connection.executemany(
                "INSERT OR REPLACE INTO gone VALUES (?, ?, ?)", [(name, cause, now) for name, cause in gone.items()]
            )
            self.connection.execute(
                "UPDATE task SET state = 'done', cause = NULL, said = NULL WHERE id = ?", (task.id,)
            )
            self._end(call, "answered", now)

    def failed(self, call: int, task: Task, cause: str, said: str, not_before: float | None, now: float) -> None:
        """A call that gave nothing: its task waits until a time, or is given up (None)."""
        with self.writing():
            self.connection.execute(
                "UPDATE task SET state = ?, cause = ?, said = ?, tries = tries + 1, not_before = ? WHERE id = ?",
                ("given up" if not_before is None else "waiting", cause, said, not_before or 0, task.id),
            )
            self._end(call, cause, now)

    def out_of_quota(self, call: int, now: float) -> None:
        """The API said that the day's quota is spent; the task keeps its tries."""
        with self.writing():
            self.connection.execute("INSERT OR IGNORE INTO spent VALUES (?)", (pacific_day(now),))
            self._end(call, "quota", now)

    def _end(self, call: int, outcome: str, now: float) -> None:
        self.connection.execute("UPDATE call SET ended_at = ?, outcome = ? WHERE id = ?", (now, outcome, call))

    def retry(self, cause: str) -> int:
        """Let tasks given up for a cause be fetched again; gives their number. What succeeded is never touched."""
        with self.writing():
            return self.connection.execute(
                "UPDATE task SET state = 'waiting', tries = 0, not_before = 0 WHERE state = 'given up' AND cause = ?",
                (cause,),
            ).rowcount

    def payloads(self, count: int) -> list[tuple[int, str, str, str, float, str]]:
        """The oldest payloads not yet put away: task, stage, target, page, fetched_at, body."""
        return self.connection.execute("SELECT * FROM payload ORDER BY task LIMIT ?", (count,)).fetchall()

    def put_away(self, tasks: Iterable[int]) -> None:
        """Forget payloads that stand in the corpus' raw folder."""
        with self.writing():
            self.connection.executemany("DELETE FROM payload WHERE task = ?", [(task,) for task in tasks])

    def _one(self, sql: str, *values: object) -> int:
        found: int = self.connection.execute(sql, values).fetchone()[0]
        return found
