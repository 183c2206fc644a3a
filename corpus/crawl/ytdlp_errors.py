"""Map yt-dlp exceptions to causes.py: by class, by message, or by the HTTP status underneath."""

from __future__ import annotations

import errno
import re

from corpus.crawl.causes import CallFailed, classify_message


def classify_exception(error: BaseException) -> CallFailed:
    """Convert an exception of yt-dlp to a failed call, without addresses (they may be signed). Raises a full disk."""
    from yt_dlp.networking.exceptions import HTTPError, RequestError
    from yt_dlp.utils import GeoRestrictedError, UnsupportedError, UserNotLive

    errors = exception_chain(error)
    for inner in errors:
        if isinstance(inner, OSError) and inner.errno == errno.ENOSPC:
            raise inner  # not a failed call: the command reports it
    for kind, cause in ((GeoRestrictedError, "region-blocked"), (UserNotLive, "not yet begun")):
        if any(isinstance(inner, kind) for inner in errors):
            return CallFailed(cause, type(errors[0]).__name__)
    if any(isinstance(inner, UnsupportedError) for inner in errors):
        return CallFailed("request", "yt-dlp finds no video there")
    status = next((inner.status for inner in errors if isinstance(inner, HTTPError)), None)
    message = str(errors[0])
    if cause_by_message := classify_message(message):
        return CallFailed(cause_by_message, strip_message(message))
    if status is not None:
        return CallFailed(classify_status(status), f"HTTP {status}")
    if any(isinstance(inner, RequestError | OSError) for inner in errors):
        return CallFailed("network", type(errors[-1]).__name__)
    return CallFailed("malformed", type(errors[-1]).__name__)


def exception_chain(error: BaseException) -> list[BaseException]:
    """An exception and its causes, each once, outermost first."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        inner = waiting.pop(0)
        if isinstance(inner, BaseException) and inner not in seen:
            seen.append(inner)
            wrapped = getattr(inner, "exc_info", None)
            waiting += [wrapped[1] if wrapped else None, getattr(inner, "cause", None)]
            waiting += [inner.__cause__, inner.__context__]
    return seen


def classify_status(status: int) -> str:
    """Cause of an HTTP error without a message."""
    if status >= 500:
        return "server"
    known = {401: "refused", 403: "refused", 404: "deleted", 410: "deleted", 429: "rate limit", 451: "region-blocked"}
    return known.get(status, "malformed")


def strip_message(message: str) -> str:
    """Remove colors, addresses (they may be signed) and advice on cookies from a message."""
    text = re.sub(r"\x1b\[[0-9;]*m|https?://\S+", "", message).removeprefix("ERROR: ")
    return re.split(r"Use --cookies|; please report", " ".join(text.split()))[0].strip()
