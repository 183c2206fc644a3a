"""What yt-dlp raised as a cause of the one table: by its class, its words, or the status of the answer below it."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable

from corpus.crawl.causes import CallFailed, cause_told


def failure(error: BaseException) -> CallFailed:
    """The cause of an error of yt-dlp; it is told without addresses, which may be signed. A full disk is raised."""
    from yt_dlp.networking.exceptions import HTTPError, RequestError
    from yt_dlp.utils import GeoRestrictedError, UnsupportedError, UserNotLive

    below = list(chain(error))
    for full in below:
        if isinstance(full, OSError) and full.errno == errno.ENOSPC:
            raise full  # no cause of a call: the command says it
    for kind, cause in ((GeoRestrictedError, "region-blocked"), (UserNotLive, "not yet begun")):
        if any(isinstance(one, kind) for one in below):
            return CallFailed(cause, type(below[0]).__name__)
    if any(isinstance(one, UnsupportedError) for one in below):
        return CallFailed("request", "no video that yt-dlp can find")
    status = next((one.status for one in below if isinstance(one, HTTPError)), None)
    told = " ".join(str(one) for one in below[:1])
    if cause_in_words := cause_told(told):
        return CallFailed(cause_in_words, plain(told))
    if status is not None:
        return CallFailed(by_status(status), f"HTTP {status}")
    if any(isinstance(one, RequestError | OSError) for one in below):
        return CallFailed("network", type(below[-1]).__name__)
    return CallFailed("malformed", type(below[-1]).__name__)


def chain(error: BaseException | None) -> Iterable[BaseException]:
    """An error and what caused it, each once, outermost first."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            told = getattr(one, "exc_info", None)
            waiting += [told[1] if told else None, getattr(one, "cause", None), one.__cause__, one.__context__]
    return seen


def by_status(status: int) -> str:
    """The cause of an HTTP error that says nothing in words."""
    if status >= 500:
        return "server"
    known = {401: "refused", 403: "refused", 404: "deleted", 410: "deleted", 429: "rate limit", 451: "region-blocked"}
    return known.get(status, "malformed")


def plain(told: str) -> str:
    """A message without colours, addresses (they may be signed) and advice on cookies."""
    text = re.sub(r"\x1b\[[0-9;]*m|https?://\S+", "", told).removeprefix("ERROR: ")
    return re.split(r"Use --cookies|; please report", " ".join(text.split()))[0].strip()
