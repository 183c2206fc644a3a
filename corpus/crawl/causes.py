"""Why a fetch failed, and what follows: one readable table.

policy: `never` (the thing is gone or closed: it is noted and not asked for again), `tomorrow` (not before a day has
passed) and `back off` (try again after a wait that doubles), both at most so many times, `quota` (nothing more today:
wait until the quota is reset), `stop` (nothing of the crawl can succeed until somebody mends it). yt-dlp tells most
causes in words alone: `words` are pieces of its messages, and the first cause with one of them is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Policy = Literal["never", "tomorrow", "back off", "quota", "stop"]


@dataclass(frozen=True)
class Cause:
    """A named reason: what follows from it, what the API calls it, what it means, and yt-dlp's words for it.

    `pauses`: at yt-dlp's stage it is about who asks, not about what is asked for, so the whole stage waits.
    """

    policy: Policy
    reasons: tuple[str, ...]
    doc: str
    words: tuple[str, ...] = ()
    pauses: bool = False


CAUSES: dict[str, Cause] = {
    "bot check": Cause(
        "tomorrow",
        (),
        "the site takes this address for a bot: each further call prolongs that, a day's rest ends it",
        ("not a bot", "captcha", "anti-bot", "unusual traffic", "automated queries"),
        pauses=True,
    ),
    "rate limit": Cause(
        "back off",
        ("rateLimitExceeded", "userRateLimitExceeded", "tooManyRequests"),
        "too many calls at a time",
        ("rate-limited", "rate limit", "too many requests", "isn't available, try again later"),
        pauses=True,
    ),
    "age-gated": Cause(
        "never", (), "shown to signed-in adults alone", ("confirm your age", "age-restricted", "age restricted")
    ),
    "region-blocked": Cause(
        "never",
        (),
        "not shown in this country",
        (
            "in your country",
            "your location",
            "geo restrict",
            "geo-restrict",
            "your region",
            "not available in your",
        ),
    ),
    "members only": Cause(
        "never",
        (),
        "shown to paying members or buyers alone",
        (
            "members-only",
            "this channel's members",
            "join this channel",
            "requires payment",
            "premium members",
            "music premium",
            "subscribers only",
            "drm protected",
        ),
    ),
    "not yet begun": Cause(
        "tomorrow",
        (),
        "a live stream, a premiere or an upload that is still to come",
        (
            "live event will begin",
            "premieres in",
            "premiere will begin",
            "not currently live",
            "processing this video",
            "will begin in",
            "begins in a few",
            "starting soon",
        ),
    ),
    "private": Cause(
        "never",
        ("playlistItemsNotAccessible", "channelClosed", "channelSuspended", "forbidden"),
        "its owner does not show it",
        ("private video", "video is private", "registered users", "sign in", "log in", "login required"),
    ),
    "comments disabled": Cause("never", ("commentsDisabled",), "nobody may comment"),
    "opted out": Cause("never", (), "it stands on the recipe's opt-out list"),
    "too large": Cause("never", (), "the video file is larger than the recipe's max_bytes"),
    "quota": Cause(
        "quota",
        ("quotaExceeded", "dailyLimitExceeded"),
        "the day's units are spent",
    ),
    "server": Cause("back off", ("backendError", "internalError", "serviceUnavailable"), "the server failed"),
    "network": Cause("back off", (), "no connection, or one that broke off"),
    "refused": Cause("back off", (), "a page answers 401 or 403 and says no reason: it may be of any kind"),
    "malformed": Cause("back off", (), "the answer is not of the expected shape"),
    "key": Cause(
        "stop", ("keyInvalid", "API_KEY_INVALID", "accessNotConfigured"), "the key is wrong or may not do this"
    ),
    "request": Cause(
        "never",
        (),
        "the request is refused as it is",
        ("unsupported url", "is not a valid url", "requested format is not available"),
    ),
    # The broadest words stand last: "video unavailable" also begins the messages of other causes.
    "deleted": Cause(
        "never",
        ("channelNotFound", "playlistNotFound", "videoNotFound", "notFound"),
        "it is not there, or no longer",
        (
            "has been removed",
            "been terminated",
            "no longer available",
            "does not exist",
            "recording is not available",
            "video unavailable",
            "video is unavailable",
            "video is not available",
            "video isn't available",
        ),
    ),
}


class CallFailed(Exception):
    """A call that gave no payload: the cause, and the server's word for it (never the address: it holds the key)."""

    def __init__(self, cause: str, said: str = "") -> None:
        super().__init__(f"{cause} ({said})" if said else cause)
        self.cause = cause
        self.said = said[:200]

    @property
    def policy(self) -> Policy:
        """What follows."""
        return CAUSES[self.cause].policy


def cause_of(status: int, reasons: list[str]) -> str:
    """The cause of an HTTP error by the API's reasons, else by its status.

    A 403 without a reason is malformed: it may be of any kind, from a rate limit to a private video.
    """
    for name, cause in CAUSES.items():
        if any(reason in cause.reasons for reason in reasons):
            return name
    if status == 429:
        return "rate limit"
    if status >= 500:
        return "server"
    if not reasons:
        return "malformed"
    return {401: "key", 403: "private", 404: "deleted"}.get(status, "request")


def cause_told(message: str) -> str | None:
    """The cause that a message of yt-dlp tells in words; None where it tells none."""
    plain = message.replace("\u2019", "'").lower()
    return next((name for name, cause in CAUSES.items() if any(word in plain for word in cause.words)), None)
