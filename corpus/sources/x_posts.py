"""Convert a post of the X API (v2), of `twarc2 flatten`, or of API 1.1 (twarc 1) to a flat row; RowError if it is none.

Only requested posts are read. An answer also includes posts that were quoted, replied to or retweeted: others wrote
them, perhaps private persons, so they are left out. So are retweets, whose likes belong to somebody else's post.
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
from corpus.sources.fields import LARGEST, Info, read_list, read_object, read_text, replace_lone_surrogates

ID = re.compile(r"[0-9]{1,20}")
NO_LANGUAGE = re.compile(r"und|zxx|art|q[a-t]\w")  # codes for posts without words, such as links or tags alone
MONTHS = {name: n for n, name in enumerate(calendar.month_abbr)}
# Errors about requested posts name these parameters; other errors are about posts that a post refers to.
ASKED = (None, "id", "ids", "username", "usernames")
ANSWER = ("data", "includes", "errors", "meta", "title")
Entities = Mapping[str, Info]
Count = int | None


class Post(NamedTuple):
    """A post with its account and its counts when observed; missing values are None."""

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
    """Yield each post of a JSON value (an answer of the API, a post, or a list of either), or why it is none."""
    for value in payload if isinstance(payload, list) else [payload]:
        if not isinstance(value, dict):
            yield RowError("no post", value)
        elif "text" not in value and "full_text" not in value and any(key in value for key in ANSWER):
            yield from _posts_of_answer(value, modified_at)
        else:
            yield _try_post(value, {}, {}, modified_at)


def _try_post(tweet: Any, users: Entities, media: Entities, observed_at: datetime) -> Post | RowError:
    """Convert a post, or return why it is none."""
    try:
        return _read_post(tweet, users, media, observed_at)
    except RowError as error:
        return error


def _posts_of_answer(answer: Info, modified_at: datetime) -> Iterator[Post | RowError]:
    """Yield the posts of an answer of API 2, then its errors."""
    try:
        observed_at, included = read_retrieved_at(answer) or modified_at, read_object(answer, "includes")
        users, media = _by_id(included, "users", "id"), _by_id(included, "media", "media_key")
        single = answer["data"] if isinstance(answer.get("data"), dict) else None
        tweets = [single] if single else read_list(answer, "data")
        errors = [
            error
            for error in read_list(answer, "errors")
            if isinstance(error, dict) and error.get("parameter") in ASKED
        ]
    except RowError as error:
        yield error
        return
    for tweet in tweets:
        yield _try_post(tweet, users, media, observed_at)
    for fault in errors:
        yield RowError(reject_reason(fault), fault.get("resource_id") or fault.get("value") or fault.get("message"))
    if not tweets and not errors and "meta" not in answer and "errors" not in answer:
        yield RowError("an error instead of posts" if "title" in answer else "no post", answer.get("title"))


def _by_id(included: Info, name: str, key: str) -> Entities:
    """Map what an answer includes under a name by its id."""
    entities = (entity for entity in read_list(included, name) if isinstance(entity, dict))
    return {entity[key]: entity for entity in entities if isinstance(entity.get(key), str)}


def reject_reason(error: Info) -> str:
    """Reason for a reject, from an error of the API."""
    message = f"{error.get('title')} {error.get('detail')} {error.get('message')}".lower()
    causes = {"suspended": "suspended", "not found": "not found", "could not find": "not found"}
    causes |= {"deactivated": "deactivated", "authorized": "not authorized", "authorization": "not authorized"}
    return next((why for word, why in causes.items() if word in message), "an error of the API")


def read_retrieved_at(payload: Info) -> datetime | None:
    """Read when twarc fetched a payload, UTC. Raises RowError."""
    return read_instant(read_object(payload, "__twarc"), "retrieved_at")


def read_instant(info: Info, key: str) -> datetime | None:
    """Read a time, ISO 8601 or of API 1.1 ("Wed Oct 10 20:19:24 +0000 2018"), UTC without a zone. Raises RowError."""
    value = read_text(info, key)
    if value is None:
        return None
    try:
        parts = value.split()
        if len(parts) == 6:
            value = f"{parts[5]}-{MONTHS.get(parts[1], 0):02}-{parts[2]}T{parts[3]}{parts[4]}"
        at = datetime.fromisoformat(value)
        return (at.astimezone(UTC) if at.tzinfo else at).replace(tzinfo=None, microsecond=0)
    except (ValueError, OverflowError):
        raise RowError("unparsable date", f"{key}: {value}") from None


def _read_post(tweet: Any, users: Entities, media: Entities, observed_at: datetime) -> Post:
    """Convert a post. Raises RowError."""
    if not isinstance(tweet, dict):
        raise RowError("no post", tweet)
    old = "id_str" in tweet
    message_id = read_text(tweet, "id_str" if old else "id") or ""
    if not ID.fullmatch(message_id):
        raise RowError("no id", tweet.get("id"))
    long_text = read_text(read_object(tweet, "extended_tweet"), "full_text")
    long_text = long_text or read_text(read_object(tweet, "note_tweet"), "text")
    body = without_surrogates(long_text or read_text(tweet, "full_text", "text"))
    if body is None:
        raise RowError("no text", message_id)
    links = {link.get("type") for link in read_list(tweet, "referenced_tweets") if isinstance(link, dict)}
    if "retweeted" in links or tweet.get("retweeted_status") or body.startswith("RT @"):
        raise RowError("retweet", message_id)
    language = read_text(tweet, "lang")
    account = _read_account(tweet, users, old)
    pictures = read_list(read_object(tweet, "extended_entities"), "media") if old else _list_pictures(tweet, media)
    replied_to = tweet.get("in_reply_to_status_id_str" if old else "in_reply_to_user_id")
    return Post(
        global_id("twitter", message_id),
        body,
        read_instant(tweet, "created_at"),
        None if language is None or NO_LANGUAGE.fullmatch(language) else without_surrogates(language),
        *account,
        *_read_counts(tweet if old else read_object(tweet, "public_metrics"), old),
        is_reply="replied_to" in links or bool(replied_to),
        media_types=_picture_texts(pictures, "type"),
        alt_texts=_picture_texts(pictures, "ext_alt_text" if old else "alt_text"),
        observed_at=read_retrieved_at(tweet) or observed_at,
    )


def _read_account(tweet: Info, users: Entities, old: bool) -> tuple[str | None, str | None, int | None]:
    """Read the author: id, name, followers. An account known by number alone gets it as its id. Raises RowError."""
    number = None if old else read_text(tweet, "author_id")
    user = read_object(tweet, "user") if old else read_object(tweet, "author") or users.get(number or "", {})
    handle = without_surrogates(read_text(user, "screen_name" if old else "username"))
    name = without_surrogates(read_text(user, "name"))
    followers = read_count(user if old else read_object(user, "public_metrics"), "followers_count")
    native = handle or (f"id:{without_surrogates(number)}" if number else None)
    return global_id("twitter", native) if native else None, name or handle, followers


def _read_counts(counts: Info, old: bool) -> tuple[Count, Count, Count, Count, Count]:
    """Read likes, shares, replies, impressions, quotes. Raises RowError."""
    likes = read_count(counts, "favorite_count" if old else "like_count")
    shares, replies, quotes = (read_count(counts, name) for name in ("retweet_count", "reply_count", "quote_count"))
    impressions = read_count(counts, "impression_count") or None  # 0 in posts older than this counter
    return likes, shares, replies, impressions, quotes


def read_count(counts: Info, key: str) -> int | None:
    """Read a count; None if it is missing. Raises RowError."""
    value = counts.get(key)
    if value is None or (type(value) is int and 0 <= value < LARGEST):
        return value
    raise RowError(f"{key} is no count", value)


def _list_pictures(tweet: Info, media: Entities) -> list[Any]:
    """List the media of a post: attached to a flattened post, else looked up by their keys. Raises RowError."""
    attached = read_object(tweet, "attachments")
    keys = (key for key in read_list(attached, "media_keys") if isinstance(key, str))
    return read_list(attached, "media") or [media[key] for key in keys if key in media]


def _picture_texts(pictures: list[Any], key: str) -> list[str] | None:
    """List the texts of pictures under a key; None if none has it."""
    values = [picture.get(key) for picture in pictures if isinstance(picture, dict)]
    return [without_surrogates(value) or "" for value in values if value and isinstance(value, str)] or None


def without_surrogates(value: str | None) -> str | None:
    """Replace lone surrogates in a text."""
    return value if value is None or decodes(value) else str(replace_lone_surrogates(value))
