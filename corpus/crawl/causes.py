"""Why a fetch failed, and what follows: one readable table.

policy: `never` (the thing is gone or closed: it is noted and not asked for again), `back off` (try again after a wait
that doubles, at most so many times), `quota` (nothing more today: wait until the quota is reset), `stop` (nothing of
the crawl can succeed until somebody mends it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Policy = Literal["never", "back off", "quota", "stop"]


@dataclass(frozen=True)
class Cause:
    """A named reason: what follows from it, what the API calls it, and what it means."""

    policy: Policy
    reasons: tuple[str, ...]
    doc: str


CAUSES: dict[str, Cause] = {
    "deleted": Cause(
        "never",
        ("channelNotFound", "playlistNotFound", "videoNotFound", "notFound"),
        "it is not there, or no longer",
    ),
    "private": Cause(
        "never",
        ("playlistItemsNotAccessible", "channelClosed", "channelSuspended", "forbidden"),
        "its owner does not show it",
    ),
    "comments disabled": Cause("never", ("commentsDisabled",), "nobody may comment"),
    "opted out": Cause("never", (), "it stands on the recipe's opt-out list"),
    "quota": Cause(
        "quota",
        ("quotaExceeded", "dailyLimitExceeded"),
        "the day's units are spent",
    ),
    "rate limit": Cause(
        "back off", ("rateLimitExceeded", "userRateLimitExceeded", "tooManyRequests"), "too many calls at a time"
    ),
    "server": Cause("back off", ("backendError", "internalError", "serviceUnavailable"), "the server failed"),
    "network": Cause("back off", (), "no connection, or one that broke off"),
    "malformed": Cause("back off", (), "the answer is no JSON of the expected shape"),
    "key": Cause(
        "stop", ("keyInvalid", "API_KEY_INVALID", "accessNotConfigured"), "the key is wrong or may not do this"
    ),
    "request": Cause("never", (), "the API refuses the request as it is"),
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
