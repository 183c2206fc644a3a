"""The corpus' videos as one parquet file in the columns of the public Content Behavior Corpus.

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
