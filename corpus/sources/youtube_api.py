"""Read segments of YouTube Data API answers, as `cbc corpus crawl` stores them: one row per page of an answer.

Each item of a channels, videos or commentThreads answer is a record; pages of upload lists only lead to videos. Counts
are strings in the API; a hidden count is missing there, and null here. Comments are scrubbed of personal data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import BrokenTable, NoSuchPath
from corpus.ids import global_id, split_id
from corpus.privacy.scrub import author_hash, hash_key, scrub
from corpus.sources.base import Received, RowError, Source, Staging
from corpus.sources.fields import LARGEST, Info, read_object, read_text, read_texts, replace_lone_surrogates
from corpus.sources.youtube_categories import CATEGORIES
from corpus.store import broken_mend

SEGMENT = pa.schema(
    {
        "task": pa.int64(),
        "stage": pa.string(),
        "target": pa.string(),
        "page": pa.string(),
        "fetched_at": pa.timestamp("ms"),
        "tool": pa.string(),
        "body": pa.string(),
    }
)
EXTRAS = pa.schema(
    {
        "message_id": pa.string(),
        "tags": pa.list_(pa.string()),
        "category_id": pa.string(),
        "_record": pa.int64(),
    }
)
HASHED = "hmac-sha256:"  # prefix of an author that the crawler hashed before writing the answer
DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
LICENCES = {"creativeCommon": "CC-BY", "youtube": "YouTube standard"}
CELLS = {
    "message.message_id": "id",
    "message.communicator_id": "snippet.channelId",
    "message.title": "snippet.title",
    "message.body": "snippet.description",
    "message.published_at": "snippet.publishedAt",
    "message.duration_s": "contentDetails.duration",
    "message.language": "snippet.defaultAudioLanguage|snippet.defaultLanguage",
    "message.category": "snippet.categoryId, by its name",
    "message.licence": "status.license",
    "effect.views": "statistics.viewCount",
    "effect.likes": "statistics.likeCount",
    "effect.comments": "statistics.commentCount",
    "communicator.communicator_id": "id",
    "communicator.name": "snippet.title",
    "communicator.audience": "statistics.subscriberCount",
    "comment.message_id": "snippet.videoId",
    "comment.comment_id": "snippet.topLevelComment.id",
    "comment.author": "snippet.topLevelComment.snippet.authorChannelId.value",
    "comment.text": "snippet.topLevelComment.snippet.textDisplay",
    "comment.likes": "snippet.topLevelComment.snippet.likeCount",
    "comment.published_at": "snippet.topLevelComment.snippet.publishedAt",
}
Row = dict[str, Any]


def segment_row(raw: Path, line: int) -> Row:
    """Read page number `line` (from 1) of a segment. Raises BrokenTable."""
    for batch in pq.ParquetFile(raw).iter_batches(256):
        if line <= len(batch):
            row: Row = batch.slice(line - 1, 1).to_pylist()[0]
            return row
        line -= len(batch)
    raise BrokenTable(f"{raw} ends before record {line}", broken_mend(raw.parents[2]))


class YoutubeApi(Source):
    """Segments: parquet files with a row per page."""

    name = "youtube_api"
    version = 1
    cells = CELLS
    comments = True
    paged = True

    @staticmethod
    def call(raw: Path, line: int) -> str:
        """Describe the call that fetched a page. Raises BrokenTable."""
        row = segment_row(raw, line)
        return f"{row['stage']}.list of {row['target']}" + (f", page {row['page']}" if row["page"] else "")

    @staticmethod
    def payload(raw: Path, line: int | None, row_id: str) -> str:
        """JSON list of the items of a page that hold an id. Raises BrokenTable."""
        if line is None:
            return ""
        items = json.loads(segment_row(raw, line)["body"]).get("items", [])
        item_texts = [json.dumps(item, ensure_ascii=False) for item in items]
        native_id = json.dumps(split_id(row_id)[1], ensure_ascii=False)
        return f"[{', '.join(item_text for item_text in item_texts if native_id in item_text)}]"

    def files(self, paths: Sequence[Path]) -> list[Path]:
        """List the segment files below the paths. Raises NoSuchPath."""
        segments = sorted({file for path in paths for file in (path.rglob("*.parquet") if path.is_dir() else [path])})
        if not segments or not all(path.is_file() and is_segment(path) for path in segments):
            where = ", ".join(map(str, paths))
            raise NoSuchPath(f"no segment of API answers at {where}", "give a file of CORPUS/raw/youtube_api")
        return segments

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Stage each item of a page as a record; a page that is not JSON is one reject."""
        staging.connection.register("_extras", EXTRAS.empty_table())
        staging.connection.execute("CREATE TABLE youtube_api_extra AS FROM _extras")
        staging.annotate("youtube_api@1", "youtube_api_extra")
        key = hash_key()
        for file in files:
            staging.begin(file)
            line = 0
            for batch in pq.ParquetFile(file.raw).iter_batches(256):
                extras: list[Row] = []
                for page in batch.to_pylist():
                    line += 1
                    if page["stage"] in READERS:
                        extras += self.read(page, file, line, staging, key)
                annotate(staging, extras)

    def read(self, page: Row, file: Received, line: int, staging: Staging, key: bytes | None) -> list[Row]:
        """Stage the items of a page; returns their rows of the annotation."""
        try:
            items = items_of(page["body"])
        except RowError as error:
            staging.rows_read += 1
            staging.reject(file.name, line, error)
            return []
        extras: list[Row] = []
        for item in items:
            staging.rows_read += 1
            try:
                rows = READERS[page["stage"]](item, page["fetched_at"], key)
            except RowError as error:
                staging.reject(file.name, line, error)
                continue
            extras += [{**extra, "_record": staging.rows_read} for extra in rows.pop("extra", [])]
            self.add(rows, page, file, line, staging)
        return extras

    def add(self, rows: dict[str, list[Row]], page: Row, file: Received, line: int, staging: Staging) -> None:
        """Stage the rows of an item with their provenance."""
        keys = [("message", row["message_id"]) for row in rows.get("message", [])]
        keys += [("communicator", row["communicator_id"]) for row in rows.get("communicator", [])]
        keys += [("message", row["message_id"]) for row in rows.get("comment", [])]
        origin = {"source": self.label, "raw_sha256": file.sha256, "raw_line": line, "tool": page["tool"]}
        at = {"observed_at": page["fetched_at"], "fetched_at": page["fetched_at"]}
        rows["provenance"] = [{"table_name": table, "row_key": key, **origin, **at} for table, key in keys]
        for table, table_rows in rows.items():
            staging.add(table, table_rows)


