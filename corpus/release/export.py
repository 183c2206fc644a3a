"""Export the videos of a corpus to a parquet file with the columns of the public Content Behavior Corpus.

cbc corpus export --format published --corpus CORPUS --out FILE.parquet
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from corpus.derivatives import remember
from corpus.files.atomic import part_path
from corpus.files.output_file import check_output, parquet_schema
from corpus.files.sql import quote
from corpus.printing import number_of
from corpus.published_shape import ANNOTATION, published_sql
from corpus.replay_curve import MERGE_SQL
from corpus.store import Corpus

MARK, MARKED = "made_by", "cbc corpus export"
"""Key and value in the metadata of an export: its columns are those of the public release, which must not be lost."""


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
    videos = f"{number_of(exported.videos or 0, 'video')} in {exported.out}" if exported.out else ""
    return "\n".join(
        filter(
            None, [videos, f"{number_of(len(exported.tables), 'table')} in {exported.duckdb}: {rows}" if rows else ""]
        )
    )


def export_published(root: Path, out: Path) -> int:
    """Write every video that filters kept to a parquet file, ordered by id; returns their number.

    Raises NoSuchPath, WrongVersion, HoldsOther.
    """
    corpus = Corpus.open(root)
    check_output(out, "export of videos", is_exported_file)
    rows = published_sql(verbatim=ANNOTATION in corpus.annotations())
    part = part_path(out)
    try:
        with corpus.connect(kept=True) as connection:
            connection.execute(MERGE_SQL)
            mark = f"KV_METADATA {{{MARK}: {quote(MARKED)}}}"
            copy_sql = f"COPY ({rows}) TO {quote(part)} (FORMAT parquet, COMPRESSION zstd, {mark})"
            row = connection.execute(copy_sql).fetchone()
        remember(root, out)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return int(row[0]) if row else 0


def is_exported_file(path: Path) -> bool:
    """Whether a file is an export of an earlier run."""
    schema = parquet_schema(path)
    return schema is not None and (schema.metadata or {}).get(MARK.encode()) == MARKED.encode()
