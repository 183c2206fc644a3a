"""The corpus as text: `cbc corpus verbalize`, one row a message or comment, behavior written beside content.

Nothing is masked here: this is the text that a model is trained on without a question. Tasks ask in benchmark/tasks.
Memory is bounded: DuckDB gives messages in their order, parts of them become text on threads and are written while the
next are read.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.derivatives import remember
from corpus.files.atomic import part_path
from corpus.files.output_file import check_output, parquet_schema
from corpus.files.sql import quote
from corpus.printing import number_of, table_text
from corpus.progress import progress
from corpus.store import Corpus
from corpus.verbalize.attributes import list_attributes
from corpus.verbalize.kinds.base import NO_TEXT, Kind
from corpus.verbalize.kinds.comment import Comment
from corpus.verbalize.kinds.comments import Comments
from corpus.verbalize.kinds.email import Email
from corpus.verbalize.kinds.headline import Headline
from corpus.verbalize.kinds.image import Image
from corpus.verbalize.kinds.post import Post
from corpus.verbalize.kinds.sound import Sound
from corpus.verbalize.kinds.video import Video
from corpus.verbalize.message_frames import list_speakers
from corpus.withdrawn.tombstones import withdrawn

LOG = logging.getLogger(__name__)
KINDS: tuple[Kind, ...] = (Post(), Video(), Email(), Headline(), Image(), Sound(), Comment(), Comments())
COLUMNS = pa.schema({name: pa.large_string() for name in ("message_id", "comment_id", "template", "text")})
PARQUET: dict[str, Any] = {"compression": "zstd", "compression_level": 1, "use_dictionary": ["template"]}
MEMORY = "512MB"  # of DuckDB, which spills beyond it
OTHER_KINDS = """SELECT coalesce(kind, '(none)'), count(*) FROM message
WHERE kind IS NULL OR NOT list_contains($written, kind) GROUP BY ALL"""
TOTAL = """SELECT (SELECT count(*) FROM message WHERE list_contains($written, kind)) + (SELECT count(*) FROM comment)"""
FILTERED = f"""SELECT kind, 'removed by the filter ' || filter, count(*) FROM removed JOIN (
    SELECT message_id, coalesce(kind, '(none)') AS kind FROM message
    UNION ALL SELECT message_id, '{Comment.name}' FROM comment
) USING (message_id) GROUP BY ALL"""


@dataclass
class Verbalized:
    """What was written: texts by kind, `comments` being those in texts about many; what was not: messages or comments
    by kind and reason.

    Every message is in one text or reason, and so is every comment.
    """

    written: Counter[str] = field(default_factory=Counter)
    comments: int = 0
    unwritten: Counter[tuple[str, str]] = field(default_factory=Counter)


def verbalize(root: Path, out: Path) -> Verbalized:
    """Write the text of everything kept to one parquet file. Raises NoSuchPath, WrongVersion, HoldsOther."""
    beside, spill = part_path(out), out.with_name(f".{out.name}.spill")
    corpus, result = Corpus.open(root), Verbalized()
    check_output(out, "text of a corpus", is_verbalized)
    try:
        with corpus.connect(kept=True) as connection:
            connection.execute(f"SET memory_limit='{MEMORY}'; SET temp_directory={quote(spill)}")
            with pq.ParquetWriter(beside, COLUMNS, **PARQUET) as writer:
                write_texts(connection, writer, result)
            of_messages = [kind.name for kind in KINDS if not kind.of_comments]
            others = connection.execute(OTHER_KINDS, {"written": of_messages}).fetchall()
        result.unwritten.update({(name, "no template"): count for name, count in others})
        count_left_out(corpus, result)
        remember(root, out)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
        shutil.rmtree(spill, ignore_errors=True)
    return result


def is_verbalized(path: Path) -> bool:
    """Whether a file is a text of a corpus, by its columns."""
    return bool(parquet_schema(path) == COLUMNS)


def write_texts(connection: duckdb.DuckDBPyConnection, writer: pq.ParquetWriter, result: Verbalized) -> None:
    """Write all kinds, a row group a part, and count them."""
    list_speakers(connection)
    list_attributes(connection)
    total = connection.execute(TOTAL, {"written": [kind.name for kind in KINDS]}).fetchall()[0][0]
    with (
        progress("writing texts", "messages and comments", total) as shown,
        ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool,
    ):
        writing: Future[None] | None = None
        for kind in KINDS:
            if kind.present(connection):
                LOG.debug("writing texts of the kind %s", kind.name)
                for frame in in_order(pool, kind.texts, kind.parts(connection)):
                    table = counted(frame, kind, result)
                    shown.detail = f"{result.unwritten.total():,} without text"
                    shown.advance(number_in(frame))
                    if writing:
                        writing.result()
                    writing = pool.submit(writer.write_table, table)
        if writing:
            writing.result()


def in_order(
    pool: ThreadPoolExecutor, work: Callable[[pl.DataFrame], pl.DataFrame], frames: Iterable[pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """The results of some work on frames, in the frames' order; at most one a core is under way."""
    waiting: deque[Future[pl.DataFrame]] = deque()
    for frame in frames:
        waiting.append(pool.submit(work, frame))
        if len(waiting) > (os.cpu_count() or 1):
            yield waiting.popleft().result()
    for future in waiting:
        yield future.result()


