"""Crawl what a recipe names, within its quota, through failures and interruptions, over days.

    cbc corpus crawl RECIPE --corpus DIR

A call is booked in the ledger before it is made. Its payload and "done" go to the journal in a single transaction, and
from there, many at a time, to CORPUS/raw and the tables by an ordinary ingest. The API and yt-dlp are lanes over a
common frontier (corpus/crawl/scheduler.py). After an interrupt the same command continues.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import yaml

from corpus.console import command_text, note
from corpus.crawl.causes import CAUSES
from corpus.crawl.deliver import INFOS, PAYLOADS, ingest_infos, ingest_payloads
from corpus.crawl.journal import WATCH, Journal, Task
from corpus.crawl.recipe import CrawlRecipe, read_companies, read_opt_out
from corpus.crawl.scheduler import Answer, Crawled, Crawler, Lane, Later
from corpus.crawl.youtube_api import (
    KEY_VARIABLE,
    PARTS,
    SEARCH,
    UNITS,
    Api,
    NoKey,
    drop_opted_out,
    drop_opted_out_tasks,
    first_tasks,
    follow_up,
    hash_comment_authors,
)
from corpus.errors import CbcError
from corpus.files.atomic import write_text
from corpus.ids import public_id
from corpus.ingest.comments import comments_wanted
from corpus.privacy.scrub import hash_key
from corpus.store import Corpus
from corpus.withdrawn.tombstones import all_ids, withdrawn

CLOCK_SLACK_S = 60.0


class WrongClock(CbcError):
    """The clock is behind the last call, so units would be booked on a wrong day."""


class NothingCrawled(CbcError):
    """A corpus has no crawl, or its crawl has nothing to retry for a cause."""


def crawl(
    recipe: CrawlRecipe,
    root: Path,
    again: bool = False,
    wait_for_quota: bool = False,
    report: Callable[[Crawled], None] = lambda _: None,
    extra_tasks: Sequence[Task] = (),
) -> Crawled:
    """Begin a crawl or continue it; `again` starts a new round of observations once everything is done.

    `extra_tasks` are added to those of the recipe.

    Raises NoKey, Later (QuotaEnded, StagePaused, NotYet), WrongClock, BadCrawlRecipe, NoSuchPath, WrongVersion, Busy.
    """
    comments_wanted()  # refuses a wrong value of the environment variable before anything is fetched
    withheld = read_opt_out(recipe)
    api = Api() if recipe.youtube else None
    corpus = Corpus.create(root)
    withheld |= all_ids(withdrawn(root))
    withheld |= frozenset(map(public_id, withheld))
    with open_journal(corpus) as journal:
        lanes = api_lanes(api, recipe, withheld, journal, root) if api else []
        lanes += [ytdlp_lane(recipe, withheld, journal, root)] if recipe.ytdlp else []
        try:
            check_clock(journal)
            save_recipe(recipe, root)
            stages = [stage for lane in lanes for stage in lane.stages]
            fill_frontier(journal, recipe, withheld, again, stages, extra_tasks)
            crawler = Crawler(journal, lanes, recipe.tries, recipe.wait_s, report)
            while True:
                try:
                    crawler.run()
                    crawler.totals.given_up, crawler.totals.aged = journal.count_given_up(), journal.next_aged()
                    return crawler.totals
                except Later as later:
                    ingest_infos(journal, root)
                    if not wait_for_quota:
                        raise
                    sleep_until(later)
        finally:
            ingest_infos(journal, root)


def fill_frontier(
    journal: Journal,
    recipe: CrawlRecipe,
    withheld: frozenset[str],
    again: bool,
    stages: list[str],
    extra_tasks: Sequence[Task] = (),
) -> None:
    """Add the recipe's first tasks to the frontier, and remove from it what opted out."""
    journal.narrow_waiting(lambda task: next(iter(drop_opted_out_tasks([task], withheld)), None))
    tasks = list(first_tasks(recipe.youtube)) if recipe.youtube else []
    tasks += [*([Task(WATCH, name) for name in recipe.ytdlp.videos] if recipe.ytdlp else []), *extra_tasks]
    journal.begin_round(drop_opted_out_tasks(tasks, withheld), again, stages)
    if recipe.youtube and recipe.youtube.companies:
        journal.record_gone(dict.fromkeys(read_companies(recipe.youtube.companies)[1], "no channel id"))
    if recipe.youtube and recipe.ytdlp:  # videos fetched before the recipe had a section for yt-dlp
        watched = [Task(WATCH, name) for name in journal.fetched_videos()]
        journal.add_tasks(drop_opted_out_tasks(watched, withheld))


