"""The crawl's memory: frontier, ledger of units, log of calls and the payloads not yet put away, in one SQLite file.

A call is booked, with its units, before it is made; its payload, what follows from it and "done" are written in one
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
WATCH = "watch"  # yt-dlp's stage; the others are named as the API's endpoints
AGED = "age "  # begins the page of a task that waits until its videos have an age
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
    """One page to fetch: of which stage, of what, and how many items of it were seen on earlier pages."""

    stage: str
    target: str
    page: str = ""
    seen: int = 0
    id: int = 0
    tries: int = 0
    not_before: float = 0.0


def _among(stages: Sequence[str], busy: Iterable[int] = ()) -> str:
    """A condition on the stage (this code's own names; none: any) and against tasks in flight."""
    named = ", ".join(f"'{stage}'" for stage in stages)
    flying = ",".join(str(int(task)) for task in busy)
    return " AND ".join([f"stage IN ({named})"] * bool(stages) + [f"id NOT IN ({flying})"] * bool(flying) or ["true"])


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

    def begin(self, tasks: Iterable[Task], again: bool, stages: Sequence[str] = ()) -> None:
        """Put a recipe's first tasks into the frontier: those that the round lacks, or all of them in a new round.

        A new round begins only where nothing waits any more, of all stages or of those given, but for videos that wait
        for their age.
        """
        number = self.round or 1
        waits = f"SELECT count(*) FROM task WHERE state = 'waiting' AND page NOT LIKE '{AGED}%' AND {_among(stages)}"
        with self.writing():
            self._add(tasks, number + (again and self.round > 0 and self._one(waits) == 0))

    def add(self, tasks: Iterable[Task]) -> None:
        """Put tasks into the newest round that lacks them."""
        with self.writing():
            self._add(tasks, self.round)

    def note_gone(self, gone: dict[str, str]) -> None:
        """Write down what will not be asked for, with its cause."""
        now = time.time()
        with self.writing():
            rows = [(name, cause, now) for name, cause in gone.items()]
            self.connection.executemany("INSERT OR IGNORE INTO gone VALUES (?, ?, ?)", rows)

    def told_videos(self) -> list[str]:
        """The videos that the newest round's answers told, without those that are gone."""
        done = "SELECT target FROM task WHERE stage = 'videos' AND state = 'done' AND round = ? ORDER BY id"
        gone = {name for (name,) in self.connection.execute("SELECT id FROM gone")}
        rows = self.connection.execute(done, (self.round,)).fetchall()
        return [name for (target,) in rows for name in target.split(",") if name not in gone]

    def _unaged(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """Tasks, those at an age without the videos that wait for it or had it in any round."""
        for task in tasks:
            if not task.page.startswith(AGED):
                yield task
                continue
            rows = self.connection.execute("SELECT target FROM task WHERE page = ?", (task.page,))
            known = {name for (target,) in rows for name in target.split(",")}
            if left := ",".join(name for name in task.target.split(",") if name not in known):
                yield replace(task, target=left)

    def _add(self, tasks: Iterable[Task], number: int) -> None:
        self.connection.executemany(
            "INSERT OR IGNORE INTO task (round, stage, target, page, seen, not_before) VALUES (?, ?, ?, ?, ?, ?)",
            [(number, task.stage, task.target, task.page, task.seen, task.not_before) for task in self._unaged(tasks)],
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

    def ready(self, now: float, count: int, busy: Iterable[int], stages: Sequence[str] = ()) -> list[Task]:
        """Tasks that may be fetched now, the oldest first, of all stages or of some, without those in flight."""
        found = self.connection.execute(
            f"""SELECT stage, target, page, seen, id, tries FROM task
            WHERE state = 'waiting' AND not_before <= ? AND {_among(stages, busy)} ORDER BY id LIMIT ?""",
            (now, count),
        )
        return [Task(*row) for row in found]

    def next_age(self) -> tuple[int, float]:
        """How many tasks wait for an age, and when the first of them is due."""
        say = f"SELECT count(*), coalesce(min(not_before), 0) FROM task WHERE state = 'waiting' AND page LIKE '{AGED}%'"
        count, due = self.connection.execute(say).fetchone()
        return int(count), float(due)

    def next_try(self, stages: Sequence[str] = (), busy: Iterable[int] = (), aged: bool = True) -> float | None:
        """When the next waiting task that is not in flight may be fetched; None without one.

        Without `aged` those that wait for an age do not count.
        """
        young = "true" if aged else f"page NOT LIKE '{AGED}%'"
        say = f"SELECT min(not_before) FROM task WHERE state = 'waiting' AND {young} AND {_among(stages, busy)}"
        found = self._one(say)
        return None if found is None else float(found)

    def pause(self, stage: str, until: float, cause: str) -> None:
        """Let a whole stage wait until a time, also when the crawl is begun again before."""
        with self.writing():
            self.connection.execute("INSERT OR REPLACE INTO pause VALUES (?, ?, ?)", (stage, until, cause))

    def paused(self, stage: str) -> tuple[float, str]:
        """Until when a stage waits, and why; 0 where it does not."""
        found = self.connection.execute("SELECT until, cause FROM pause WHERE stage = ?", (stage,)).fetchone()
        return (float(found[0]), str(found[1])) if found else (0.0, "")

    def units_spent(self, day: str, stages: Sequence[str] = ()) -> int:
        """Units booked on a day, for all stages or for some."""
        booked = "SELECT coalesce(sum(units), 0) FROM call JOIN task ON task.id = call.task WHERE day = ?"
        return int(self._one(f"{booked} AND {_among(stages)}", day))

    def last_call(self) -> float:
        """When the newest call was booked; 0 before the first."""
        return float(self._one("SELECT coalesce(max(booked_at), 0) FROM call"))

    def given_up(self) -> int:
        """How many tasks were given up."""
        return int(self._one("SELECT count(*) FROM task WHERE state = 'given up'"))

    def quota_ended(self, day: str, bucket: str = "") -> bool:
        """Whether the API said that the day's quota of a bucket is spent."""
        return self._one("SELECT count(*) FROM spent WHERE day = ?", f"{day}{bucket}") > 0

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

    def out_of_quota(self, call: int, now: float, bucket: str = "") -> None:
        """The API said that the day's quota of a bucket is spent; the task keeps its tries."""
        with self.writing():
            self.connection.execute("INSERT OR IGNORE INTO spent VALUES (?)", (f"{pacific_day(now)}{bucket}",))
            self._end(call, "quota", now)

    def _end(self, call: int, outcome: str, now: float) -> None:
        self.connection.execute("UPDATE call SET ended_at = ?, outcome = ? WHERE id = ?", (now, outcome, call))

    def retry(self, cause: str) -> int:
        """Let tasks given up for a cause be fetched again, and end a pause for it; gives the number of tasks.

        What succeeded is never touched.
        """
        held = "stage IN (SELECT stage FROM pause WHERE cause = ?)"
        with self.writing():
            waiting = self._one(f"SELECT count(*) FROM task WHERE state = 'waiting' AND {held}", cause)
            self.connection.execute("DELETE FROM pause WHERE cause = ?", (cause,))
            say = "UPDATE task SET state = 'waiting', tries = 0, not_before = 0 WHERE state = 'given up' AND cause = ?"
            return waiting + self.connection.execute(say, (cause,)).rowcount

    def payloads(self, count: int, stages: Sequence[str] = ()) -> list[tuple[int, str, str, str, float, str]]:
        """The oldest payloads not yet put away: task, stage, target, page, fetched_at, body."""
        say = f"SELECT * FROM payload WHERE {_among(stages)} ORDER BY task LIMIT ?"
        return self.connection.execute(say, (count,)).fetchall()

    def put_away(self, tasks: Iterable[int]) -> None:
        """Forget payloads that stand in the corpus' raw folder."""
        with self.writing():
            self.connection.executemany("DELETE FROM payload WHERE task = ?", [(task,) for task in tasks])

    def _one(self, sql: str, *values: object) -> int:
        found: int = self.connection.execute(sql, values).fetchone()[0]
        return found