def counted(frame: pl.DataFrame, kind: Kind, result: Verbalized) -> pa.Table:
    """The texts of a part as a table of the file; what has none is counted by its reason."""
    reason = pl.coalesce("reason", pl.when(pl.col("text").is_null()).then(pl.lit(NO_TEXT)))
    frame = frame.with_columns(reason=reason, number="comments" if "comments" in frame.columns else pl.lit(1))
    for name, count in frame.filter(pl.col("reason").is_not_null()).group_by("reason").agg(pl.sum("number")).rows():
        result.unwritten[kind.name, name] += count
    if frame["reason"].null_count() < frame.height:
        frame = frame.filter(pl.col("reason").is_null())
    result.written[kind.name] += frame.height
    result.comments += number_in(frame) if "comments" in frame.columns else 0
    absent = {name: pl.lit(None, pl.String) for name in COLUMNS.names if name not in frame.columns}
    return frame.with_columns(**absent).select(COLUMNS.names).to_arrow().cast(COLUMNS)


def number_in(frame: pl.DataFrame) -> int:
    """How many messages or comments the rows of a part are about."""
    return int(frame["comments"].sum()) if "comments" in frame.columns else frame.height


def count_left_out(corpus: Corpus, result: Verbalized) -> None:
    """Count what filters removed and what was withdrawn."""
    with corpus.connect() as connection:
        for kind, reason, count in connection.sql(FILTERED).fetchall():
            result.unwritten[kind, reason] += count
    for what, ids in withdrawn(corpus.root).items():
        if ids:
            result.unwritten[f"any ({what})", "withdrawn"] += len(ids)


def verbalized_rows(result: Verbalized, out: Path) -> dict[str, Any]:
    """How many texts were written, and what was not, for programs."""
    unwritten = [
        {"kind": kind, "why": reason, "number": count} for (kind, reason), count in sorted(result.unwritten.items())
    ]
    return {"out": out, "texts": result.written.total(), "written": result.written, "unwritten": unwritten}


def verbalized_text(result: Verbalized, out: Path) -> str:
    """How many texts were written, and what was not."""
    lines = [f"{number_of(result.written.total(), 'text')} in {out}"]
    if result.written:
        lines.append(table_text(["kind", "texts"], [*result.written.items()]))
    if result.comments:
        lines.append(f"the texts of comments in aggregate are about {number_of(result.comments, 'comment')}")
    if result.unwritten:
        rows = [(kind, reason, count) for (kind, reason), count in sorted(result.unwritten.items())]
        lines += ["", "not written", table_text(["kind", "why", "number"], rows)]
    return "\n".join(lines)
