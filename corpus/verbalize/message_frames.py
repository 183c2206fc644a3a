"""Messages as frames: one row a message with its content, its newest whole-message behavior and its scenes.

Instances are drawn from these. Only the newest observation of a message is asked about; its age then goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl
import pyarrow as pa

from corpus.verbalize.attributes import list_attributes
from corpus.verbalize.mask_counts import mask_counts
from corpus.verbalize.safe_text import mask_links, sanitize

MIN_VIEWS = 100  # below a hundred interactions behavior is noise (paper's readers, SPEC 7)
BODY_CHARACTERS = 300
SPEECH_CHARACTERS = 160
PART_ROWS = 50_000

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
       speaker.company, message.title, message.body, message.published_at,
       coalesce(newest.observed_at, curves.observed_at) AS observed_at,
       message.category, message.country, message.language, attributes.tag_count, attributes.flags,
       message.duration_s, coalesce(newest.audience, speaker.audience)::DOUBLE AS audience,
       date_diff('second', message.published_at, coalesce(newest.observed_at, curves.observed_at)) / 86400.0
           AS age_days,
       newest.views, newest.likes, curves.curve,
       CASE WHEN newest.views IS NULL AND curves.curve IS NULL THEN 'no behavior' END AS reason
FROM message LEFT JOIN newest USING (message_id) LEFT JOIN curves USING (message_id)
LEFT JOIN _speaker speaker USING (communicator_id) LEFT JOIN _attributes attributes USING (message_id)
WHERE message.kind = 'video'
ORDER BY message.message_id
"""

POSTS = """
WITH likes AS (
    SELECT message_id, arg_max(value, coalesce(observed_at, '-infinity'::TIMESTAMP)) AS likes,
           max(observed_at) AS observed_at
    FROM effect WHERE metric = 'likes' AND scene IS NULL AND receiver IS NULL GROUP BY message_id
), retweet AS (
    SELECT DISTINCT message_id FROM ({retweets})
)
SELECT message.message_id, message.communicator_id, message.channel, speaker.company, speaker.account,
       message.title, message.body, message.published_at, likes.observed_at, NULL::DOUBLE AS duration_s,
       NULL::VARCHAR AS category, message.country, message.language, NULL::BIGINT AS tag_count, NULL::VARCHAR AS flags,
       speaker.audience,
       date_diff('second', message.published_at, likes.observed_at) / 86400.0 AS age_days, likes.likes,
       CASE WHEN message.body IS NULL THEN 'no text'
            WHEN starts_with(message.body, 'RT @') OR retweet.message_id IS NOT NULL THEN 'a retweet'
            WHEN likes.likes IS NULL THEN 'no behavior'
            WHEN message.published_at IS NULL THEN 'no time of publication'
            WHEN speaker.communicator_id IS NULL THEN 'no communicator' END AS reason
FROM message LEFT JOIN likes USING (message_id) LEFT JOIN retweet USING (message_id)
LEFT JOIN _speaker speaker USING (communicator_id)
WHERE message.kind = 'post'
"""

RETWEETS = "SELECT table_name FROM information_schema.columns WHERE column_name = 'is_retweet' ORDER BY table_name"

SPEAKERS = """
SELECT communicator_id, coalesce(company, name) AS company, name AS account, audience::DOUBLE AS audience
FROM communicator ORDER BY communicator_id
"""

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
        title=safe_title(),
        body=safe_body(),
        **{name: sanitize(pl.col(name), 40) for name in ("category", "country", "language")},
        age_days=pl.when(pl.col("age_days") >= 0).then(pl.col("age_days")),
    )


def safe_title() -> pl.Expr:
    """The title without counts and marks."""
    return sanitize(mask_counts(pl.col("title")), 200)


def safe_body(characters: int = BODY_CHARACTERS) -> pl.Expr:
    """The start of the body without links, counts and marks."""
    return sanitize(mask_counts(mask_links(pl.col("body"))), characters)


