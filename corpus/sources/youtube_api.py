"""Segments of YouTube Data API answers, as `cbc corpus crawl` puts them away: one row a page of an answer.

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
from corpus.sources.fields import LARGEST, Info, text, texts, whole
from corpus.sources.youtube_categories import CATEGORIES
from corpus.store import BROKEN_MEND

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
HASHED = "hmac-sha256:"  # begins an author that the crawler hashed before anything was written
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
    """A page of a segment. Raises BrokenTable."""
    for batch in pq.ParquetFile(raw).iter_batches(256):
        if line <= len(batch):
            row: Row = batch.slice(line - 1, 1).to_pylist()[0]
            return row
        line -= len(batch)
    raise BrokenTable(f"{raw} ends before record {line}", BROKEN_MEND)


class YoutubeApi(Source):
    """Segments in parquet."""

    name = "youtube_api"
    version = 1
    cells = CELLS
    comments = True
    paged = True

    @staticmethod
    def call(raw: Path, line: int) -> str:
        """The call that brought a page. Raises BrokenTable."""
        row = segment_row(raw, line)
        return f"{row['stage']}.list of {row['target']}" + (f", page {row['page']}" if row["page"] else "")

    @staticmethod
    def payload(raw: Path, line: int | None, row_id: str) -> str:
        """The items of a page that name an id. Raises BrokenTable."""
        if line is None:
            return ""
        items = json.loads(segment_row(raw, line)["body"]).get("items", [])
        texts = [json.dumps(item, ensure_ascii=False) for item in items]
        return f"[{', '.join(text for text in texts if json.dumps(split_id(row_id)[1], ensure_ascii=False) in text)}]"

    def files(self, paths: Sequence[Path]) -> list[Path]:
        """Segment files among the paths. Raises NoSuchPath."""
        found = sorted({file for path in paths for file in (path.rglob("*.parquet") if path.is_dir() else [path])})
        if not found or not all(path.is_file() and readable(path) for path in found):
            where = ", ".join(map(str, paths))
            raise NoSuchPath(f"no segment of API answers at {where}", "give a file of CORPUS/raw/youtube_api")
        return found

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Items of each page as records; a page that is no JSON is one reject."""
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
        """Stage the items of one page; gives their rows of the annotation."""
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
        """Stage one item's rows, with where they came from."""
        keys = [("message", row["message_id"]) for row in rows.get("message", [])]
        keys += [("communicator", row["communicator_id"]) for row in rows.get("communicator", [])]
        keys += [("message", row["message_id"]) for row in rows.get("comment", [])]
        same = {"source": self.label, "raw_sha256": file.sha256, "raw_line": line, "tool": page["tool"]}
        at = {"observed_at": page["fetched_at"], "fetched_at": page["fetched_at"]}
        rows["provenance"] = [{"table_name": table, "row_key": key, **same, **at} for table, key in keys]
        for table, some in rows.items():
            staging.add(table, some)


def annotate(staging: Staging, extras: list[Row]) -> None:
    """Move rows of the annotation into DuckDB."""
    staging.connection.register("_extras", pa.Table.from_pylist(extras, schema=EXTRAS))
    staging.connection.execute("INSERT INTO youtube_api_extra FROM _extras")
    staging.connection.unregister("_extras")


def readable(path: Path) -> bool:
    """Whether a file is a segment."""
    try:
        return bool(pq.read_schema(path).equals(SEGMENT))
    except (OSError, pa.ArrowInvalid):
        return False


def items_of(body: str) -> list[Any]:
    """The items of an answer. Raises RowError."""
    try:
        found = json.loads(body).get("items", [])
    except (ValueError, AttributeError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise RowError("no JSON object with items", body)
    return whole(found) if "\\ud" in body.lower() else found


def part(item: Any, name: str) -> Info:
    """A part of an item; empty where it is missing. Raises RowError."""
    found = item.get(name) if isinstance(item, dict) else None
    if found is not None and not isinstance(found, dict):
        raise RowError(f"{name} of unexpected type", found)
    return found or {}


def count(info: Info, name: str) -> int | None:
    """A count, which the API writes as a string; None where it is hidden. Raises RowError."""
    value = info.get(name)
    if value is None:
        return None
    if not re.fullmatch(r"\d{1,20}", str(value)) or isinstance(value, bool):
        raise RowError(f"{name} is no count", value)
    if int(value) >= LARGEST:
        raise RowError(f"{name} is impossibly large", value)
    return int(value)


def instant(info: Info, name: str) -> datetime | None:
    """An RFC 3339 time, UTC without a zone. Raises RowError."""
    value = text(info, name)
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None, microsecond=0)
    except (ValueError, OverflowError):
        raise RowError("unparsable date", f"{name}: {value}") from None


