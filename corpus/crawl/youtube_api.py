"""The YouTube Data API v3 as the crawler asks it: which call a task is, and what follows from its answer.

search (one name a call) -> channels (50 ids a call, or one handle) -> playlistItems of the uploads (50 a page) ->
videos (50 a call) -> commentThreads (100 a page). A call costs one unit (quota table of the API, `part` costs no more);
searches have a quota of their own. `fields` leaves out what no table holds. Functions here know the API; frontier and
quota are the crawl's.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from corpus.crawl.causes import CallFailed, cause_of
from corpus.crawl.journal import AGED, Task
from corpus.crawl.recipe import Youtube, listed_videos
from corpus.errors import CbcError
from corpus.ingest.comments import Comments
from corpus.ingest.comments import wanted as comments_wanted
from corpus.privacy.scrub import author_hash
from corpus.sources.wikidata import CHANNEL_ID
from corpus.sources.youtube_api import HASHED

KEY_VARIABLE = "CBC_YOUTUBE_API_KEY"
ENDPOINT_VARIABLE = "CBC_YOUTUBE_ENDPOINT"  # from the environment, not the recipe: the key is sent there
UNITS = 1
PAGE, COMMENT_PAGE = 50, 100
TIMEOUT_S = 30
SEARCH = "search"  # a stage with a quota of its own
PARTS = {
    "search": "snippet",
    "channels": "snippet,statistics,contentDetails",
    "playlistItems": "contentDetails,status",
    "videos": "snippet,contentDetails,statistics,status",
    "commentThreads": "snippet",
}
FIELDS = {
    "search": "items(id/channelId,snippet(channelId,title))",
    "channels": "items(id,snippet(title,customUrl),statistics,contentDetails/relatedPlaylists/uploads)",
    "playlistItems": "nextPageToken,items(contentDetails/videoId,status/privacyStatus)",
    "videos": "items(id,snippet(publishedAt,channelId,title,description,tags,categoryId,"
    "defaultLanguage,defaultAudioLanguage),contentDetails/duration,statistics,status/license)",
    "commentThreads": "nextPageToken,items(snippet(videoId,topLevelComment(id,snippet(likeCount,publishedAt,"
    "authorChannelId/value))))",
}
WORDS = ("snippet(likeCount", "snippet(textDisplay,likeCount")  # comments with their text, where that is wanted
PAGED = ("playlistItems", "commentThreads")  # elsewhere a task's page says what it is for
ALONE = "alone"  # the page of a channel that is asked for without its uploads
DAY_S = 86_400.0


class NoKey(CbcError):
    """The environment gives no key of the API, or the API refuses it."""


def api_key() -> str:
    """The key; it is never written anywhere. Raises NoKey."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise NoKey("no key of the YouTube Data API", f"put it into the environment variable {KEY_VARIABLE}")
    return key


def first_tasks(wanted: Youtube) -> Iterator[Task]:
    """Where a round begins: names, one a call; channels and videos by id, 50 a call; channels by handle, one a call."""
    yield from (Task(SEARCH, name) for name in dict.fromkeys(wanted.names))
    ids = list(dict.fromkeys(name for name in wanted.channels if CHANNEL_ID.fullmatch(name)))
    videos = listed_videos(wanted.videos) if wanted.videos else []
    for stage, names in (("channels", ids), ("videos", videos)):
        for i in range(0, len(names), PAGE):
            yield Task(stage, ",".join(names[i : i + PAGE]))
    for handle in dict.fromkeys(name for name in wanted.channels if not CHANNEL_ID.fullmatch(name)):
        yield Task("channels", handle)


def allowed(tasks: Iterable[Task], withheld: frozenset[str]) -> list[Task]:
    """The tasks without the channels and videos that opted out; a channel's uploads go with it."""
    names = withheld | {name.replace("UC", "UU", 1) for name in withheld if CHANNEL_ID.fullmatch(name)}
    kept = [(task, ",".join(name for name in task.target.split(",") if name not in names)) for task in tasks]
    return [replace(task, target=target) for task, target in kept if target]


