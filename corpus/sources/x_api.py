"""Read posts from files: answers of the X API v2, and files of twarc (twarc2, flattened or not, and twarc 1).

twarc2 timeline HANDLE posts.jsonl
cbc corpus ingest x_api posts.jsonl --corpus CORPUS

A file holds one JSON value per line, or a single one; .gz too. Ids and accounts have the same form as in the mapping
`tweets`; shares are retweets. Each post is a record, and so is each error of an answer: retweets, deleted posts and
suspended accounts are rejects. Descriptions of pictures, quotes and replies become the annotation x_api@1.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus.files.archives import BROKEN_FILE, Part, Record, Unread, kind_of, read_parts, read_text_records
from corpus.files.sql import quote
from corpus.sources.base import BATCH_ROWS, Received, RowError, Source, Staging, list_files
from corpus.sources.x_posts import Post, posts_of, without_surrogates

BATCH_CHARACTERS = 16 << 20
LARGEST_DOCUMENT = 256 << 20  # bytes of a file that is a single JSON value over many lines, read at once
COUNTS = ("audience", "likes", "shares", "replies", "impressions", "quotes")
TIMES, LISTS = ("published_at", "observed_at"), ("media_types", "alt_texts")
KINDS = {
    **dict.fromkeys(Post._fields, pa.string()),
    **dict.fromkeys(COUNTS, pa.int64()),
    **dict.fromkeys(TIMES, pa.timestamp("us")),
    **dict.fromkeys(LISTS, pa.list_(pa.string())),
    "is_reply": pa.bool_(),
}
POSTS = pa.schema({**KINDS, "sha256": pa.string(), "raw_line": pa.int64(), "_record": pa.int64()})
EXTRA = "SELECT message_id, media_types, alt_texts, quotes, is_reply, _record FROM _posts"
FETCHED = "observed_at, observed_at AS fetched_at, sha256 AS raw_sha256, raw_line, _record"
STATEMENTS = (
    """INSERT INTO message BY NAME SELECT message_id, communicator_id, 'twitter' AS channel, 'post' AS kind, body,
    published_at, language, _record FROM _posts""",
    """INSERT INTO communicator BY NAME SELECT communicator_id, 'twitter' AS channel, arg_min(name, _record) AS name,
    arg_min(audience, _record) AS audience, observed_at AS as_of, min(_record) AS _record
    FROM _posts WHERE communicator_id IS NOT NULL GROUP BY communicator_id, observed_at ORDER BY min(_record)""",
    """INSERT INTO effect BY NAME SELECT message_id, e.metric, e.value, observed_at, _record,
    CASE WHEN e.metric <> 'impressions' THEN impressions END AS exposure FROM (SELECT *, unnest([
    {'metric': 'likes', 'value': likes}, {'metric': 'shares', 'value': shares},
    {'metric': 'replies', 'value': replies}, {'metric': 'impressions', 'value': impressions}]) AS e FROM _posts)
    WHERE e.value IS NOT NULL""",
    f"INSERT INTO x_api_extra {EXTRA}",
)


CELLS = {
    "message.message_id": "id (1.1: id_str)",
    "message.communicator_id": "the account's username (1.1: user.screen_name), else its id",
    "message.body": "note_tweet.text|text (1.1: extended_tweet.full_text|full_text|text)",
    "message.published_at": "created_at",
    "message.language": "lang",
    "effect.likes": "public_metrics.like_count (1.1: favorite_count)",
    "effect.shares": "public_metrics.retweet_count (1.1: retweet_count)",
    "effect.replies": "public_metrics.reply_count (1.1: reply_count)",
    "effect.impressions": "public_metrics.impression_count, 0 being none",
    "communicator.communicator_id": "includes.users[].username (flattened: author.username; 1.1: user.screen_name)",
    "communicator.name": "name of the same account",
    "communicator.audience": "its public_metrics.followers_count (1.1: followers_count)",
}
"""Where each cell comes from (corpus/sources/base.py)."""


class XApi(Source):
    """JSON files of answers or posts."""

    name = "x_api"
    version = 1
    cells = CELLS
    paged = True
    raw_kind = "json"

    def files(self, paths: Sequence[Path]) -> list[Path]:
        """List the files, and the JSON files in the folders. Raises NoSuchPath."""
        return list_files(
            paths, _find_json, "posts", "give .json or .jsonl files, zipped or not, or a folder with some"
        )

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Read value by value, with one batch of posts in memory."""
        reader = _Reader(staging)
        with _pause_cycle_collection():
            for file in files:
                staging.begin(file)
                for part in read_parts(file.name, file.raw, staging.folder):
                    reader.read(file, part)
        reader.finish()


