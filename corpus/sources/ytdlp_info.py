"""Convert a yt-dlp info dict to rows, by pure functions; RowError if it is invalid."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from corpus.ids import global_id
from corpus.privacy.scrub import author_hash, scrub
from corpus.replay_curve import multiplier
from corpus.sources.base import Received, RowError
from corpus.sources.captions import Utterance
from corpus.sources.fields import (
    Info,
    read_list,
    read_number,
    read_text,
    read_texts,
    read_time,
    replace_lone_surrogates,
)
from corpus.sources.ytdlp_media import medium_of, native_id

METRICS = {
    "views": "view_count",
    "likes": "like_count",
    "dislikes": "dislike_count",
    "comments": "comment_count",
    "shares": "repost_count",
    "audience": "channel_follower_count",
}
CELLS = {
    "message.message_id": "id",
    "message.communicator_id": "channel_id|uploader_id",
    "message.title": "title|fulltitle",
    "message.body": "description",
    "message.published_at": "timestamp|release_timestamp|upload_date",
    "message.duration_s": "duration",
    "message.language": "language",
    "message.category": "categories[], the first",
    "message.licence": "license",
    "scene": "bounds: heatmap merged as the paper does, else chapters, else the whole; speech: the captions beside it",
    "effect.replay": "heatmap[].value, the highest of the markers merged into the scene",
    **{f"effect.{metric}": key for metric, key in METRICS.items()},
    "communicator.communicator_id": "channel_id|uploader_id",
    "communicator.name": "channel|uploader",
    "communicator.audience": "channel_follower_count",
    "comment": "comments[]: id, text (scrubbed), author_id (hashed), like_count, timestamp",
}
"""Where each cell comes from (corpus/sources/base.py)."""
Row = dict[str, Any]


def read_info(payload: bytes) -> Info:
    """Parse the info dict of a video. Raises RowError."""
    try:
        content = payload.decode("utf-8-sig")
        info = json.loads(content)
    except UnicodeDecodeError as error:
        raise RowError("not UTF-8", f"byte {error.start + 1}: {payload[error.start : error.start + 8]!r}") from None
    except (ValueError, RecursionError) as error:
        raise RowError("cut or invalid JSON", error) from None
    if not isinstance(info, dict):
        raise RowError("no info dict", content[:40])
    if info.get("_type") not in (None, "video"):
        raise RowError("not a video", info["_type"])
    return replace_lone_surrogates(info) if "\\ud" in content.lower() else info


def chapters_of(info: Info, duration_s: float | None) -> list[Row]:
    """List chapters in order of time; one without an end lasts until the next begins. Raises RowError."""
    entries = read_list(info, "chapters")
    if not all(isinstance(chapter, dict) for chapter in entries):
        raise RowError("chapters of unexpected type", entries)
    chapters: list[Row] = [
        {
            "start_s": read_number(chapter, "start_time") or 0.0,
            "end_s": read_number(chapter, "end_time"),
            "title": read_text(chapter, "title"),
        }
        for chapter in entries
    ]
    chapters.sort(key=lambda chapter: chapter["start_s"])
    for chapter, following in zip(chapters, [*chapters[1:], {"start_s": duration_s}], strict=False):
        ends = [end for end in (chapter["end_s"], following["start_s"]) if end is not None]
        chapter["end_s"] = min(ends) if ends else None
        if ends and min(ends) < chapter["start_s"]:
            raise RowError("chapter ends before it starts", chapter)
    return chapters


def replay_scenes(markers: list[Any], duration_s: float | None) -> list[Row]:
    """Merge markers (corpus/replay_curve.py) into scenes; none if there are too few for one. Raises RowError."""
    spans = []
    for marker in markers:
        if not isinstance(marker, dict):
            raise RowError("heatmap of unexpected type", marker)
        start, end, value = (read_number(marker, key) for key in ("start_time", "end_time", "value"))
        if start is None or end is None or value is None or value > 1 or end < start:
            raise RowError("heatmap marker with impossible values", marker)
        spans.append((start, end, value))
    spans.sort()
    length_s = duration_s or spans[-1][1]
    if length_s <= 0:
        raise RowError("heatmap without a length", markers[-1])
    k = multiplier(len(spans), length_s)
    merged = [spans[i : i + k] for i in range(0, len(spans) - k + 1, k)]
    return [
        {"start_s": group[0][0], "end_s": group[-1][1], "replay": max(value for _, _, value in group)}
        for group in merged
    ]


def scenes_of(info: Info, chapters: list[Row], duration_s: float | None) -> list[Row]:
    """Cut a video into scenes: merged markers, else chapters, else the whole video. Raises RowError."""
    markers = read_list(info, "heatmap")
    scenes = replay_scenes(markers, duration_s) if markers else []
    bounds = [(scene["start_s"], scene["end_s"]) for scene in chapters] or [(0.0, duration_s)]
    return scenes or [{"start_s": start, "end_s": end, "replay": None} for start, end in bounds]


def assign_speech(utterances: Iterable[Utterance], scenes: list[Row]) -> None:
    """Add each utterance to the scene in which it begins; one outside all scenes goes to the first or last."""
    starts = [scene["start_s"] for scene in scenes]
    for scene in scenes:
        scene["speech"] = []
    for utterance in utterances:
        scenes[max(0, bisect_right(starts, utterance.start_s) - 1)]["speech"].append(utterance.text)


def comment_row(comment: Any, message_id: str, key: bytes | None) -> Row:
    """Convert a comment to a row, its text scrubbed and its author hashed. Raises RowError."""
    if not isinstance(comment, dict):
        raise RowError("comment of unexpected type", comment)
    comment_id = read_text(comment, "id")
    if not comment_id:
        raise RowError("comment without id")
    likes, words = read_number(comment, "like_count"), read_text(comment, "text")
    return {
        "message_id": message_id,
        "comment_id": comment_id,
        "author": author_hash(read_text(comment, "author_id", "author"), key),
        "text": None if words is None else scrub(words),
        "likes": None if likes is None else int(likes),
        "published_at": read_time(comment, "timestamp"),
    }


def video_rows(info: Info, modified_at: datetime) -> dict[str, list[Row]]:
    """Convert a video to rows by table, without speech and comments. Raises RowError."""
    video_id, speaker = read_text(info, "id"), read_text(info, "channel_id", "uploader_id")
    if not video_id:
        raise RowError("no id")
    medium = medium_of(info)
    message_id = global_id(medium, native_id(info, video_id))
    communicator_id = global_id(medium, native_id(info, speaker)) if speaker else None
    observed_at, audience = read_time(info, "epoch") or modified_at, read_number(info, "channel_follower_count")
    duration_s = read_number(info, "duration") or None
    message = {
        "message_id": message_id,
        "communicator_id": communicator_id,
        "channel": medium,
        "kind": "video",
        "title": read_text(info, "title", "fulltitle"),
        "body": read_text(info, "description"),
        "published_at": read_time(info, "timestamp", "release_timestamp", "upload_date"),
        "duration_s": duration_s,
        "language": read_text(info, "language"),
        "category": next(iter(read_texts(info, "categories") or []), None),
        "licence": read_text(info, "license"),
    }
    communicator = {
        "communicator_id": communicator_id,
        "channel": medium,
        "name": read_text(info, "channel", "uploader"),
        "audience": None if audience is None else int(audience),
        "as_of": observed_at,
    }
    chapters = chapters_of(info, duration_s)
    scenes = scenes_of(info, chapters, duration_s)
    values: list[tuple[str, int | None, float | None]] = [
        (metric, None, read_number(info, key)) for metric, key in METRICS.items()
    ]
    values += [("replay", n, scene.pop("replay")) for n, scene in enumerate(scenes)]
    effect = {"message_id": message_id, "observed_at": observed_at}
    return {
        "message": [message],
        "communicator": [communicator] if communicator_id else [],
        "scene": [{"message_id": message_id, "scene": n, **scene} for n, scene in enumerate(scenes)],
        "effect": [{**effect, "metric": m, "scene": n, "value": value} for m, n, value in values if value is not None],
        "extra": [
            {
                "message_id": message_id,
                "chapters": chapters,
                **{key: read_texts(info, key) for key in ("tags", "categories")},
            }
        ],
    }


def provenance_rows(rows: dict[str, list[Row]], info: Info, file: Received, source: str) -> list[Row]:
    """Provenance rows of a video and of its channel."""
    version = info.get("_version")
    tool = f"yt-dlp {version['version']}" if isinstance(version, dict) and version.get("version") else "yt-dlp"
    observed_at = read_time(info, "epoch") or file.modified_at
    keys = [("message", rows["message"][0]["message_id"])]
    keys += [("communicator", row["communicator_id"]) for row in rows["communicator"]]
    origin = {"observed_at": observed_at, "source": source, "raw_sha256": file.sha256, "fetched_at": observed_at}
    return [{"table_name": table, "row_key": key, "tool": tool, **origin} for table, key in keys]