def without(found: dict[str, Any], withheld: frozenset[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """An answer without the items that opted out (only it tells a channel's handle), and their ids with the cause."""
    items = found.get("items", [])
    out = [bool(names_of(item) & withheld) for item in items]
    kept = [item for item, gone in zip(items, out, strict=True) if not gone]
    ids = [str(item.get("id")) for item, gone in zip(items, out, strict=True) if gone]
    return ({**found, "items": kept} if ids else found), dict.fromkeys(ids, "opted out")


def names_of(item: Any) -> set[str]:
    """What an item may stand under on an opt-out list: its id, its handle, its channel, the video it is about."""
    if not isinstance(item, dict):
        return set()
    parts = [item[name] for name in ("snippet", "contentDetails") if isinstance(item.get(name), dict)]
    told = [part.get(name) for part in parts for name in ("customUrl", "channelId", "videoId")]
    told += [part["topLevelComment"].get("id") for part in parts if isinstance(part.get("topLevelComment"), dict)]
    return {str(name) for name in (item.get("id"), *told) if name}


def parameters(task: Task, wanted: Youtube) -> dict[str, Any]:
    """The parameters of a task's call."""
    page = {"pageToken": task.page} if task.page and task.stage in PAGED else {}
    fields = FIELDS[task.stage].replace(*WORDS) if comments_wanted() is Comments.text else FIELDS[task.stage]
    if task.stage == SEARCH:
        given: dict[str, Any] = {"q": task.target, "type": "channel", "maxResults": 1}
    elif task.stage == "channels":
        given = {"forHandle": task.target} if task.target.startswith("@") else {"id": task.target, "maxResults": PAGE}
    elif task.stage == "playlistItems":
        left = (wanted.videos_per_channel or task.seen + PAGE) - task.seen
        given = {"playlistId": task.target, "maxResults": min(PAGE, left)}
    elif task.stage == "videos":
        given = {"id": task.target, "maxResults": PAGE}
    else:
        given = {"videoId": task.target, "maxResults": COMMENT_PAGE, "textFormat": "plainText"}
    return {"part": PARTS[task.stage], "fields": fields, **given, **page}


def discreet(task: Task, found: dict[str, Any], key: bytes | None) -> dict[str, Any]:
    """An answer as it may be written: authors of comments as keyed hashes, or not at all without a key.

    Raises CallFailed.
    """
    try:
        for item in found.get("items", []) if task.stage == "commentThreads" else []:
            comment = item["snippet"]["topLevelComment"]["snippet"]
            author = comment.pop("authorChannelId", {}).get("value")
            if hashed := author_hash(author, key):
                comment["authorChannelId"] = {"value": f"{HASHED}{hashed}"}
    except (AttributeError, KeyError, TypeError) as error:
        raise CallFailed("malformed", f"a comment of unexpected shape ({type(error).__name__})") from None
    return found


class Api:
    """The API's client, used by many threads. Raises NoKey where there is no key."""

    def __init__(self) -> None:
        import httplib2
        from googleapiclient.discovery import build

        logging.getLogger("googleapiclient").setLevel(logging.ERROR)  # failures are told by cause, not call by call
        endpoint = os.environ.get(ENDPOINT_VARIABLE)
        self.service = build(
            "youtube",
            "v3",
            developerKey=api_key(),
            http=httplib2.Http(timeout=TIMEOUT_S),
            static_discovery=True,
            cache_discovery=False,
            client_options={"api_endpoint": endpoint} if endpoint else None,
        )
        self.local = threading.local()

    def connection(self) -> Any:
        """The calling thread's own connection: httplib2's are not safe to share, the client is."""
        if not hasattr(self.local, "http"):
            import httplib2

            self.local.http = httplib2.Http(timeout=TIMEOUT_S)
        return self.local.http

    def fetch(self, task: Task, wanted: Youtube) -> dict[str, Any]:
        """One answer. Raises CallFailed."""
        from googleapiclient.errors import HttpError

        try:
            resource = getattr(self.service, task.stage)()
            found = resource.list(**parameters(task, wanted)).execute(http=self.connection(), num_retries=0)
        except HttpError as error:
            reasons = reasons_of(error)
            status = int(error.resp.status)
            raise CallFailed(cause_of(status, reasons), " ".join([str(status), *reasons[:1]])) from None
        except ValueError:  # JSON that is cut or none
            raise CallFailed("malformed", "no JSON") from None
        except Exception as error:  # whatever the connection does, in the words of whichever library noticed
            raise CallFailed("network", type(error).__name__) from None
        if not isinstance(found, dict) or not isinstance(found.get("items", []), list):
            raise CallFailed("malformed", "no list of items")
        return found


def reasons_of(error: Any) -> list[str]:
    """The API's reasons in an HTTP error's body, the most telling first."""
    try:
        told = json.loads(error.content)["error"]
        details = [one.get("reason", "") for one in told.get("details", []) if isinstance(one, dict)]
        return [*details, *(one.get("reason", "") for one in told.get("errors", []))]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []


def follow(task: Task, found: dict[str, Any], wanted: Youtube) -> tuple[list[Task], dict[str, str]]:
    """What an answer leads to: tasks, and ids that are gone with their cause. Raises CallFailed."""
    try:
        return _follow(task, found, wanted)
    except (AttributeError, KeyError, TypeError) as error:
        raise CallFailed("malformed", f"an item of unexpected shape ({type(error).__name__})") from None


def _follow(task: Task, found: dict[str, Any], wanted: Youtube) -> tuple[list[Task], dict[str, str]]:
    items = [item for item in found.get("items", []) if isinstance(item, dict)]
    if task.stage == SEARCH:
        return after_search(task, items)
    if task.stage == "channels":
        return after_channels(task, items)
    if task.stage == "playlistItems":
        return after_uploads(task, items, found.get("nextPageToken"), wanted)
    if task.stage == "videos":
        return after_videos(task, items, wanted)
    seen, page = task.seen + 1, found.get("nextPageToken")
    more = bool(page) and seen < wanted.comment_pages
    return ([Task("commentThreads", task.target, str(page), seen)] if more else []), {}


def after_search(task: Task, items: list[dict[str, Any]]) -> tuple[list[Task], dict[str, str]]:
    """The channel that the search puts first; a name without one is gone."""
    found = [item["snippet"]["channelId"] for item in items[:1]]
    return [Task("channels", name) for name in found], {} if found else {task.target: "deleted"}


def after_channels(task: Task, items: list[dict[str, Any]]) -> tuple[list[Task], dict[str, str]]:
    """The uploads of each channel; channels that were asked for and not told are gone."""
    uploads = [item.get("contentDetails", {}).get("relatedPlaylists", {}).get("uploads") for item in items]
    if task.target.startswith("@"):
        missing = [] if items else [task.target]
    else:
        missing = lacking(task.target.split(","), items)
    following = [] if task.page == ALONE else [Task("playlistItems", name) for name in uploads if name]
    return following, dict.fromkeys(missing, "deleted")


def after_uploads(
    task: Task, items: list[dict[str, Any]], page: str | None, wanted: Youtube
) -> tuple[list[Task], dict[str, str]]:
    """The videos of this page in one call, and the next page; what its owner hides is noted, not asked for."""
    shown = {item.get("contentDetails", {}).get("videoId"): item.get("status", {}) for item in items}
    hidden = {name: "private" for name, status in shown.items() if name and status.get("privacyStatus") == "private"}
    ids = [name for name in shown if name and name not in hidden]
    seen = task.seen + len(items)
    following = [Task("videos", ",".join(ids))] if ids else []
    if page and (wanted.videos_per_channel is None or seen < wanted.videos_per_channel):
        following.append(Task("playlistItems", task.target, page, seen))
    return following, hidden


def after_videos(task: Task, items: list[dict[str, Any]], wanted: Youtube) -> tuple[list[Task], dict[str, str]]:
    """The comments of each video that has some, if they are wanted; videos not told are deleted."""
    gone = dict.fromkeys(lacking(task.target.split(","), items), "deleted")
    if task.page:
        return [], gone
    aged = [later for days in wanted.ages_days for later in at_age(items, days, time.time())]
    if not wanted.comment_pages:
        return aged, gone
    spoken = [item["id"] for item in items if str(item.get("statistics", {}).get("commentCount", "0")) != "0"]
    return [*aged, *(Task("commentThreads", name) for name in spoken)], gone


def at_age(items: list[dict[str, Any]], days: int, now: float) -> list[Task]:
    """Videos to be asked for again at an age, those of one day in one call, within a day after the last has it."""
    published: dict[float, list[str]] = {}
    for item in items:
        try:
            at = datetime.fromisoformat(item["snippet"]["publishedAt"]).timestamp()
        except (ValueError, OverflowError, KeyError, TypeError):  # without a date it has no age
            continue
        published.setdefault(at // DAY_S, []).append(item["id"])
    due = {(day + 1 + days) * DAY_S: names for day, names in published.items() if (day + days) * DAY_S > now}
    return [Task("videos", ",".join(names), f"{AGED}{days}", not_before=at) for at, names in due.items()]


def lacking(asked: Iterable[str], items: list[dict[str, Any]]) -> list[str]:
    """Ids that were asked for and have no item."""
    told = {item.get("id") for item in items}
    return [name for name in asked if name not in told]