def annotate(staging: Staging, extras: list[Row]) -> None:
    """Move rows of the annotation into DuckDB."""
    staging.connection.register("_extras", pa.Table.from_pylist(extras, schema=EXTRAS))
    staging.connection.execute("INSERT INTO youtube_api_extra FROM _extras")
    staging.connection.unregister("_extras")


def is_segment(path: Path) -> bool:
    """Whether a file has the schema of a segment."""
    try:
        return bool(pq.read_schema(path).equals(SEGMENT))
    except (OSError, pa.ArrowInvalid):
        return False


def items_of(body: str) -> list[Any]:
    """Parse the items of an answer. Raises RowError."""
    try:
        items = json.loads(body).get("items", [])
    except (ValueError, AttributeError, RecursionError):
        items = None
    if not isinstance(items, list):
        raise RowError("no JSON object with items", body)
    return replace_lone_surrogates(items) if "\\ud" in body.lower() else items


def read_count(info: Info, name: str) -> int | None:
    """Read a count, which the API writes as a string; None if it is hidden. Raises RowError."""
    value = info.get(name)
    if value is None:
        return None
    if not re.fullmatch(r"\d{1,20}", str(value)) or isinstance(value, bool):
        raise RowError(f"{name} is no count", value)
    if int(value) >= LARGEST:
        raise RowError(f"{name} is impossibly large", value)
    return int(value)


def read_instant(info: Info, name: str) -> datetime | None:
    """Read an RFC 3339 time, UTC without a zone; None if it is missing. Raises RowError."""
    value = read_text(info, name)
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None, microsecond=0)
    except (ValueError, OverflowError):
        raise RowError("unparsable date", f"{name}: {value}") from None


