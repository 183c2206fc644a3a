"""`cbc corpus rehydrate REL --corpus DIR`: fetch the messages of a release again by id, and report what is gone.

It is an ordinary crawl of videos and channels by id: it can be stopped and continued over days, and keeps to the quota.
YouTube's videos come through its API, or through yt-dlp, which needs no key and adds replay and captions; those of
other sites always come through yt-dlp. A release of the new corpus has the same splits, since they follow from the
communicator, or from its company if `cbc corpus ingest wikidata` added it (and adds it again).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from corpus.crawl.crawl import crawl
from corpus.crawl.journal import WATCH, Task
from corpus.crawl.recipe import CrawlRecipe, Youtube, Ytdlp
from corpus.crawl.scheduler import Crawled
from corpus.crawl.youtube_api import CHANNEL_ONLY, PAGE
from corpus.errors import CbcError
from corpus.release.figures import open_tables
from corpus.release.manifest import open_release
from corpus.release.targets import IDS, OWN_ID, PAGES, TARGET, count_fetchable, read_list
from corpus.sources.wikidata import CHANNEL_ID
from corpus.store import Corpus

SHOWN = 10


class NothingToFetch(CbcError):
    """A release holds no video that can be fetched by id."""


@dataclass(frozen=True)
class Rehydrated:
    """Outcome for the messages of a release.

    `gone`: cause -> targets; `others`: medium, kind and number of messages that cannot be fetched, and the reason.
    """

    asked: int
    fetched: int
    gone: dict[str, list[str]]
    waiting: int
    others: list[tuple[str, str, int, str]]


def rehydrate(
    release: Path,
    root: Path,
    wait_for_quota: bool = False,
    tell: Callable[[Crawled], None] = lambda _: None,
    ytdlp: Ytdlp | None = None,
) -> Rehydrated:
    """Fetch the videos of a release into the corpus at `root`; continues an earlier run.

    With `ytdlp`, YouTube's videos come through yt-dlp with these settings, not through the API. Raises NothingToFetch,
    NoSuchPath, WrongVersion, BrokenTable, and whatever a crawl raises.
    """
    open_release(release)
    ids, pages = read_list(release, IDS), read_list(release, PAGES)
    if not ids and not pages:
        mend = "its card says where posts, emails and the others come from"
        raise NothingToFetch(f"{release} names no video that can be fetched by its id", mend)
    if ids and ytdlp is None:
        recipe = CrawlRecipe(youtube=Youtube(videos=release / IDS))
        crawl(recipe, root, wait_for_quota=wait_for_quota, report=tell, extra_tasks=channel_tasks(release))
    watched = pages if ytdlp is None else [*ids, *pages]
    if watched:
        settings = (ytdlp or Ytdlp()).model_copy(update={"videos": watched})
        crawl(CrawlRecipe(ytdlp=settings), root, wait_for_quota=wait_for_quota, report=tell)
    return compare_outcome(release, root, [*ids, *pages])


def channel_tasks(release: Path) -> list[Task]:
    """Tasks that fetch the channels of a release, without their uploads."""
    with open_tables(release) as connection:
        own = OWN_ID.replace("message_id", "communicator_id")
        rows = connection.execute(f"SELECT DISTINCT {own} FROM communicator ORDER BY 1").fetchall()
    ids = [name for (name,) in rows if CHANNEL_ID.fullmatch(name)]
    return [Task("channels", ",".join(ids[i : i + PAGE]), CHANNEL_ONLY) for i in range(0, len(ids), PAGE)]


def compare_outcome(release: Path, root: Path, targets: list[str]) -> Rehydrated:
    """Compare the targets of a release with what the corpus and its crawl hold."""
    fetched = set(targets) & fetched_targets(root)
    causes = causes_of_loss(root)
    gone: dict[str, list[str]] = {}
    for target in targets:
        if target not in fetched and target in causes:
            gone.setdefault(causes[target], []).append(target)
    waiting = len(targets) - len(fetched) - sum(map(len, gone.values()))
    with open_tables(release) as connection:
        others = [(medium, kind, count, why) for medium, kind, count, why in count_fetchable(connection) if why]
    return Rehydrated(len(targets), len(fetched), gone, waiting, others)


def fetched_targets(root: Path) -> set[str]:
    """Targets of the messages of a corpus."""
    with Corpus.open(root).connect() as connection:
        return {target for (target,) in connection.execute(f"SELECT {TARGET} FROM message").fetchall() if target}


def causes_of_loss(root: Path) -> dict[str, str]:
    """Map each target that the crawl gave up, or that is gone, to the cause."""
    given_up = f"SELECT target, cause FROM task WHERE stage IN ('videos', '{WATCH}') AND state = 'given up'"
    with closing(sqlite3.connect(root / "crawl.sqlite")) as journal:
        causes = dict(journal.execute("SELECT id, cause FROM gone").fetchall())
        return causes | {target: cause for targets, cause in journal.execute(given_up) for target in targets.split(",")}


def rehydrated_text(rehydrated: Rehydrated) -> str:
    """Format the outcome as lines."""
    lines = [f"{rehydrated.fetched:,} of {rehydrated.asked:,} videos fetched"]
    for cause, names in sorted(rehydrated.gone.items()):
        more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
        lines.append(f"gone: {len(names):,} {cause}: {', '.join(names[:SHOWN])}{more}")
    if rehydrated.waiting:
        lines.append(f"{rehydrated.waiting:,} wait; the same command goes on with them")
    lines += [f"not fetched: {count:,} {medium} {kind}: {why}" for medium, kind, count, why in rehydrated.others]
    return "\n".join(lines)
