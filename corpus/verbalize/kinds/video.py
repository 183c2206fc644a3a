"""A video with views, likes and the replay value of every scene."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl

from corpus.verbalize.kinds.base import Behavior, Kind
from corpus.verbalize.message_frames import video_parts, with_scenes
from corpus.verbalize.number_words import as_integer, read_number
from corpus.verbalize.template import Template
from corpus.verbalize.video import HEADER, SCENE, header_fields, joined, lines, scene_rows

VIDEO = Template("video-text", 2, HEADER + "{scenes}")
VIDEOS_AT_ONCE = 2_000


class Video(Kind):
    """Videos with views or a replay curve."""

    name = "video"
    templates = (VIDEO,)

    def parts(self, connection: duckdb.DuckDBPyConnection) -> Iterator[pl.DataFrame]:
        for frame in video_parts(connection, VIDEOS_AT_ONCE):
            yield with_scenes(frame, connection)

    def texts(self, frame: pl.DataFrame) -> pl.DataFrame:
        rows = scene_rows(frame.with_columns(replay=replay_of_scenes()))
        scenes = lines(rows.with_columns(value=as_integer(pl.col("replay"))), SCENE, "_scenes")
        text = VIDEO.fill(scenes=pl.col("_scenes").fill_null(""), **header_fields())
        return joined(frame, scenes).select("message_id", template=pl.lit(VIDEO.label), text=text, reason="reason")

    def read(self, text: str) -> Behavior:
        """Views, likes in percent of them, and the replay values (null where a scene has none)."""
        fields = VIDEO.read(text, many_lines=("scenes",)) or {}
        scenes = [SCENE.read(line) or {} for line in fields.get("scenes", "").splitlines()]
        replay = [read_number(scene["value"]) if "value" in scene else None for scene in scenes]
        counts = {name: read_number(fields[name]) for name in ("views", "likes") if name in fields}
        return counts | ({"replay": replay} if any(value is not None for value in replay) else {})


def replay_of_scenes() -> pl.Expr:
    """The curve where it has a value a scene, else nulls."""
    scenes = pl.col("scene_seen").list.len()
    silent = pl.lit(None, pl.Float64).repeat_by(scenes)
    return pl.coalesce(pl.when(pl.col("curve").list.len() == scenes).then("curve"), silent)
