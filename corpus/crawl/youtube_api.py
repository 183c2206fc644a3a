"""The YouTube Data API v3 for the crawler: which call a task makes, and which tasks follow from its response.

search (a name) -> channels (50 ids, or a handle) -> playlistItems of the uploads (50 a page) -> videos (50 ids) ->
commentThreads (100 a page). A call costs a unit (quota table of the API; `part` costs no more); searches have a
separate quota. `fields` leaves out what no table holds. This module knows the API; frontier and quota belong to the
crawl.
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

from corpus.crawl.causes import CallFailed, classify_response
from corpus.crawl.journal import AGED, Task
from corpus.crawl.recipe import Youtube, read_videos
from corpus.errors import CbcError
from corpus.ingest.comments import Comments, comments_wanted
from corpus.privacy.scrub import author_hash
from corpus.sources.wikidata import CHANNEL_ID
from corpus.sources.youtube_api import HASHED

LOG = logging.getLogger(__name__)
KEY_VARIABLE = "CBC_YOUTUBE_API_KEY"
ENDPOINT_VARIABLE = "CBC_YOUTUBE_ENDPOINT"  # not in the recipe, since the key is sent to it
UNITS = 1
PAGE, COMMENT_PAGE = 50, 100
TIMEOUT_S = 30
SEARCH = "search"  # a stage with a separate quota
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
ADD_TEXT = ("snippet(likeCount", "snippet(textDisplay,likeCount")  # old and new fields, if comments keep their text
PAGED = ("playlistItems", "commentThreads")  # in other stages a task's `page` is a mark, not a page token
CHANNEL_ONLY = "alone"  # mark of a channel that is fetched without its uploads
DAY_S = 86_400.0


class NoKey(CbcError):
    """The environment holds no API key, or the API refuses it."""


def api_key() -> str:
    """Read the API key, which is never written anywhere. Raises NoKey."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise NoKey("no key of the YouTube Data API is set", f"set the environment variable {KEY_VARIABLE}")
    return key


def first_tasks(settings: Youtube) -> Iterator[Task]:
    """Yield the tasks that begin a round: names, channels and videos by id (50 a call), channels by handle."""
    yield from (Task(SEARCH, name) for name in dict.fromkeys(settings.names))
    ids = list(dict.fromkeys(name for name in settings.channels if CHANNEL_ID.fullmatch(name)))
    videos = read_videos(settings.videos) if settings.videos else []
    for stage, names in (("channels", ids), ("videos", videos)):
        for i in range(0, len(names), PAGE):
            yield Task(stage, ",".join(names[i : i + PAGE]))
    for handle in dict.fromkeys(name for name in settings.channels if not CHANNEL_ID.fullmatch(name)):
        yield Task("channels", handle)


def drop_opted_out_tasks(tasks: Iterable[Task], withheld: frozenset[str]) -> list[Task]:
    """Drop channels and videos that opted out from tasks, and with a channel its uploads."""
    names = withheld | {name.replace("UC", "UU", 1) for name in withheld if CHANNEL_ID.fullmatch(name)}
    kept = [(task, ",".join(name for name in task.target.split(",") if name not in names)) for task in tasks]
    return [replace(task, target=target) for task, target in kept if target]


