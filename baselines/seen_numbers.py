"""Numbers of what messages show, for boosting: how scenes look, or their mean colour.

store_look(CORPUS, FOLDER)              # from the annotation `look`
store_mean_colours(FRAMES, FOLDER)      # of stored frames
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from baselines.lcbm.vision.frames import annotation_of, fetched, write_derived, write_like
from corpus.annotate.look import COLOURS, MEASURES
from corpus.seen_store import NothingSeen, Piece, Store
from corpus.store import Corpus

Array = npt.NDArray[np.float64]
LOOK = f"""
SELECT message_id, [{", ".join(MEASURES)}] || colour_shares FROM "{{}}"
WHERE start_s IS NOT NULL ORDER BY message_id, start_s
"""


class SeenNumbers:
    """Numbers by message and scene, from a store with a row for each scene."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def of_scenes(self, frame: pl.DataFrame, rows: pl.DataFrame) -> Array:
        """Numbers of scenes, [scenes, width]; nan where a scene shows nothing. rows: those of `scene_rows`."""
        result = np.full((len(rows), self.width), np.nan)
        place = 0
        for (row,), part in rows.group_by("row", maintain_order=True):
            numbers = self.of_message(frame["message_id"][int(str(row))])
            for scene in part["scene"]:
                result[place] = numbers.get(scene, np.nan)
                place += 1
        return result

    def of_messages(self, frame: pl.DataFrame) -> Array:
        """Means and standard deviations over the scenes of messages, [messages, 2 width]."""
        result = np.full((len(frame), 2 * self.width), np.nan)
        for row, message_id in enumerate(frame["message_id"]):
            if numbers := self.of_message(message_id):
                scenes = np.stack(list(numbers.values()))
                result[row] = np.concatenate([scenes.mean(0), scenes.std(0)])
        return result

    def of_message(self, message_id: str) -> dict[int, Array]:
        """Numbers of each scene of a message."""
        if message_id not in self.store:
            return {}
        piece = self.store.piece(message_id)
        flat = piece.seen.reshape(len(piece.seen), -1).astype(np.float64)
        return dict(zip(piece.scenes.tolist(), flat, strict=True))

    @cached_property
    def width(self) -> int:
        """How many numbers a scene has; 0 where a takedown has emptied the store."""
        first = next(iter(self.store.index), None)
        return int(self.store.piece(first).seen[0].size) if first else 0


def store_look(corpus: Path, root: Path) -> Path:
    """Store how each scene looks: MEASURES and shares of COLOURS. Raises NoSuchPath, WrongVersion, NothingSeen."""
    opened = Corpus.open(corpus)
    label = annotation_of(opened, "look")
    with opened.connect() as connection:
        rows = connection.execute(LOOK.format(label))
        about = {"seen": "look", "annotation": label, "columns": [*MEASURES, *COLOURS]}
        return write_derived(corpus, root, look_pieces(rows), about)


def look_pieces(rows: Any) -> Iterator[Piece]:
    """The numbers of each message from rows of LOOK."""
    for message_id, scenes in groupby(fetched(rows), key=itemgetter(0)):
        yield piece_of(message_id, np.array([numbers for _, numbers in scenes], np.float32))


def store_mean_colours(frames: Path, root: Path) -> Path:
    """Store the mean red, green and blue of each scene. Raises NothingSeen."""
    store = Store.open(frames)
    if store.about["seen"] != "frames":
        raise NothingSeen(f"{frames} holds {store.about['seen']}", "give a store of frames")

    def pieces() -> Iterator[Piece]:
        for message_id in store.index:
            piece = store.piece(message_id)
            means = [piece.seen[piece.scenes == scene].mean((0, 1, 2)) for scene in np.unique(piece.scenes)]
            yield piece_of(message_id, np.array(means, np.float32))

    return write_like(store, root, pieces(), {"seen": "mean-colour", "frames": store.fingerprint})


def piece_of(message_id: str, numbers: npt.NDArray[np.float32]) -> Piece:
    """Numbers of scenes, [scenes, width], as a piece."""
    return Piece(message_id, numbers, np.arange(len(numbers)), np.linspace(0, 1, len(numbers)))