def parse_duration(duration: str | None) -> float | None:
    """Parse an ISO 8601 duration to seconds; None without one, and for live streams (0). Raises RowError."""
    if not duration:
        return None
    match = DURATION.fullmatch(duration)
    if not match:
        raise RowError("unparsable duration", duration)
    days, hours, minutes, seconds = (int(value or 0) for value in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds) or None


def read_id(item: Any) -> str:
    """Read the id of an item. Raises RowError."""
    item_id = read_text(item, "id") if isinstance(item, dict) else None
    if not item_id:
        raise RowError("no id", item)
    return item_id


def channel_rows(item: Any, fetched_at: datetime, key: bytes | None) -> dict[str, list[Row]]:
    """Convert a channel to rows. Raises RowError."""
    channel_id, snippet, statistics = read_id(item), read_object(item, "snippet"), read_object(item, "statistics")
    hidden = statistics.get("hiddenSubscriberCount") is True
    row = {
        "communicator_id": global_id("youtube", channel_id),
        "channel": "youtube",
        "name": read_text(snippet, "title"),
        "audience": None if hidden else read_count(statistics, "subscriberCount"),
        "as_of": fetched_at,
    }
    return {"communicator": [row]}


def video_rows(item: Any, fetched_at: datetime, key: bytes | None) -> dict[str, list[Row]]:
    """Convert a video and its counts to rows. Raises RowError."""
    message_id = global_id("youtube", read_id(item))
    snippet, statistics = read_object(item, "snippet"), read_object(item, "statistics")
    channel_id, category_id = read_text(snippet, "channelId"), read_text(snippet, "categoryId")
    metrics = {"views": "viewCount", "likes": "likeCount", "comments": "commentCount"}
    values = {metric: read_count(statistics, name) for metric, name in metrics.items()}
    message = {
        "message_id": message_id,
        "communicator_id": global_id("youtube", channel_id) if channel_id else None,
        "channel": "youtube",
        "kind": "video",
        "title": read_text(snippet, "title"),
        "body": read_text(snippet, "description"),
        "published_at": read_instant(snippet, "publishedAt"),
        "duration_s": parse_duration(read_text(read_object(item, "contentDetails"), "duration")),
        "language": read_text(snippet, "defaultAudioLanguage", "defaultLanguage"),
        "category": CATEGORIES.get(category_id or ""),
        "licence": LICENCES.get(read_text(read_object(item, "status"), "license") or ""),
    }
    effect = {"message_id": message_id, "observed_at": fetched_at}
    extra = {"message_id": message_id, "tags": read_texts(snippet, "tags"), "category_id": category_id}
    return {
        "message": [message],
        "effect": [{**effect, "metric": m, "value": float(v)} for m, v in values.items() if v is not None],
        "extra": [extra],
    }


def comment_rows(item: Any, fetched_at: datetime, key: bytes | None) -> dict[str, list[Row]]:
    """Convert the first comment of a thread to a row, its text scrubbed and its author hashed. Raises RowError."""
    thread = read_object(item, "snippet")
    top = read_object(thread, "topLevelComment")
    comment = read_object(top, "snippet")
    words, video_id = read_text(comment, "textDisplay"), read_text(thread, "videoId")
    if not video_id:
        raise RowError("a comment on no video", item)
    row = {
        "message_id": global_id("youtube", video_id),
        "comment_id": read_id(top),
        "author": author_of(read_text(read_object(comment, "authorChannelId"), "value"), key),
        "text": None if words is None else scrub(words),
        "likes": read_count(comment, "likeCount"),
        "published_at": read_instant(comment, "publishedAt"),
    }
    return {"comment": [row]}


def author_of(value: str | None, key: bytes | None) -> str | None:
    """Keyed hash of an author; the crawler may have hashed it already."""
    return value.removeprefix(HASHED) if value and value.startswith(HASHED) else author_hash(value, key)


READERS = {"channels": channel_rows, "videos": video_rows, "commentThreads": comment_rows}