def drop_opted_out(response: dict[str, Any], withheld: frozenset[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Drop items that opted out (only the response shows a channel's handle); also gives their ids with the cause."""
    items = response.get("items", [])
    out = [bool(item_names(item) & withheld) for item in items]
    kept = [item for item, gone in zip(items, out, strict=True) if not gone]
    ids = [str(item.get("id")) for item, gone in zip(items, out, strict=True) if gone]
    return ({**response, "items": kept} if ids else response), dict.fromkeys(ids, "opted out")


def item_names(item: Any) -> set[str]:
    """Names of an item that an opt-out list may hold: its id, handle and channel, and the video it is about."""
    if not isinstance(item, dict):
        return set()
    parts = [item[name] for name in ("snippet", "contentDetails") if isinstance(item.get(name), dict)]
    names = [part.get(name) for part in parts for name in ("customUrl", "channelId", "videoId")]
    names += [part["topLevelComment"].get("id") for part in parts if isinstance(part.get("topLevelComment"), dict)]
    return {str(name) for name in (item.get("id"), *names) if name}


def call_parameters(task: Task, settings: Youtube) -> dict[str, Any]:
    """Parameters of a task's call."""
    page = {"pageToken": task.page} if task.page and task.stage in PAGED else {}
    fields = FIELDS[task.stage].replace(*ADD_TEXT) if comments_wanted() is Comments.text else FIELDS[task.stage]
    if task.stage == SEARCH:
        target: dict[str, Any] = {"q": task.target, "type": "channel", "maxResults": 1}
    elif task.stage == "channels":
        target = {"forHandle": task.target} if task.target.startswith("@") else {"id": task.target, "maxResults": PAGE}
    elif task.stage == "playlistItems":
        left = (settings.videos_per_channel or task.seen + PAGE) - task.seen
        target = {"playlistId": task.target, "maxResults": min(PAGE, left)}
    elif task.stage == "videos":
        target = {"id": task.target, "maxResults": PAGE}
    else:
        target = {"videoId": task.target, "maxResults": COMMENT_PAGE, "textFormat": "plainText"}
    return {"part": PARTS[task.stage], "fields": fields, **target, **page}


def hash_comment_authors(task: Task, response: dict[str, Any], key: bytes | None) -> dict[str, Any]:
    """Replace authors of comments with keyed hashes, or remove them without a key. Raises CallFailed."""
    try:
        for item in response.get("items", []) if task.stage == "commentThreads" else []:
            comment = item["snippet"]["topLevelComment"]["snippet"]
            author = comment.pop("authorChannelId", {}).get("value")
            if hashed := author_hash(author, key):
                comment["authorChannelId"] = {"value": f"{HASHED}{hashed}"}
    except (AttributeError, KeyError, TypeError) as error:
        raise CallFailed("malformed", f"a comment of unexpected shape ({type(error).__name__})") from None
    return response


class Api:
    """Client of the API for many threads. Raises NoKey if there is no key."""

    def __init__(self) -> None:
        import httplib2
        from googleapiclient.discovery import build

        logging.getLogger("googleapiclient").setLevel(logging.ERROR)  # the crawl reports failures by cause
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
        """The calling thread's own connection: httplib2 is not thread-safe, the client is."""
        if not hasattr(self.local, "http"):
            import httplib2

            self.local.http = httplib2.Http(timeout=TIMEOUT_S)
        return self.local.http

    def fetch(self, task: Task, settings: Youtube) -> dict[str, Any]:
        """Make a task's call. Raises CallFailed."""
        from googleapiclient.errors import HttpError

        parameters = call_parameters(task, settings)
        shown = " ".join(f"{name}={value}" for name, value in parameters.items() if name != "fields")
        LOG.debug("GET %s %s key=REDACTED", task.stage, shown)
        try:
            resource = getattr(self.service, task.stage)()
            call = resource.list(**parameters)
            response = call.execute(http=self.connection(), num_retries=0)
        except HttpError as error:
            reasons = read_reasons(error)
            status = int(error.resp.status)
            raise CallFailed(classify_response(status, reasons), " ".join([str(status), *reasons[:1]])) from None
        except ValueError:  # truncated JSON or none
            raise CallFailed("malformed", "no JSON") from None
        except Exception as error:  # connections fail with exceptions of several libraries
            raise CallFailed("network", type(error).__name__) from None
        if not isinstance(response, dict) or not isinstance(response.get("items", []), list):
            raise CallFailed("malformed", "no list of items")
        return response


def read_reasons(error: Any) -> list[str]:
    """The API's reasons in the body of an HTTP error, the most specific first."""
    try:
        body = json.loads(error.content)["error"]
        details = [detail.get("reason", "") for detail in body.get("details", []) if isinstance(detail, dict)]
        return [*details, *(entry.get("reason", "") for entry in body.get("errors", []))]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []


def follow_up(task: Task, response: dict[str, Any], settings: Youtube) -> tuple[list[Task], dict[str, str]]:
    """Tasks that follow from a response, and ids that are gone with their cause. Raises CallFailed."""
    try:
        return _follow_up(task, response, settings)
    except (AttributeError, KeyError, TypeError) as error:
        raise CallFailed("malformed", f"an item of unexpected shape ({type(error).__name__})") from None


def _follow_up(task: Task, response: dict[str, Any], settings: Youtube) -> tuple[list[Task], dict[str, str]]:
    items = [item for item in response.get("items", []) if isinstance(item, dict)]
    if task.stage == SEARCH:
        return after_search(task, items)
    if task.stage == "channels":
        return after_channels(task, items)
    if task.stage == "playlistItems":
        return after_uploads(task, items, response.get("nextPageToken"), settings)
    if task.stage == "videos":
        return after_videos(task, items, settings)
    seen, page = task.seen + 1, response.get("nextPageToken")
    more = bool(page) and seen < settings.comment_pages
    return ([Task("commentThreads", task.target, str(page), seen)] if more else []), {}


def after_search(task: Task, items: list[dict[str, Any]]) -> tuple[list[Task], dict[str, str]]:
    """The channel that the search ranks first; a name without a channel is gone."""
    channels = [item["snippet"]["channelId"] for item in items[:1]]
    return [Task("channels", name) for name in channels], {} if channels else {task.target: "deleted"}


def after_channels(task: Task, items: list[dict[str, Any]]) -> tuple[list[Task], dict[str, str]]:
    """The uploads of each channel; requested channels without an item are gone."""
    uploads = [item.get("contentDetails", {}).get("relatedPlaylists", {}).get("uploads") for item in items]
    if task.target.startswith("@"):
        missing = [] if items else [task.target]
    else:
        missing = missing_ids(task.target.split(","), items)
    following = [] if task.page == CHANNEL_ONLY else [Task("playlistItems", name) for name in uploads if name]
    return following, dict.fromkeys(missing, "deleted")


def after_uploads(
    task: Task, items: list[dict[str, Any]], page: str | None, settings: Youtube
) -> tuple[list[Task], dict[str, str]]:
    """The videos of this page in a single call, and the next page; private videos are gone."""
    shown = {item.get("contentDetails", {}).get("videoId"): item.get("status", {}) for item in items}
    hidden = {name: "private" for name, status in shown.items() if name and status.get("privacyStatus") == "private"}
    ids = [name for name in shown if name and name not in hidden]
    seen = task.seen + len(items)
    following = [Task("videos", ",".join(ids))] if ids else []
    if page and (settings.videos_per_channel is None or seen < settings.videos_per_channel):
        following.append(Task("playlistItems", task.target, page, seen))
    return following, hidden


def after_videos(task: Task, items: list[dict[str, Any]], settings: Youtube) -> tuple[list[Task], dict[str, str]]:
    """The comments of each video that has any, if the recipe asks for them; videos without an item are deleted."""
    gone = dict.fromkeys(missing_ids(task.target.split(","), items), "deleted")
    if task.page:
        return [], gone
    aged = [later for days in settings.ages_days for later in tasks_at_age(items, days, time.time())]
    if not settings.comment_pages:
        return aged, gone
    commented = [item["id"] for item in items if str(item.get("statistics", {}).get("commentCount", "0")) != "0"]
    return [*aged, *(Task("commentThreads", name) for name in commented)], gone


def tasks_at_age(items: list[dict[str, Any]], days: int, now: float) -> list[Task]:
    """Tasks that fetch videos again at an age; videos of a day share a call, due when the last of them reaches it."""
    published: dict[float, list[str]] = {}
    for item in items:
        try:
            at = datetime.fromisoformat(item["snippet"]["publishedAt"]).timestamp()
        except (ValueError, OverflowError, KeyError, TypeError):  # no date, no age
            continue
        published.setdefault(at // DAY_S, []).append(item["id"])
    due = {(day + 1 + days) * DAY_S: names for day, names in published.items() if (day + days) * DAY_S > now}
    return [Task("videos", ",".join(names), f"{AGED}{days}", not_before=at) for at, names in due.items()]


def missing_ids(requested: Iterable[str], items: list[dict[str, Any]]) -> list[str]:
    """Requested ids without an item."""
    received = {item.get("id") for item in items}
    return [name for name in requested if name not in received]
