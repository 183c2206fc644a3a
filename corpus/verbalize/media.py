"""What is to be seen and heard in the media of a message, as one line."""

from __future__ import annotations

import duckdb
import polars as pl

from corpus.verbalize.mask_counts import mask_counts
from corpus.verbalize.message_frames import query_about, scene_texts
from corpus.verbalize.safe_text import mask_links, sanitize

MEDIA_CHARACTERS = 300
DESCRIBED = "SELECT table_name FROM information_schema.columns WHERE column_name = 'alt_texts' ORDER BY table_name"
WRITTEN = """SELECT message_id, list_aggregate(alt_texts, 'string_agg', '; ') AS line FROM "{}"
WHERE len(alt_texts) > 0 AND message_id IN (SELECT message_id FROM _wanted) ORDER BY message_id"""


class Media:
    """Scenes of a corpus' messages, and what senders wrote of their pictures (annotations' column `alt_texts`)."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.any_scene = bool(connection.sql("SELECT 1 FROM scene LIMIT 1").fetchall())
        self.described = [WRITTEN.format(name) for (name,) in connection.sql(DESCRIBED).fetchall()]

    def added_to(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The messages with `media`; null where nothing describes them."""
        if not self.any_scene and not self.described:
            return frame.with_columns(media=pl.lit(None, pl.String))
        scenes = scene_texts(frame, self.connection).select("message_id", line=pl.col("scene_text").list.join("; "))
        lines = [scenes, *(query_about(frame, self.connection, sql) for sql in self.described)]
        media = pl.concat(lines).filter(pl.col("line") != "").group_by("message_id").agg(pl.col("line").str.join("; "))
        cut = media.select("message_id", media=sanitize(mask_counts(mask_links(pl.col("line"))), MEDIA_CHARACTERS))
        return frame.join(cut, on="message_id", how="left", maintain_order="left")
