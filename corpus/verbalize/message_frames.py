"""Messages as frames: one row a message with its content, its newest whole-message behavior and its scenes.

Instances are drawn from these. Only the newest observation of a message is asked about; its age then goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl
import pyarrow as pa

from corpus.verbalize.safe_text import outside, uncounted, unlinked

MIN_VIEWS = 100  # below a hundred interactions behavior is noise (paper's readers, SPEC 7)
BODY_CHARACTERS = 300
SPEECH_CHARACTERS = 160
PART_ROWS = 20_000

VIDEOS = """
WITH observed AS (
    SELECT message_id, observed_at,
           max(value) FILTER (metric = 'views') AS views,
           max(value) FILTER (metric = 'likes') AS likes,
           max(value) FILTER (metric = 'audience') AS audience
    FROM effect WHERE scene IS NULL AND receiver IS NULL AND metric IN ('views', 'likes', 'audience')
    GROUP BY message_id, observed_at
), newest AS (
    FROM observed QUALIFY row_number() OVER (PARTITION BY message_id ORDER BY observed_at DESC NULLS LAST) = 1
), curves AS (
    SELECT message_id, observed_at, list(value ORDER BY scene) AS curve
    FROM effect WHERE metric = 'replay' AND receiver IS NULL GROUP BY message_id, observed_at
    QUALIFY row_number() OVER (PARTITION BY message_id ORDER BY observed_at DESC NULLS LAST) = 1
)
SELECT message.message_id,
       coalesce(message.communicator_id, message.campaign, message.message_id) AS cluster,
       coalesce(communicator.company, communicator.name) AS company,
       message.title, message.body, message.published_at,
       coalesce(newest.observed_at, curves.observed_at) AS observed_at,
       message.duration_s,
       coalesce(newest.audience, communicator.audience)::DOUBLE AS audience,
       date_diff('second', message.published_at, coalesce(newest.observed_at, curves.observed_at)) / 86400.0
           AS age_days,
       newest.views, newest.likes, curves.curve
FROM message LEFT JOIN newest USING (message_id) LEFT JOIN curves USING (message_id)
LEFT JOIN communicator USING (communicator_id)
WHERE message.kind = 'video' AND (newest.views IS NOT NULL OR curves.curve IS NOT NULL)
ORDER BY message.message_id
"""

POSTS = """
WITH likes AS (
    SELECT message_id, value AS likes, observed_at FROM effect
    WHERE metric = 'likes' AND scene IS NULL AND receiver IS NULL
    QUALIFY row_number() OVER (PARTITION BY message_id ORDER BY observed_at DESC NULLS LAST) = 1
)
SELECT message.message_id, message.communicator_id AS cluster,
       coalesce(communicator.company, communicator.name) AS company, communicator.name AS account,
       message.title, message.body, message.published_at, likes.observed_at, NULL::DOUBLE AS duration_s,
       communicator.audience::DOUBLE AS audience,
       date_diff('second', message.published_at, likes.observed_at) / 86400.0 AS age_days, likes.likes
FROM message JOIN likes USING (message_id) JOIN communicator USING (communicator_id)
WHERE message.kind = 'post' AND message.channel = 'twitter' AND message.published_at IS NOT NULL
      AND message.body IS NOT NULL AND NOT starts_with(message.body, 'RT @')
