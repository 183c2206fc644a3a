"""A post of the X API (v2), of `twarc2 flatten`, or of API 1.1 (twarc 1) as one flat row; RowError where it is none.

Only posts that were asked for are read: what an answer includes besides (the posts that were quoted, answered or
repeated) was written by others, maybe by private persons, and stays out. So do retweets: their likes are another's.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from corpus.files.archives import decodes
from corpus.ids import global_id
from corpus.sources.base import RowError
from corpus.sources.fields import LARGEST, Info, items, text, whole
from corpus.sources.youtube_api import part

ID = re.compile(r"[0-9]{1,20}")
NO_LANGUAGE = re.compile(r"und|zxx|art|q[a-t]\w")  # codes for a post without words, with links or tags alone
MONTHS = {name: n for n, name in enumerate(calendar.month_abbr)}
# Errors about what was asked for name these parameters; the others are about what a post refers to.
ASKED = (None, "id", "ids", "username", "usernames")
ANSWER = ("data", "includes", "errors", "meta", "title")
Entities = Mapping[str, Info]
Count = int | None


class Post(NamedTuple):
    """A post with its account and its counts as they were observed; what is missing is None."""

    message_id: str
    body: str | None
    published_at: datetime | None
    language: str | None
    communicator_id: str | None
    name: str | None
    audience: int | None
    likes: int | None
    shares: int | None
    replies: int | None
    impressions: int | None
    quotes: int | None
    is_reply: bool
    media_types: list[str] | None
    alt_texts: list[str] | None
    observed_at: datetime


def posts_of(payload: Any, modified_at: datetime) -> Iterator[Post | RowError]:
    """Each post of one JSON value, or why it is none: an answer of the API, a single post, or a list of either."""
    for one in payload if isinstance(payload, list) else [payload]:
        if not isinstance(one, dict):
            yield RowError("no post", one)
        elif "text" not in one and "full_text" not in one and any(key in one for key in ANSWER):
            yield from _answered(one, modified_at)
        else:
            yield _attempted(one, {}, {}, modified_at)


def _attempted(tweet: Any, users: Entities, media: Entities, observed_at: datetime) -> Post | RowError:
    """One post, or why it is none."""
    try:
        return _read(tweet, users, media, observed_at)
    except RowError as error:
        return error


def _answered(answer: Info, modified_at: datetime) -> Iterator[Post | RowError]:
    """The posts of an answer of API 2, then what it says could not be given."""
    try:
        observed_at, included = retrieved(answer) or modified_at, part(answer, "includes")
        users, media = _by(included, "users", "id"), _by(included, "media", "media_key")
        asked = answer["data"] if isinstance(answer.get("data"), dict) else None
        found = [asked] if asked else items(answer, "data")
        errors = [one for one in items(answer, "errors") if isinstance(one, dict) and one.get("parameter") in ASKED]
    except RowError as error:
        yield error
        return
    for tweet in found:
        yield _attempted(tweet, users, media, observed_at)
    for told in errors:
        yield RowError(cause(told), told.get("resource_id") or told.get("value") or told.get("message"))
    if not found and not errors and "meta" not in answer and "errors" not in answer:
        yield RowError("an error instead of posts" if "title" in answer else "no post", answer.get("title"))


def _by(included: Info, name: str, key: str) -> Entities:
    """What an answer includes, by id."""
    found = (one for one in items(included, name) if isinstance(one, dict))
    return {one[key]: one for one in found if isinstance(one.get(key), str)}


def cause(error: Info) -> str:
    """Why the API did not give something, in a word of ours."""
    told = f"{error.get('title')} {error.get('detail')} {error.get('message')}".lower()
    causes = {"suspended": "suspended", "not found": "not found", "could not find": "not found"}
    causes |= {"deactivated": "deactivated", "authorized": "not authorized", "authorization": "not authorized"}
    return next((why for word, why in causes.items() if word in told), "an error of the API")


def retrieved(payload: Info) -> datetime | None:
    """When twarc fetched it, UTC. Raises RowError."""
    return instant(part(payload, "__twarc"), "retrieved_at")


def instant(info: Info, key: str) -> datetime | None:
    """An ISO 8601 time, or API 1.1's ("Wed Oct 10 20:19:24 +0000 2018"), UTC without a zone. Raises RowError."""
    value = text(info, key)
    if value is None:
        return None
    try:
        told = value.split()
        if len(told) == 6:
            value = f"{told[5]}-{MONTHS.get(told[1], 0):02}-{told[2]}T{told[3]}{told[4]}"
        at = datetime.fromisoformat(value)
        return (at.astimezone(UTC) if at.tzinfo else at).replace(tzinfo=None, microsecond=0)
    except (ValueError, OverflowError):
        raise RowError("unparsable date", f"{key}: {value}") from None


