"""Export the videos of a corpus to a parquet file with the columns of the public Content Behavior Corpus.

cbc corpus export --format published --corpus CORPUS --out FILE.parquet
"""

from __future__ import annotations

from pathlib import Path

from corpus.derivatives import remember
from corpus.errors import NoSuchPath
from corpus.files.atomic import part_path
from corpus.files.sql import quote
from corpus.published_shape import ANNOTATION, published_sql
from corpus.replay_curve import MERGE_SQL
from corpus.store import Corpus


def export_published(root: Path, out: Path) -> int:
    """Write every video that filters kept to a parquet file, ordered by id; returns their number.

    Raises NoSuchPath, WrongVersion.
    """
    corpus = Corpus.open(root)
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise NoSuchPath(f"cannot write {out}", "name a file in a folder that exists")
    rows = published_sql(verbatim=ANNOTATION in corpus.annotations())
    part = part_path(out)
    try:
        with corpus.connect(kept=True) as connection:
            connection.execute(MERGE_SQL)
            copy_sql = f"COPY ({rows}) TO {quote(part)} (FORMAT parquet, COMPRESSION zstd)"
            row = connection.execute(copy_sql).fetchone()
        remember(root, out)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return int(row[0]) if row else 0