def seconds(duration: str | None) -> float | None:
    """An ISO 8601 length; None without one, and for live streams (0). Raises RowError."""
    if not duration:
        return None
    found = DURATION.fullmatch(duration)
    if not found:
        raise RowError("unparsable duration", duration)
    days, hours, minutes, rest = (int(one or 0) for one in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + rest) or None


def named(item: Any) -> str:
    """An item's id. Raises RowError."""
    found = text(item, "id") if isinstance(item, dict) else None
    if not found:
        raise RowError("no id", item)
    return found


def channel_rows(item: Any, fetched_at: datetime, key: bytes | None) -> dict[str, list[Row]]:
    """A channel as it was seen. Raises RowError."""
    channel_id, snippet, statistics = named(item), part(item, "snippet"), part(item, "statistics")
    hidden = statistics.get("hiddenSubscriberCount") is True
    row = {
        "communicator_id": global_id("youtube", channel_id),
        "channel": "youtube",
        "name": text(snippet, "title"),
        "audience": None if hidden else count(statistics, "subscriberCount"),
        "as_of": fetched_at,
    }
    return {"communicator": [row]}


def video_rows(item: Any, fetched_at: datetime, key: bytes | None) -> dict[str, list[Row]]:
    """A video and its counts as they were seen. Raises RowError."""
    message_id = global_id("youtube", named(item))
    snippet, statistics = part(item, "snippet"), part(item, "statistics")
    channel_id, category_id = text(snippet, "channelId"), text(snippet, "categoryId")
    metrics = {"views": "viewCount", "likes": "likeCount", "comments": "commentCount"}
    values = {metric: count(statistics, name) for metric, name in metrics.items()}
    message = {
        "message_id": message_id,
        "communicator_id": global_id("youtube", channel_id) if channel_id else None,
        "channel": "youtube",
        "kind": "video",
        "title": text(snippet, "title"),
        "body": text(snippet, "description"),
        "published_at": instant(snippet, "publishedAt"),
        "duration_s": seconds(text(part(item, "contentDetails"), "duration")),
        "language": text(snippet, "defaultAudioLanguage", "defaultLanguage"),
        "category": CATEGORIES.get(category_id or ""),
        "licence": LICENCES.get(text(part(item, "status"), "license") or ""),
    }
    effect = {"message_id": message_id, "observed_at": fetched_at}
    extra = {"message_id": message_id, "tags": texts(snippet, "tags"), "category_id": category_id}
    return {
        "message": [message],
        "effect": [{**effect, "metric": m, "value": float(v)} for m, v in values.items() if v is not None],
        "extra": [extra],
    }


def comment_rows(item: Any, fetched_at: datetime, key: bytes | None) -> dict[str, list[Row]]:
    """The first comment of a thread, scrubbed, its author hashed. Raises RowError."""
    thread = part(item, "snippet")
    top = part(thread, "topLevelComment")
    comment, said = part(top, "snippet"), text(part(top, "snippet"), "textDisplay")
    video_id = text(thread, "videoId")
    if not video_id:
        raise RowError("a comment on no video", item)
    row = {
        "message_id": global_id("youtube", video_id),
        "comment_id": named(top),
        "author": author_of(text(part(comment, "authorChannelId"), "value"), key),
        "text": None if said is None else scrub(said),
        "likes": count(comment, "likeCount"),
        "published_at": instant(comment, "publishedAt"),
    }
    return {"comment": [row]}


def author_of(value: str | None, key: bytes | None) -> str | None:
    """The keyed hash of an author, who may have been hashed when it was fetched."""
    return value.removeprefix(HASHED) if value and value.startswith(HASHED) else author_hash(value, key)


READERS = {"channels": channel_rows, "videos": video_rows, "commentThreads": comment_rows}
