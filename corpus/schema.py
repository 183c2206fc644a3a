"""The tables, column by column, and the registry of metrics.

Five factors, five tables (who says what in which channel to whom with what effect), the comments receivers wrote and
the provenance of it all. `channel` is the medium; a missing value is null, never zero; counts are counts, ratios are
fractions, times are UTC without a zone, durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

FORMAT = "cbc-corpus"
VERSION = 2
MEDIA = (
    *("youtube", "twitter", "email", "web", "twitch", "tiktok", "facebook", "instagram", "vimeo", "dailymotion"),
    *("reddit", "linkedin", "soundcloud", "bilibili", "other"),
)
"""The media, by the names that ids and the column `channel` use; `other` is whatever else speaks."""
KINDS = ("video", "post", "email", "headline", "image", "sound")
"""The kinds of messages."""


@dataclass(frozen=True)
class Column:
    """One column: its name, its DuckDB type, and what it holds with its unit."""

    name: str
    type: str
    doc: str


@dataclass(frozen=True)
class Table:
    """One table: its columns and the columns that name a row."""

    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def ddl(self) -> str:
        return ", ".join(f'"{column.name}" {column.type}' for column in self.columns)


def _table(key: str, **columns: tuple[str, str]) -> Table:
    return Table(tuple(Column(name, type_, doc) for name, (type_, doc) in columns.items()), tuple(key.split()))


TABLES: dict[str, Table] = {
    "communicator": _table(
        "communicator_id as_of",
        communicator_id=("VARCHAR", "who speaks, medium:id: channel, account, sender"),
        channel=("VARCHAR", "the medium, one of MEDIA"),
        name=("VARCHAR", "name shown to receivers"),
        company=("VARCHAR", "company or brand behind it"),
        audience=("BIGINT", "subscribers or followers, people"),
        as_of=("TIMESTAMP", "when this was so, UTC"),
    ),
    "message": _table(
        "message_id",
        message_id=("VARCHAR", "video, post, email or headline variant, medium:id"),
        communicator_id=("VARCHAR", "who said it"),
        channel=("VARCHAR", "the medium, one of MEDIA"),
        kind=("VARCHAR", ", ".join(KINDS)),
        title=("VARCHAR", "title or subject"),
        body=("VARCHAR", "description or text"),
        published_at=("TIMESTAMP", "UTC"),
        duration_s=("DOUBLE", "length in seconds"),
        language=("VARCHAR", "BCP 47"),
        category=("VARCHAR", "topic, by the name the medium gives it"),
        country=("VARCHAR", "where it is listed or shown, ISO 3166-1 alpha-2"),
        licence=("VARCHAR", "licence of the content, as the source states it"),
        campaign=("VARCHAR", "A/B test, email campaign or film it belongs to"),
    ),
    "scene": _table(
        "message_id scene cut_at",
        message_id=("VARCHAR", "the message it is a stretch of"),
        scene=("INTEGER", "position, from 0"),
        start_s=("DOUBLE", "seconds from the start"),
        end_s=("DOUBLE", "seconds from the start"),
        cut_at=("TIMESTAMP", "observation that cut the message anew, UTC; null: cut so when it was first read"),
        speech=("VARCHAR[]", "utterances heard"),
        screen_text=("VARCHAR[]", "texts seen"),
        captions=("VARCHAR[]", "descriptions of frames"),
        objects=("VARCHAR[]", "things seen"),
        actions=("VARCHAR[]", "what happens"),
    ),
    "effect": _table(
        "message_id metric scene receiver observed_at",
        message_id=("VARCHAR", "what had the effect"),
        metric=("VARCHAR", "a name in METRICS"),
        value=("DOUBLE", "in the metric's unit"),
        exposure=("DOUBLE", "how many could have acted; null: unknown"),
        scene=("INTEGER", "null: the whole message"),
        receiver=("VARCHAR", "segment; null: everyone"),
        observed_at=("TIMESTAMP", "UTC; null: unknown"),
    ),
    "comment": _table(
        "message_id comment_id",
        message_id=("VARCHAR", "what it answers"),
        comment_id=("VARCHAR", "its id at the source"),
        author=("VARCHAR", "keyed hash; null without a key"),
        text=("VARCHAR", "scrubbed of personal data"),
        likes=("BIGINT", "count"),
        sentiment=("VARCHAR", "label of the source, else of an annotation"),
        published_at=("TIMESTAMP", "UTC"),
    ),
    "cut": _table(
        "message_id cut_at",
        message_id=("VARCHAR", "whose scenes were cut anew"),
        cut_at=("TIMESTAMP", "by which observation, UTC; the newest one's scenes and replay values are shown"),
    ),
    "provenance": _table(
        "table_name row_key observed_at source raw_sha256 raw_line",
        table_name=("VARCHAR", "message (with its scenes, comments and effects of that observation) or communicator"),
        row_key=("VARCHAR", "message_id or communicator_id"),
        observed_at=("TIMESTAMP", "which observation, UTC; null: only one"),
        source=("VARCHAR", "source and version, e.g. ytdlp@1"),
        raw_sha256=("VARCHAR", "of the raw payload or file"),
        raw_line=("BIGINT", "record in that file, from 1; null: the whole payload"),
        fetched_at=("TIMESTAMP", "UTC, as the payload says, else the file's time"),
        tool=("VARCHAR", "tool and version that fetched it"),
        licence=("VARCHAR", "licence of the collection"),
    ),
    "rejects": _table(
        "source file line record reason",
        source=("VARCHAR", "source and version"),
        file=("VARCHAR", "file name"),
        line=("BIGINT", "line where a rejected record starts, from 1; null: the whole file, or see record"),
        record=("BIGINT", "number of the record in its file, counted from 1, of a contradiction or withdrawn record"),
        reason=("VARCHAR", "a short name of the rule it broke, or what it contradicts"),
        value=("VARCHAR", "what broke it, at most 200 characters; of a contradiction key, new value and held value"),
    ),
}


LATER = {"rejects": ("record",)}
"""Columns that were added within this version of the format: files of earlier ingests lack them."""
DATA_TABLES = ("message", "communicator", "comment", "scene", "effect")
"""Tables that hold what was said and done, in the order in which they are written."""
OVERLAID = {
    "message": ("language", "category", "country"),
    "scene": ("speech", "screen_text", "captions", "objects", "actions"),
    "comment": ("sentiment",),
}
"""Columns that annotations may fill in the views `message`, `scene` and `comment`."""
FILLED_BY = {"message": ("message_id",), "scene": ("message_id",), "comment": ("message_id", "comment_id")}
"""View -> columns that say what the rows of an annotation that fills it are about; to scenes they are given by time."""


@dataclass(frozen=True)
class Metric:
    """One behavior: its unit and the closed range its values lie in (high None: unbounded)."""

    unit: str
    low: float
    high: float | None
    doc: str


METRICS: dict[str, Metric] = {
    "views": Metric("count", 0, None, "times a video was viewed"),
    "likes": Metric("count", 0, None, "receivers who liked it"),
    "dislikes": Metric("count", 0, None, "receivers who disliked it"),
    "comments": Metric("count", 0, None, "comments it got"),
    "replies": Metric("count", 0, None, "replies to a post"),
    "shares": Metric("count", 0, None, "retweets, forwards"),
    "replay": Metric("fraction", 0, 1, "a scene's share of the most replayed scene, merged markers (paper, 3)"),
    "audience": Metric("people", 0, None, "people following the communicator when the message was observed"),
    "impressions": Metric("count", 0, None, "times it was shown"),
    "clicks": Metric("count", 0, None, "times it was clicked"),
    "sends": Metric("count", 0, None, "emails delivered"),
    "opens": Metric("count", 0, None, "emails opened"),
    "click_through_rate": Metric("fraction", 0, 1, "clicks per email delivered"),
}
