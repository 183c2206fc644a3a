"""`cbc corpus rehydrate REL --corpus DIR`: fetch again what a release of ids names, and say what is gone by now.

An ordinary crawl of the videos and channels by id: it can be stopped, goes on over days and keeps to the quota. A
release made of the corpus has the same splits, since these follow from the communicator, or from its company where
`cbc corpus ingest wikidata` gave it one (and gives it again).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from corpus.crawl.crawl import crawl
from corpus.crawl.journal import Task
from corpus.crawl.recipe import CrawlRecipe, Youtube
from corpus.crawl.scheduler import Crawled
from corpus.crawl.youtube_api import ALONE, PAGE
from corpus.errors import CbcError
from corpus.files.sql import quote_file
from corpus.ids import public_id, public_id_sql
from corpus.release.diff import open_release
from corpus.sources.wikidata import CHANNEL_ID
from corpus.store import Corpus

SHOWN = 10
ID = public_id_sql("message_id")


class NothingToFetch(CbcError):
    """A release names no video that can be fetched by its id."""


@dataclass(frozen=True)
class Rehydrated:
    """What became of a release's messages: fetched, gone with the cause, waiting, of media that this cannot fetch."""

    asked: int
    fetched: int
    gone: dict[str, list[str]]
    waiting: int
    others: dict[str, int]


def rehydrate(
    release: Path, root: Path, wait_for_quota: bool = False, tell: Callable[[Crawled], None] = lambda _: None
) -> Rehydrated:
    """Fetch a release's videos into the corpus at `root`, or go on with it.

    Raises NothingToFetch, NoSuchPath, WrongVersion, BrokenTable, and whatever a crawl raises.
    """
    open_release(release)
    ids = (release / "ids.txt").read_text(encoding="utf-8").split()
    if not ids:
        raise NothingToFetch(f"{release} names no YouTube video", "posts and emails come back from their own sources")
    recipe = CrawlRecipe(youtube=Youtube(videos=release / "ids.txt"))
    crawl(recipe, root, wait_for_quota=wait_for_quota, tell=tell, more=channels(release))
    return outcome(release, root, ids)


def channels(release: Path) -> list[Task]:
    """The channels of a release, without their uploads."""
    with duckdb.connect() as connection:
        listed = f"read_parquet({quote_file(release, '/communicator/*.parquet')})"
        rows = connection.execute(f"SELECT DISTINCT communicator_id FROM {listed} ORDER BY 1").fetchall()
    ids = [name for (one,) in rows if CHANNEL_ID.fullmatch(name := public_id(one))]
    return [Task("channels", ",".join(ids[i : i + PAGE]), ALONE) for i in range(0, len(ids), PAGE)]


def outcome(release: Path, root: Path, ids: list[str]) -> Rehydrated:
    """Compare a release's ids with what the corpus and its crawl hold of them."""
    with Corpus.open(root).connect() as connection:
        listed = f"read_csv({quote_file(release / 'ids.txt')}, header=false, columns={{'id': 'VARCHAR'}})"
        found = connection.execute(f"SELECT id FROM {listed} SEMI JOIN message ON {ID} = id").fetchall()
    fetched = {name for (name,) in found}
    with closing(sqlite3.connect(root / "crawl.sqlite")) as journal:
        told = dict(journal.execute("SELECT id, cause FROM gone").fetchall())
        given_up = "SELECT target, cause FROM task WHERE stage = 'videos' AND state = 'given up'"
        told |= {name: cause for target, cause in journal.execute(given_up) for name in target.split(",")}
    gone: dict[str, list[str]] = {}
    for name in ids:
        if name not in fetched and name in told:
            gone.setdefault(told[name], []).append(name)
    missing = sum(map(len, gone.values()))
    return Rehydrated(len(ids), len(fetched), gone, len(ids) - len(fetched) - missing, others(release))


def others(release: Path) -> dict[str, int]:
    """Messages that are no videos to be fetched by id, by medium and kind."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""SELECT channel || ' ' || kind, count(*) FROM read_parquet({quote_file(release, "/message/*.parquet")})
            WHERE {ID} NOT IN (SELECT column0 FROM read_csv({quote_file(release / "ids.txt")}, header=false,
            columns={{'column0': 'VARCHAR'}})) GROUP BY 1 ORDER BY 1"""
        ).fetchall()
    return dict(rows)


def rehydrated_text(found: Rehydrated) -> str:
    """What came back and what did not, as lines."""
    lines = [f"{found.fetched:,} of {found.asked:,} videos fetched"]
    for cause, names in sorted(found.gone.items()):
        more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
        lines.append(f"gone: {len(names):,} {cause}: {', '.join(names[:SHOWN])}{more}")
    if found.waiting:
        lines.append(f"{found.waiting:,} wait; the same command goes on with them")
    for medium, count in found.others.items():
        lines.append(f"{count:,} of {medium} come from sources of their own, not from here")
    return "\n".join(lines)
