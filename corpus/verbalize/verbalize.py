"""The corpus as text: `cbc corpus verbalize`, one row a message, behavior written beside content.

Nothing is masked here: this is the text that a model is trained on without a question. Tasks ask in benchmark/tasks.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq

from corpus.derivatives import remember
from corpus.files.atomic import part_path
from corpus.files.sql import MEMORY, quote
from corpus.store import Corpus
from corpus.verbalize.message_frames import post_parts, video_parts, with_scenes
from corpus.verbalize.number_words import count_words, whole
from corpus.verbalize.post import DATE, HEAD
from corpus.verbalize.template import Template
from corpus.verbalize.video import HEADER, SCENE, header_fields, joined, lines, scene_rows

POST = Template("post-text", 1, HEAD + "post: {body}\nlikes: {likes}")
VIDEO = Template("video-text", 1, HEADER + "{scenes}")
VIDEOS_AT_ONCE = 2_000


def fill_file(source: Path, template: Template, out: Path, **fields: pl.Expr) -> None:
    """Run a template over a parquet file of any size into another with the column `text`, in bounded memory."""
    filled = pl.scan_parquet(source).select("message_id", text=template.fill(**fields))
    filled.sink_parquet(out, compression="zstd", maintain_order=True)


def texts(connection: duckdb.DuckDBPyConnection) -> Iterator[pl.DataFrame]:
    """Frames of message_id, template, text: posts, then videos, some thousand messages at a time."""
    yield from (post_texts(part) for part in post_parts(connection))
    for part in video_parts(connection, VIDEOS_AT_ONCE):
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
    """Write the text of every post and video kept to one parquet file; gives the rows written."""
    beside, spill = part_path(out), out.with_name(f".{out.name}.spill")
    rows = 0
    try:
        with Corpus.open(root).connect(kept=True) as connection, ExitStack() as opened:
            connection.execute(f"SET memory_limit='{MEMORY}'; SET temp_directory={quote(spill)}")
            writer: pq.ParquetWriter | None = None
            for frame in texts(connection):
                table = frame.to_arrow()
                writer = writer or opened.enter_context(pq.ParquetWriter(beside, table.schema, compression="zstd"))
                writer.write_table(table)
                rows += frame.height
        remember(root, out)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
        shutil.rmtree(spill, ignore_errors=True)
    return rows
