"""Map each cause of a failed fetch to the policy that follows, in a single table.

Policies: `never` (gone or closed: recorded and not requested again), `tomorrow` (not before a day has passed), `back
off` (retry after a wait that doubles; like `tomorrow` up to the recipe's number of tries), `quota` (no more calls
today: wait until the quota is reset), `stop` (the crawl cannot succeed until somebody fixes it). Most causes of yt-dlp
are known only by the words of its messages: the first cause with a matching phrase in `words` applies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Policy = Literal["never", "tomorrow", "back off", "quota", "stop"]


@dataclass(frozen=True)
class Cause:
    """A cause of failure: its policy, the API's reasons for it, its meaning, and phrases of yt-dlp's messages.

    `pauses`: the site refuses the caller and not the video, so yt-dlp's whole stage waits.
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
        "the site takes this address for a bot; each further call prolongs that, a day without calls ends it",
        ("not a bot", "captcha", "anti-bot", "unusual traffic", "automated queries"),
        pauses=True,
    ),
    "rate limit": Cause(
        "back off",
        ("rateLimitExceeded", "userRateLimitExceeded", "tooManyRequests"),
        "too many calls in a short time",
        ("rate-limited", "rate limit", "too many requests", "isn't available, try again later"),
        pauses=True,
    ),
    "age-gated": Cause(
        "never", (), "shown to signed-in adults only", ("confirm your age", "age-restricted", "age restricted")
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
        "shown to paying members or buyers only",
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
        "a live stream, premiere or upload that has not started",
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
        "its owner hides it",
        ("private video", "video is private", "registered users", "sign in", "log in", "login required"),
    ),
    "comments disabled": Cause("never", ("commentsDisabled",), "comments are turned off"),
    "opted out": Cause("never", (), "it is on the recipe's opt-out list"),
    "too large": Cause("never", (), "the video file is larger than the recipe's max_bytes"),
    "quota": Cause(
        "quota",
        ("quotaExceeded", "dailyLimitExceeded"),
        "the day's units are spent",
    ),
    "server": Cause("back off", ("backendError", "internalError", "serviceUnavailable"), "the server failed"),
    "network": Cause("back off", (), "no connection, or the connection broke"),
    "refused": Cause("back off", (), "a page answers 401 or 403 without a reason"),
    "malformed": Cause("back off", (), "the answer does not have the expected shape"),
    "key": Cause(
        "stop", ("keyInvalid", "API_KEY_INVALID", "accessNotConfigured"), "the API key is wrong or lacks a permission"
    ),
    "request": Cause(
        "never",
        (),
        "the request itself is refused",
        ("unsupported url", "is not a valid url", "requested format is not available"),
    ),
    # The broadest phrases come last: "video unavailable" also begins the messages of other causes.
    "deleted": Cause(
        "never",
        ("channelNotFound", "playlistNotFound", "videoNotFound", "notFound"),
        "it does not exist, or no longer",
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
    """A call without a payload: its cause, and a detail from the server (never the address, which holds the key)."""

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause} ({detail})" if detail else cause)
        self.cause = cause
        self.detail = detail[:200]

    @property
    def policy(self) -> Policy:
        """Policy of the cause."""
        return CAUSES[self.cause].policy


def classify_response(status: int, reasons: list[str]) -> str:
    """Cause of an HTTP error, by the API's reasons or else by its status.

    A 403 without a reason counts as malformed: it may mean anything from a rate limit to a private video.
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


def classify_message(message: str) -> str | None:
    """Cause whose phrases match a message of yt-dlp; None without a match."""
    normalized = message.replace("\u2019", "'").lower()
    return next((name for name, cause in CAUSES.items() if any(word in normalized for word in cause.words)), None)