def _find_json(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if kind_of(file.name) == "jsonl" and not file.name.startswith(".")]


@contextmanager
def _pause_cycle_collection() -> Iterator[None]:
    """Pause the collector of reference cycles: JSON has none, and the search for them takes a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class _Reader:
    """Collects posts in a batch, and moves it into DuckDB when it is full."""

    def __init__(self, staging: Staging) -> None:
        self.staging = staging
        self.batch: list[tuple[Any, ...]] = []
        self.characters = 0
        staging.connection.register("_posts", POSTS.empty_table())
        staging.connection.execute(f"CREATE TABLE x_api_extra AS {EXTRA}")
        staging.annotate("x_api@1", "x_api_extra")

    def read(self, file: Received, part: Part | Unread) -> None:
        """Add the posts of every JSON value of a file to the batch."""
        for record in [part] if isinstance(part, Unread) else read_values(part):
            if isinstance(record, Unread):
                self._reject(file, record.line, RowError(record.reason, record.value))
            else:
                self._add_posts(file, record)

    def _add_posts(self, file: Received, record: Record) -> None:
        """Add the posts of a JSON value to the batch."""
        try:
            payload = json.loads(record.fields[0])
        except (ValueError, RecursionError) as error:
            self._reject(file, record.line, RowError("cut or invalid JSON", error))
            return
        for post in posts_of(payload, file.modified_at):
            if isinstance(post, RowError):
                self._reject(file, record.line, post)
                continue
            self.staging.rows_read += 1
            self.batch.append((*post, file.sha256, record.number, self.staging.rows_read))
        self.characters += len(record.fields[0])
        if len(self.batch) >= BATCH_ROWS or self.characters >= BATCH_CHARACTERS:
            self.finish()

    def _reject(self, file: Received, line: int | None, error: RowError) -> None:
        self.staging.rows_read += 1
        self.staging.reject(file.name, line, RowError(error.reason, without_surrogates(error.value)))

    def finish(self) -> None:
        """Move the batch into DuckDB."""
        connection = self.staging.connection
        columns = zip(*self.batch, strict=True) if self.batch else [()] * len(POSTS)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, POSTS.types, strict=True)]
        connection.register("_posts", pa.Table.from_arrays(arrays, schema=POSTS))
        for statement in chain(STATEMENTS, _provenance_sql(self.staging.source)):
            connection.execute(statement)
        connection.unregister("_posts")
        self.batch, self.characters = [], 0


def _provenance_sql(source: str) -> Iterator[str]:
    for table, key in (("message", "message_id"), ("communicator", "communicator_id")):
        columns = f"{quote(table)} AS table_name, {key} AS row_key, {quote(source)} AS source"
        yield f"INSERT INTO provenance BY NAME SELECT {columns}, {FETCHED} FROM _posts WHERE {key} IS NOT NULL"


def read_values(part: Part) -> Iterator[Record | Unread]:
    """Yield the JSON values of a file as texts: one per line, or the whole file if its first line only begins one."""
    records = read_text_records(part, "utf-8")
    first = next(records, None)
    if isinstance(first, Record) and first.fields[0].strip() in ("{", "["):
        yield _read_document(part)
    elif first is not None:
        yield from chain([first], records)


def _read_document(part: Part) -> Record | Unread:
    """Read a file that is a single JSON value."""
    try:
        with part.open() as raw:
            content = raw.read(LARGEST_DOCUMENT + 1)
        if len(content) > LARGEST_DOCUMENT:
            return Unread(None, 1, "too large for one JSON value", f"over {LARGEST_DOCUMENT} bytes")
        return Record(1, 1, [content.decode("utf-8-sig")])
    except (*BROKEN_FILE, UnicodeDecodeError) as error:
        return Unread(None, 1, "broken file", str(error))