def list_speakers(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table _speaker (communicator_id, company, account, audience), its names made safe: far fewer than
    the messages in which they stand.
    """
    columns = "communicator_id VARCHAR, company VARCHAR, account VARCHAR, audience DOUBLE"
    connection.execute(f"CREATE OR REPLACE TABLE _speaker ({columns})")
    for frame in parts(connection, SPEAKERS, PART_ROWS):
        names = frame.with_columns(company=sanitize(pl.col("company"), 80), account=sanitize(pl.col("account"), 80))
        connection.register("_names", names.to_arrow())
        connection.execute("INSERT INTO _speaker BY NAME FROM _names")
        connection.unregister("_names")


def parts(connection: duckdb.DuckDBPyConnection, sql: str, rows: int) -> Iterator[pl.DataFrame]:
    """The result of a query as frames of some rows each, so that none holds all of it."""
    with connection.cursor() as cursor:  # other questions can be asked of the connection in between
        reader = cursor.sql(sql).to_arrow_reader(rows)
        batch = None
        for batch in reader:
            yield pl.DataFrame(pa.Table.from_batches([batch]))
        if batch is None:
            yield pl.DataFrame(reader.schema.empty_table())


def video_parts(
    connection: duckdb.DuckDBPyConnection, rows: int = PART_ROWS, with_curve: bool = False
) -> Iterator[pl.DataFrame]:
    """All videos, or those with a curve: content, views, likes, like_view_pct (null below 100 views), curve (0..100),
    and in `reason` why one is not used.
    """
    sql = f"SELECT * FROM ({VIDEOS}) WHERE curve IS NOT NULL ORDER BY message_id" if with_curve else VIDEOS
    for frame in parts(connection, sql, rows):
        yield cleaned(frame).with_columns(
            like_view_pct=pl.when(pl.col("views") >= MIN_VIEWS, pl.col("likes") <= pl.col("views")).then(
                100 * pl.col("likes") / pl.col("views")
            ),
            curve=(pl.col("curve") * 100).list.eval(pl.element().round(0)),
        )


def posts_sql(connection: duckdb.DuckDBPyConnection) -> str:
    """A query for all posts, their content as it came, and in `reason` why one is not used.

    Retweets are not, since their likes belong to somebody else's words.
    """
    annotations = [name for (name,) in connection.sql(RETWEETS).fetchall()]
    marked = [f'SELECT message_id FROM "{name}" WHERE is_retweet' for name in annotations]
    return POSTS.format(retweets=" UNION ALL ".join(marked) or "SELECT NULL::VARCHAR AS message_id WHERE false")


def videos(connection: duckdb.DuckDBPyConnection, with_curve: bool = False) -> pl.DataFrame:
    """The videos with views or a curve, or only those with a curve."""
    list_speakers(connection)
    list_attributes(connection)
    return pl.concat(used(frame) for frame in video_parts(connection, with_curve=with_curve))


def posts(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The posts on Twitter with likes; `text` is the body."""
    list_speakers(connection)
    asked = f"SELECT * EXCLUDE (channel) FROM ({posts_sql(connection)}) WHERE channel = 'twitter' ORDER BY message_id"
    frame = pl.concat(cleaned(used(frame)) for frame in parts(connection, asked, PART_ROWS))
    return frame.with_columns(text=pl.col("body")).filter(pl.col("body").is_not_null())


def used(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows without a reason to be left out."""
    return frame.filter(pl.col("reason").is_null()).drop("reason")


def with_scenes(frame: pl.DataFrame, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The videos with their scenes as lists: scene_seen (what is to be seen), scene_speech, and scene_text (both).

    A video with a curve but no scenes described gets empty scenes, one a value of the curve.
    """
    lists = scene_texts(frame, connection)
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


def scene_texts(frame: pl.DataFrame, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The scenes of a frame's messages, a row a message that has some: lists scene_seen, scene_speech, scene_text."""
    scenes = query_about(frame, connection, SCENES)
    seen = pl.concat_str(
        _joined("captions").fill_null(""),
        (pl.lit(" | text: ") + _joined("screen_text")).fill_null(""),
        (pl.lit(" | objects: ") + _joined("objects")).fill_null(""),
        (pl.lit(" | actions: ") + _joined("actions")).fill_null(""),
    )
    texts = scenes.select("message_id", "scene", scene_seen=seen, scene_speech=_joined("speech"))
    spoken = (pl.lit(" | says: ") + pl.col("scene_speech")).fill_null("")
    texts = texts.with_columns(scene_text=pl.concat_str("scene_seen", spoken).str.strip_chars(" |"))
    return texts.group_by("message_id", maintain_order=True).agg("scene_seen", "scene_speech", "scene_text")


def query_about(frame: pl.DataFrame, connection: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    """The result of a query in which `_wanted` holds the ids of a frame's messages."""
    connection.register("_wanted", frame.select("message_id"))
    try:
        return query(connection, sql)
    finally:
        connection.unregister("_wanted")


def _joined(column: str) -> pl.Expr:
    line = sanitize(mask_counts(mask_links(pl.col(column).list.join("; "))), SPEECH_CHARACTERS)
    return line.str.replace_all("|", "¦", literal=True)
