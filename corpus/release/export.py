"""The corpus' videos as one parquet file in the columns of the public Content Behavior Corpus.

cbc corpus export --format published --corpus CORPUS --out FILE.parquet
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from corpus.derivatives import remember
from corpus.errors import NoSuchPath
from corpus.files.atomic import part_path
from corpus.files.sql import quote
from corpus.published_shape import ANNOTATION, published_sql
from corpus.replay_curve import MERGE_SQL
from corpus.store import Corpus


@dataclass(frozen=True)
class Exported:
    """What an export wrote: the file of videos and their number, the database and the rows of each table."""

    out: Path | None = None
    videos: int | None = None
    duckdb: Path | None = None
    tables: dict[str, int] = field(default_factory=dict)


def exported_text(exported: Exported) -> str:
    """What was exported, a line a file."""
    rows = ", ".join(f"{name} {count:,}" for name, count in exported.tables.items() if count)
    videos = f"{exported.videos:,} videos in {exported.out}" if exported.out else ""
    return "\n".join(
        filter(None, [videos, f"{len(exported.tables)} tables in {exported.duckdb}: {rows}" if rows else ""])
    )


def export_published(root: Path, out: Path) -> int:
    """Write every video kept of the corpus as one parquet file, ordered by id; gives their number.

    Raises NoSuchPath, WrongVersion.
    """
    corpus = Corpus.open(root)
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise NoSuchPath(f"cannot write {out}", "name a file in a folder that exists")
    rows = published_sql(verbatim=ANNOTATION in corpus.annotations())
    beside = part_path(out)
    try:
        with corpus.connect(kept=True) as connection:
            connection.execute(MERGE_SQL)
            copied = f"COPY ({rows}) TO {quote(beside)} (FORMAT parquet, COMPRESSION zstd)"
            counted = connection.execute(copied).fetchone()
        remember(root, out)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    return int(counted[0]) if counted else 0