ORDER BY message.message_id
"""

RETWEETS = "SELECT table_name FROM information_schema.columns WHERE column_name = 'is_retweet' ORDER BY table_name"

SCENES = """
SELECT message_id, scene, captions, screen_text, objects, actions, speech FROM scene
WHERE message_id IN (SELECT message_id FROM _wanted) ORDER BY message_id, scene
"""


def query(connection: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    """The result of a query as a frame."""
    return pl.DataFrame(connection.sql(sql).to_arrow_table())


def cleaned(frame: pl.DataFrame) -> pl.DataFrame:
    """Content columns made safe for templates; age below zero (clocks differ) becomes null."""
    return frame.with_columns(
        company=outside(pl.col("company"), 80),
        title=outside(uncounted(pl.col("title")), 200),
        body=outside(uncounted(unlinked(pl.col("body"))), BODY_CHARACTERS),
        age_days=pl.when(pl.col("age_days") >= 0).then(pl.col("age_days")),
    )


def parts(connection: duckdb.DuckDBPyConnection, sql: str, rows: int) -> Iterator[pl.DataFrame]:
    """The result of a query as frames of some rows each, so that none holds all of it."""
    with connection.cursor() as cursor:  # other questions can be asked of the connection in between
        reader = cursor.sql(sql).to_arrow_reader(rows)
        batch = None
        for batch in reader:
            yield pl.DataFrame(pa.Table.from_batches([batch]))
        if batch is None:
            yield pl.DataFrame(reader.schema.empty_table())


def video_parts(connection: duckdb.DuckDBPyConnection, rows: int = PART_ROWS) -> Iterator[pl.DataFrame]:
    """Videos with views or a curve: content, views, likes, like_view_pct (null below 100 views), curve (0..100)."""
    for frame in parts(connection, VIDEOS, rows):
        yield cleaned(frame).with_columns(
            like_view_pct=pl.when(pl.col("views") >= MIN_VIEWS, pl.col("likes") <= pl.col("views")).then(
                100 * pl.col("likes") / pl.col("views")
            ),
            curve=(pl.col("curve") * 100).list.eval(pl.element().round(0)),
        )


def post_parts(connection: duckdb.DuckDBPyConnection, rows: int = PART_ROWS) -> Iterator[pl.DataFrame]:
    """Posts with likes; retweets are left out, since their likes belong to somebody else's words."""
    own = POSTS
    for (annotation,) in connection.sql(RETWEETS).fetchall():
        own = f'FROM ({own}) ANTI JOIN (SELECT message_id FROM "{annotation}" WHERE is_retweet) USING (message_id)'
    for frame in parts(connection, f"FROM ({own}) ORDER BY message_id", rows):
        told = cleaned(frame).with_columns(account=outside(pl.col("account"), 80), text=pl.col("body"))
        yield told.filter(pl.col("body").is_not_null())


def videos(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """All of `video_parts`."""
    return pl.concat(video_parts(connection))


def posts(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """All of `post_parts`."""
    return pl.concat(post_parts(connection))


def _joined(column: str) -> pl.Expr:
    return outside(unlinked(pl.col(column).list.join("; ")), SPEECH_CHARACTERS).str.replace_all("|", "¦", literal=True)


def with_scenes(frame: pl.DataFrame, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The videos with their scenes as lists: scene_seen (what is to be seen), scene_speech, and scene_text (both).

    A video with a curve but no scenes described gets empty scenes, one a value of the curve.
    """
    connection.register("_wanted", frame.select("message_id"))
    scenes = query(connection, SCENES)
    connection.unregister("_wanted")
    seen = pl.concat_str(
        _joined("captions").fill_null(""),
        (pl.lit(" | text: ") + _joined("screen_text")).fill_null(""),
        (pl.lit(" | objects: ") + _joined("objects")).fill_null(""),
        (pl.lit(" | actions: ") + _joined("actions")).fill_null(""),
    )
    texts = scenes.select("message_id", "scene", scene_seen=seen, scene_speech=_joined("speech"))
    spoken = (pl.lit(" | says: ") + pl.col("scene_speech")).fill_null("")
    texts = texts.with_columns(scene_text=pl.concat_str("scene_seen", spoken).str.strip_chars(" |"))
    lists = texts.group_by("message_id", maintain_order=True).agg("scene_seen", "scene_speech", "scene_text")
    joined = frame.join(lists, on="message_id", how="left", maintain_order="left")
    count = pl.coalesce(pl.col("scene_seen").list.len(), pl.col("curve").list.len(), pl.lit(0))
    empty = pl.lit("").repeat_by(count)
    joined = joined.with_columns(
        scene_seen=pl.coalesce("scene_seen", empty),
        scene_text=pl.coalesce("scene_text", empty),
        scene_speech=pl.coalesce("scene_speech", pl.lit(None, pl.String).repeat_by(count)),
    )
    text = pl.concat_str("title", "body", pl.col("scene_text").list.join(" "), separator=" ", ignore_nulls=True)
    return joined.with_columns(text=text)
