"""`cbc corpus crawl RECIPE --corpus DIR`: fetch what a recipe names, within quota, through failures, over days.

Calls are booked in the ledger before they are made; payloads go to the journal with "done" in one transaction, and
from there, many at a time, to CORPUS/raw and the tables by an ordinary ingest. The API and yt-dlp are two lanes
(corpus/crawl/scheduler.py) over one frontier. Stopped at any instant, the same command goes on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import yaml

from corpus.crawl.causes import CAUSES
from corpus.crawl.deliver import INFOS, PAYLOADS, put_away, put_infos_away
from corpus.crawl.journal import WATCH, Journal, Task
from corpus.crawl.recipe import CrawlRecipe, companies, opted_out
from corpus.crawl.scheduler import Answer, Crawled, Crawler, Lane, Later
from corpus.crawl.youtube_api import (
    KEY_VARIABLE,
    PARTS,
    SEARCH,
    UNITS,
    Api,
    NoKey,
    allowed,
    discreet,
    first_tasks,
    follow,
    without,
)
from corpus.errors import CbcError
from corpus.ids import public_id
from corpus.ingest.comments import wanted as comments_wanted
from corpus.privacy.scrub import hash_key
from corpus.store import Corpus
from corpus.withdrawn.tombstones import all_ids, withdrawn

CLOCK_SLACK_S = 60.0


class WrongClock(CbcError):
    """The clock stands before calls that were made already: units would be booked on the wrong day."""


class NothingCrawled(CbcError):
    """A corpus has no crawl to go on with, or a crawl nothing of the kind that is named."""


def crawl(
    recipe: CrawlRecipe,
    root: Path,
    again: bool = False,
    wait_for_quota: bool = False,
    tell: Callable[[Crawled], None] = lambda _: None,
    more: Sequence[Task] = (),
) -> Crawled:
    """Go on with the corpus' crawl, or begin one; `again` begins a new round of observations once all is done.

    `more` are tasks beside those of the recipe.

    Raises NoKey, Later (QuotaEnded, StagePaused, NotYet), WrongClock, BadCrawlRecipe, NoSuchPath, WrongVersion, Busy.
    """
    comments_wanted()  # a word in the environment that is none ends it here
    withheld = opted_out(recipe)
    api = Api() if recipe.youtube else None
    corpus = Corpus.create(root)
    withheld |= all_ids(withdrawn(root))
    withheld |= frozenset(map(public_id, withheld))
    with open_journal(corpus) as journal:
        lanes = api_lanes(api, recipe, withheld, journal, root) if api else []
        lanes += [watch_lane(recipe, withheld, journal, root)] if recipe.ytdlp else []
        try:
            check_clock(journal)
            keep_recipe(recipe, root)
            begin(journal, recipe, withheld, again, [stage for lane in lanes for stage in lane.stages], more)
            crawler = Crawler(journal, lanes, recipe.tries, recipe.wait_s, tell)
            while True:
                try:
                    crawler.run()
                    crawler.did.given_up, crawler.did.aged = journal.given_up(), journal.next_age()
                    return crawler.did
                except Later as later:
                    put_infos_away(journal, root)
                    if not wait_for_quota:
                        raise
                    wait_until(later)
        finally:
            put_infos_away(journal, root)


def begin(
    journal: Journal,
    recipe: CrawlRecipe,
    withheld: frozenset[str],
    again: bool,
    stages: list[str],
    more: Sequence[Task] = (),
) -> None:
    """Bring the recipe's first tasks into the frontier, and take from it what opted out."""
    journal.withhold(lambda task: next(iter(allowed([task], withheld)), None))
    tasks = list(first_tasks(recipe.youtube)) if recipe.youtube else []
    tasks += [*([Task(WATCH, name) for name in recipe.ytdlp.videos] if recipe.ytdlp else []), *more]
    journal.begin(allowed(tasks, withheld), again, stages)
    if recipe.youtube and recipe.youtube.companies:
        journal.note_gone(dict.fromkeys(companies(recipe.youtube.companies)[1], "no channel id"))
    if recipe.youtube and recipe.ytdlp:  # videos that were told before the recipe asked for yt-dlp
        journal.add(allowed([Task(WATCH, name) for name in journal.told_videos()], withheld))


def keep_recipe(recipe: CrawlRecipe, root: Path) -> None:
    """Write CORPUS/recipe.yaml, for whoever asks what was crawled; channels of a file of companies are named in it.

    A mere list of videos does not replace what stands there.
    """
    if recipe.youtube and recipe.youtube.videos and (root / "recipe.yaml").exists():
        return
    told = recipe.model_dump(
        mode="json", exclude_defaults=True, exclude={"opt_out": True, "youtube": {"companies", "videos"}}
    )
    beside = root / ".recipe.yaml.part"
    beside.write_text(yaml.safe_dump(told, allow_unicode=True, sort_keys=False), encoding="utf-8")
    beside.replace(root / "recipe.yaml")


def api_lanes(api: Api, recipe: CrawlRecipe, withheld: frozenset[str], journal: Journal, root: Path) -> list[Lane]:
    """The YouTube Data API's stages: its searches, and all else, since each has a quota of its own."""
    assert recipe.youtube
    wanted, watching, key = recipe.youtube, recipe.ytdlp is not None, hash_key()

    def fetch(task: Task) -> Answer:
        kept, out = without(api.fetch(task, wanted), withheld)
        following, gone = follow(task, kept, wanted)
        kept = discreet(task, kept, key)
        if watching and task.stage == "videos" and not task.page:
            following += [Task(WATCH, str(item["id"])) for item in kept.get("items", [])]
        return Answer(kept, allowed(following, withheld), gone | out)

    def refused(said: str) -> NoKey:
        return NoKey(f"the API refuses the key ({said})", f"mend {KEY_VARIABLE} and run the command again")

    def lane(stages: tuple[str, ...], units_per_day: int, bucket: str) -> Lane:
        return Lane(
            stages=stages,
            concurrency=recipe.concurrency,
            fetch=fetch,
            put_away=lambda least: put_away(journal, root, least),
            batch=PAYLOADS,
            units=UNITS,
            units_per_day=units_per_day,
            bucket=bucket,
            stop=refused,
        )

    rest = tuple(stage for stage in PARTS if stage != SEARCH)
    found = [lane(rest, recipe.quota.units_per_day, "")]
    return [*found, lane((SEARCH,), recipe.quota.searches_per_day, SEARCH)] if wanted.names else found


def watch_lane(recipe: CrawlRecipe, withheld: frozenset[str], journal: Journal, root: Path) -> Lane:
    """yt-dlp's stage, which costs no units."""
    from corpus.crawl.ytdlp import Watcher

    assert recipe.ytdlp
    watcher = Watcher(recipe.ytdlp, root, recipe.tries, withheld)
    return Lane(
        stages=(WATCH,),
        concurrency=recipe.ytdlp.concurrency,
        fetch=watcher.fetch,
        put_away=lambda least: put_infos_away(journal, root, least),
        batch=INFOS,
        sleep_s=recipe.ytdlp.sleep_s,
        pause_s=recipe.ytdlp.pause_s,
    )


def wait_until(later: Later) -> None:
    """Say why, and sleep."""
    print(f"note: {later.what}; waiting", file=sys.stderr)
    while (left := later.until.timestamp() - time.time()) > 0:
        time.sleep(min(left, 60.0))


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