def _read(tweet: Any, users: Entities, media: Entities, observed_at: datetime) -> Post:
    """One post. Raises RowError."""
    if not isinstance(tweet, dict):
        raise RowError("no post", tweet)
    old = "id_str" in tweet
    message_id = text(tweet, "id_str" if old else "id") or ""
    if not ID.fullmatch(message_id):
        raise RowError("no id", tweet.get("id"))
    long = text(part(tweet, "extended_tweet"), "full_text") or text(part(tweet, "note_tweet"), "text")
    body = tidy(long or text(tweet, "full_text", "text"))
    if body is None:
        raise RowError("no text", message_id)
    links = {one.get("type") for one in items(tweet, "referenced_tweets") if isinstance(one, dict)}
    if "retweeted" in links or tweet.get("retweeted_status") or body.startswith("RT @"):
        raise RowError("retweet", message_id)
    language = text(tweet, "lang")
    account = _account(tweet, users, old)
    pictures = items(part(tweet, "extended_entities"), "media") if old else _pictures(tweet, media)
    answered = tweet.get("in_reply_to_status_id_str" if old else "in_reply_to_user_id")
    return Post(
        global_id("twitter", message_id),
        body,
        instant(tweet, "created_at"),
        None if language is None or NO_LANGUAGE.fullmatch(language) else tidy(language),
        *account,
        *_counts(tweet if old else part(tweet, "public_metrics"), old),
        is_reply="replied_to" in links or bool(answered),
        media_types=_texts(pictures, "type"),
        alt_texts=_texts(pictures, "ext_alt_text" if old else "alt_text"),
        observed_at=retrieved(tweet) or observed_at,
    )


def _account(tweet: Info, users: Entities, old: bool) -> tuple[str | None, str | None, int | None]:
    """Who wrote it: id, name, followers. An account that is known by number alone is named by it. Raises RowError."""
    number = None if old else text(tweet, "author_id")
    user = part(tweet, "user") if old else part(tweet, "author") or users.get(number or "", {})
    handle, name = tidy(text(user, "screen_name" if old else "username")), tidy(text(user, "name"))
    followers = count(user if old else part(user, "public_metrics"), "followers_count")
    native = handle or (f"id:{tidy(number)}" if number else None)
    return global_id("twitter", native) if native else None, name or handle, followers


def _counts(counts: Info, old: bool) -> tuple[Count, Count, Count, Count, Count]:
    """Likes, shares, replies, impressions, quotes. Raises RowError."""
    likes = count(counts, "favorite_count" if old else "like_count")
    shares, replies, quotes = (count(counts, name) for name in ("retweet_count", "reply_count", "quote_count"))
    impressions = count(counts, "impression_count") or None  # posts older than this counter have 0 there
    return likes, shares, replies, impressions, quotes


def count(counts: Info, key: str) -> int | None:
    """A count; None where it is missing. Raises RowError."""
    value = counts.get(key)
    if value is None or (type(value) is int and 0 <= value < LARGEST):
        return value
    raise RowError(f"{key} is no count", value)


def _pictures(tweet: Info, media: Entities) -> list[Any]:
    """Media of a post: whole where it was flattened, else by their keys. Raises RowError."""
    attached = part(tweet, "attachments")
    keys = (key for key in items(attached, "media_keys") if isinstance(key, str))
    return items(attached, "media") or [media[key] for key in keys if key in media]


def _texts(pictures: list[Any], key: str) -> list[str] | None:
    """What pictures have under a key; None where none has it."""
    found = [one.get(key) for one in pictures if isinstance(one, dict)]
    return [tidy(one) or "" for one in found if one and isinstance(one, str)] or None


def tidy(value: str | None) -> str | None:
    """A text without half characters (lone surrogates)."""
    return value if value is None or decodes(value) else str(whole(value))
