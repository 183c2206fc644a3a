"""A post with its likes; of one with media, what is to be seen and heard in them stands below its text."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl

from corpus.verbalize.kinds.base import Behavior, Kind, first_reason
from corpus.verbalize.media import Media
from corpus.verbalize.message_frames import PART_ROWS, parts, posts_sql, safe_body
from corpus.verbalize.number_words import count_in_three_digits, read_number
from corpus.verbalize.post import FIELDS, HEAD
from corpus.verbalize.safe_text import sanitize
from corpus.verbalize.template import Template

POST = Template("post-text", 2, HEAD + "post: {body}\nlikes: {likes}")
MEDIA_POST = Template("media-post-text", 2, HEAD + "[medium: {medium}\n]post: {body}\n[media: {media}\n]likes: {likes}")
"""For posts with media described, and for those on other media than Twitter."""

COLUMNS = (
    "message_id, channel, company, account, audience, age_days, country, language, body, published_at, likes, reason"
)


class Post(Kind):
    """Posts; a retweet's likes belong to somebody else's words."""

    name = "post"
    templates = (POST, MEDIA_POST)

    def parts(self, connection: duckdb.DuckDBPyConnection) -> Iterator[pl.DataFrame]:
        sql = f"SELECT {COLUMNS} FROM ({posts_sql(connection)}) ORDER BY message_id"
        yield from map(Media(connection).added_to, parts(connection, sql, PART_ROWS))

    def texts(self, frame: pl.DataFrame) -> pl.DataFrame:
        elsewhere = pl.col("channel").ne_missing("twitter")
        labels = {name: sanitize(pl.col(name), 40) for name in ("country", "language")}
        frame = frame.with_columns(body=safe_body(), likes=count_in_three_digits(pl.col("likes")), **labels, **FIELDS)
        rich = frame.filter(elsewhere | pl.col("media").is_not_null())
        if rich.is_empty():
            return _filled(frame, POST)
        rich = rich.with_columns(medium=sanitize(pl.when(elsewhere).then("channel"), 40))
        plain = frame.filter(~elsewhere & pl.col("media").is_null())
        return pl.concat([_filled(plain, POST), _filled(rich, MEDIA_POST)]).sort("message_id")

    def read(self, text: str) -> Behavior:
        fields = POST.read(text) or MEDIA_POST.read(text) or {}
        return {"likes": read_number(fields["likes"])} if "likes" in fields else {}


def _filled(frame: pl.DataFrame, template: Template) -> pl.DataFrame:
    reason = pl.coalesce("reason", first_reason(no_text=pl.col("body").is_null()))
    return frame.select("message_id", template=pl.lit(template.label), text=template.fill(), reason=reason)
