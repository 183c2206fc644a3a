"""Sampled frames of a corpus as a store: from the annotation `frames` to what models read.

store_frames(Path("corpus"), Path("frames"))
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from corpus.derivatives import remember
from corpus.seen_store import CORPUS, NothingSeen, Piece, Store, write_store
from corpus.store import Corpus

ROWS_AT_ONCE = 64
FRAMES = """
SELECT message_id, f.start_s, f.frame_times_s, f.frames, f.size, coalesce(m.duration_s, max(f.end_s) OVER messages)
FROM "{}" f JOIN message m USING (message_id) WHERE f.frames IS NOT NULL
WINDOW messages AS (PARTITION BY message_id) ORDER BY message_id, f.start_s
"""


def store_frames(corpus: Path, root: Path, label: str | None = None) -> Path:
    """Store the sampled frames of a corpus, those of the annotation `label` where there are several.

    Raises NoSuchPath, WrongVersion, NothingSeen.
    """
    opened = Corpus.open(corpus)
    chosen = annotation_of(opened, "frames", label)
    with opened.connect() as connection:
        rows = connection.execute(FRAMES.format(chosen))
        return write_derived(corpus, root, pieces_of(rows), {"seen": "frames", "annotation": chosen})


def write_derived(corpus: Path, root: Path, pieces: Iterator[Piece], about: dict[str, Any]) -> Path:
    """Write a store of a corpus' messages, which a takedown finds."""
    remember(corpus, root)  # first, so that a takedown also finds what an interrupt leaves beside it
    return write_store(root, pieces, {**about, CORPUS: str(corpus.resolve())})


def write_like(store: Store, root: Path, pieces: Iterator[Piece], about: dict[str, Any]) -> Path:
    """Write a store that was made of another, of the same corpus if that is of one."""
    corpus = store.about.get(CORPUS)
    return write_derived(Path(corpus), root, pieces, about) if corpus else write_store(root, pieces, about)


def annotation_of(corpus: Corpus, name: str, label: str | None = None) -> str:
    """The label of an annotation, `label` where there are several of that name. Raises NothingSeen."""
    labels = [each for each in corpus.annotations() if each.startswith(f"{name}@")]
    if (label is None and len(labels) != 1) or (label is not None and label not in labels):
        mend = f"name one of {', '.join(labels)}" if labels else f"annotate it with {name}"
        what = f"no annotation {label}" if label else f"{len(labels)} annotations of {name}"
        raise NothingSeen(f"{corpus.root} has {what}", mend)
    return label or labels[0]


def pieces_of(rows: Any) -> Iterator[Piece]:
    """The frames of each message from rows of FRAMES."""
    for message_id, scenes in groupby(fetched(rows), key=itemgetter(0)):
        seen, numbers, shares = [], [], []
        for number, (_, _, times_s, frames, size, duration_s) in enumerate(scenes):
            seen += [np.frombuffer(frame, np.uint8).reshape(size, size, 3) for frame in frames]
            numbers += [number] * len(frames)
            shares += [min(time_s / (duration_s or 1.0), 1.0) for time_s in times_s]
        yield Piece(message_id, np.stack(seen), np.array(numbers), np.array(shares))


def fetched(rows: Any) -> Iterator[tuple[Any, ...]]:
    """Rows of a query, fetched in batches."""
    while batch := rows.fetchmany(ROWS_AT_ONCE):
        yield from batch