def save_recipe(recipe: CrawlRecipe, root: Path) -> None:
    """Write CORPUS/recipe.yaml as a record of what was crawled, with the channels of a file of companies.

    A recipe with a list of videos does not replace an earlier recipe.
    """
    if recipe.youtube and recipe.youtube.videos and (root / "recipe.yaml").exists():
        return
    settings = recipe.model_dump(
        mode="json", exclude_defaults=True, exclude={"opt_out": True, "youtube": {"companies", "videos"}}
    )
    write_text(root / "recipe.yaml", yaml.safe_dump(settings, allow_unicode=True, sort_keys=False))


def api_lanes(api: Api, recipe: CrawlRecipe, withheld: frozenset[str], journal: Journal, root: Path) -> list[Lane]:
    """Lanes of the YouTube Data API: searches, and all other stages, since their quotas are separate."""
    assert recipe.youtube
    settings, watching, key = recipe.youtube, recipe.ytdlp is not None, hash_key()

    def fetch(task: Task) -> Answer:
        response, opted_out = drop_opted_out(api.fetch(task, settings), withheld)
        following, gone = follow_up(task, response, settings)
        response = hash_comment_authors(task, response, key)
        if watching and task.stage == "videos" and not task.page:
            following += [Task(WATCH, str(item["id"])) for item in response.get("items", [])]
        return Answer(response, drop_opted_out_tasks(following, withheld), gone | opted_out)

    def key_error(detail: str) -> NoKey:
        return NoKey(f"the API refuses the key ({detail})", f"correct {KEY_VARIABLE} and run the command again")

    def lane(stages: tuple[str, ...], units_per_day: int, bucket: str) -> Lane:
        return Lane(
            stages=stages,
            concurrency=recipe.concurrency,
            fetch=fetch,
            ingest=lambda least: ingest_payloads(journal, root, least),
            batch=PAYLOADS,
            units=UNITS,
            units_per_day=units_per_day,
            bucket=bucket,
            stop_error=key_error,
        )

    other_stages = tuple(stage for stage in PARTS if stage != SEARCH)
    lanes = [lane(other_stages, recipe.quota.units_per_day, "")]
    return [*lanes, lane((SEARCH,), recipe.quota.searches_per_day, SEARCH)] if settings.names else lanes


def ytdlp_lane(recipe: CrawlRecipe, withheld: frozenset[str], journal: Journal, root: Path) -> Lane:
    """Lane of yt-dlp, which costs no units."""
    from corpus.crawl.ytdlp import YtDlpFetcher

    assert recipe.ytdlp
    fetcher = YtDlpFetcher(recipe.ytdlp, root, recipe.tries, withheld)
    return Lane(
        stages=(WATCH,),
        concurrency=recipe.ytdlp.concurrency,
        fetch=fetcher.fetch,
        ingest=lambda least: ingest_infos(journal, root, least),
        batch=INFOS,
        sleep_s=recipe.ytdlp.sleep_s,
        pause_s=recipe.ytdlp.pause_s,
    )


def sleep_until(later: Later) -> None:
    """Print the reason for the wait, and sleep until it is over."""
    note(f"{later.what}; waiting")
    while (left := later.until.timestamp() - time.time()) > 0:
        time.sleep(min(left, 60.0))


def check_clock(journal: Journal) -> None:
    """Refuse a clock that is behind the last call. Raises WrongClock."""
    now, last = time.time(), journal.last_call_at()
    if last > now + CLOCK_SLACK_S:
        at = datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%d %H:%M")
        raise WrongClock(f"the clock is behind the last call of this crawl ({at} UTC)", "set the clock right")


@contextmanager
def open_journal(corpus: Corpus) -> Iterator[Journal]:
    """Open the crawl's journal and lock it against other crawls. Raises Busy."""
    with corpus.lock("crawl.lock"):
        journal = Journal(corpus.root / "crawl.sqlite")
        try:
            yield journal
        finally:
            journal.close()


def retry(root: Path, cause: str) -> int:
    """Let the next crawl fetch again what was given up for a cause; gives the number of tasks.

    Raises NothingCrawled, NoSuchPath, WrongVersion, Busy.
    """
    corpus = Corpus.open(root)
    if cause not in CAUSES:
        raise NothingCrawled(f"{cause!r} is no cause of failure", f"give a cause of this list: {', '.join(CAUSES)}")
    if not (root / "crawl.sqlite").exists():
        begin = command_text("cbc", "corpus", "crawl", "RECIPE.yaml", "--corpus", root)
        raise NothingCrawled(f"{root} has no crawl", f"begin one with `{begin}`")
    with open_journal(corpus) as journal:
        return journal.retry(cause)
