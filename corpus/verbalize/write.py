"""The corpus as text: `cbc corpus verbalize`, one row a message, behavior written beside content.

Nothing is masked here: this is the text that a model is trained on without a question. Tasks ask in benchmark/tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq

from corpus.store import Corpus
from corpus.verbalize.frames import posts, videos, with_scenes
from corpus.verbalize.numbers import count_words, whole
from corpus.verbalize.post import DATE, HEAD
from corpus.verbalize.template import Template
from corpus.verbalize.video import HEADER, SCENE, header_fields, joined, lines, scene_rows

POST = Template("post-text", 1, HEAD + "post: {body}\nlikes: {likes}")
VIDEO = Template("video-text", 1, HEADER + "{scenes}")
CHUNK = 20_000


def fill_file(source: Path, template: Template, out: Path, **fields: pl.Expr) -> None:
    """Run a template over a parquet file of any size into another with the column `text`, in bounded memory."""
    filled = pl.scan_parquet(source).select("message_id", text=template.fill(**fields))
    filled.sink_parquet(out, compression="zstd", maintain_order=True)


def texts(connection: duckdb.DuckDBPyConnection) -> Iterator[pl.DataFrame]:
    """Frames of message_id, template, text: posts, then videos, some thousand messages at a time."""
    yield from (post_texts(part) for part in posts(connection).iter_slices(CHUNK))
    for part in videos(connection).iter_slices(CHUNK // 10):
        yield video_texts(with_scenes(part, connection))


def post_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Posts with their likes."""
    text = POST.fill(likes=count_words(pl.col("likes")), **DATE)
    return frame.select("message_id", template=pl.lit(POST.label), text=text)


def video_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Videos with views, likes and the replay value of every scene."""
    rows = scene_rows(frame.with_columns(replay=replay_of_scenes()))
    told = joined(frame, lines(rows.with_columns(value=whole(pl.col("replay"))), SCENE, "_scenes"))
    text = VIDEO.fill(scenes=pl.col("_scenes").fill_null(""), **header_fields())
    return told.select("message_id", template=pl.lit(VIDEO.label), text=text)


def replay_of_scenes() -> pl.Expr:
    """The curve where it has a value a scene, else nulls."""
    scenes = pl.col("scene_seen").list.len()
    silent = pl.lit(None, pl.Float64).repeat_by(scenes)
    return pl.coalesce(pl.when(pl.col("curve").list.len() == scenes).then("curve"), silent)


def verbalize(root: Path, out: Path) -> int:
    """Write the text of every post and video of a corpus to one parquet file; gives the rows written."""
    connection = Corpus.open(root).connect()
    beside = out.with_name(f".{out.name}.part")
    writer: pq.ParquetWriter | None = None
    rows = 0
    try:
        for frame in texts(connection):
            table = frame.to_arrow()
            writer = writer or pq.ParquetWriter(beside, table.schema, compression="zstd")
            writer.write_table(table)
            rows += frame.height
    finally:
        if writer:
            writer.close()
    if writer:
        beside.replace(out)
    return rows
