"""What models see of messages, memory-mapped: sampled frames, or features that a frozen encoder made of them.

    store_frames(CORPUS, FOLDER)        # from the annotation `frames`
    store_features(MODEL, FRAMES, FOLDER)

FOLDER/NNNNN.safetensors   a tensor, `seen`: frames [n, size, size, 3] uint8, or features [n, tokens, width] float16
       index.parquet       a row for each frame or set of features: message_id, scene, time_share (of the length),
                           shard, place
       store.json          what is stored and of what, written last
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors import safe_open
from safetensors.numpy import save_file

from corpus.errors import CbcError
from corpus.files.atomic import replace_folder, write_json
from corpus.files.parquet_frames import read_frame, write_frame
from corpus.store import Corpus

SHARD_BYTES = 200_000_000
ROWS_AT_ONCE = 64
MEND = "annotate its media file with frames, and store them again"
INDEX = ("message_id", "scene", "time_share", "shard", "place")

Array = npt.NDArray[Any]


class NothingSeen(CbcError):
    """There are no frames or features of messages that a model is to see."""


@dataclass(frozen=True)
class Piece:
    """Frames, or sets of features, of one message: seen [n, ...], the scene of each, and its share of the length."""

    message_id: str
    seen: Array
    scenes: npt.NDArray[np.int64]
    time_shares: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Store:
    """A folder of `write_store`; shards are opened once and read piece by piece."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Store:
        """Open a store. Raises NothingSeen."""
        if not (root / "store.json").is_file():
            raise NothingSeen(f"{root} holds no frames or features", "make them with cbc baselines frames or features")
        return cls(root)

    @cached_property
    def about(self) -> dict[str, Any]:
        """What store.json says."""
        content: dict[str, Any] = json.loads((self.root / "store.json").read_text(encoding="utf-8"))
        return content

    @cached_property
    def fingerprint(self) -> str:
        """Digest that identifies what is stored, without reading it all."""
        names = ("store.json", "index.parquet")
        return hashlib.sha256(b"".join((self.root / name).read_bytes() for name in names)).hexdigest()

    @cached_property
    def index(self) -> dict[str, tuple[int, int]]:
        """First and last row but one of each message in the table of rows."""
        counted = (
            self.rows.with_row_index("row")
            .group_by("message_id", maintain_order=True)
            .agg(first=pl.col("row").min(), count=pl.len())
        )
        return {message: (first, first + count) for message, first, count in counted.iter_rows()}

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The index as it lies on disk, the rows of a message together."""
        return read_frame(self.root / "index.parquet")

    @cached_property
    def columns(self) -> dict[str, Array]:
        """Scene, share of the length, shard and place of each row."""
        return {name: self.rows[name].to_numpy() for name in INDEX[1:]}

    def __contains__(self, message_id: str) -> bool:
        return message_id in self.index

    def place_of(self, message_id: str) -> slice:
        """The rows of a message. Raises NothingSeen."""
        if message_id not in self.index:
            raise NothingSeen(f"{self.root} holds nothing of {message_id}", MEND)
        return slice(*self.index[message_id])

    def piece(self, message_id: str) -> Piece:
        """All of a message, which lies in one shard. Raises NothingSeen."""
        rows = self.place_of(message_id)
        scenes, shares, shards, places = (self.columns[name][rows] for name in INDEX[1:])
        seen = self.shard(int(shards[0]))[int(places[0]) : int(places[-1]) + 1]
        return Piece(message_id, seen, scenes, shares)

    def scenes(self, message_id: str) -> list[int]:
        """The scenes of which a message has something, ascending. Raises NothingSeen."""
        scenes: list[int] = np.unique(self.columns["scene"][self.place_of(message_id)]).tolist()
        return scenes

    def shard(self, number: int) -> Any:
        """A shard's tensor, of which a slice reads only its own bytes."""
        if number not in self._shards:
            file: Any = safe_open(self.root / f"{number:05}.safetensors", framework="np")
            self._shards[number] = file.get_slice("seen")
        return self._shards[number]

    @cached_property
    def _shards(self) -> dict[int, Any]:
        return {}


def open_seen(root: Path | None, name: str) -> Store:
    """The store that a recipe or model sees. Raises NothingSeen."""
    if root is None:
        raise NothingSeen(f"{name} sees, and was given nothing to see", "give --seen a store of frames or features")
    return Store.open(root)


def write_store(root: Path, pieces: Iterable[Piece], about: dict[str, Any]) -> Path:
    """Write pieces into shards of about SHARD_BYTES, whole or not at all."""
    staged = root.with_name(f"{root.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    waiting: list[Piece] = []
    index: list[pl.DataFrame] = []
    size = 0

    def write_shard() -> None:
        nonlocal size
        place, number = 0, len(index)
        parts = []
        for piece in waiting:
            count = len(piece.seen)
            cells = {"scene": piece.scenes, "time_share": piece.time_shares}
            places = np.arange(place, place + count)
            parts.append(
                pl.DataFrame({"message_id": [piece.message_id] * count, **cells, "shard": number, "place": places})
            )
            place += count
        save_file({"seen": np.concatenate([piece.seen for piece in waiting])}, staged / f"{number:05}.safetensors")
        index.append(pl.concat(parts).select(INDEX))
        waiting.clear()
        size = 0

    for piece in pieces:
        waiting.append(piece)
        size += piece.seen.nbytes
        if size >= SHARD_BYTES:
            write_shard()
    if waiting:
        write_shard()
    if not index:
        shutil.rmtree(staged)
        raise NothingSeen("no message has frames", "annotate media files with frames")
    write_frame(pl.concat(index), staged / "index.parquet")
    write_json(staged / "store.json", about)
    replace_folder(staged, root)
    return root


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
        return write_store(root, pieces_of(rows), {"seen": "frames", "annotation": chosen})


def annotation_of(corpus: Corpus, name: str, label: str | None = None) -> str:
    """The label of an annotation, `label` where there are several of that name. Raises NothingSeen."""
    labels = [each for each in corpus.annotations() if each.startswith(f"{name}@")]
    if (label is None and len(labels) != 1) or (label is not None and label not in labels):
        mend = f"name one of {', '.join(labels)}" if labels else f"annotate it with {name}"
        raise NothingSeen(f"{corpus.root} has {len(labels)} annotations of {name}", mend)
    return label or labels[0]


def pieces_of(rows: Any) -> Iterator[Piece]:
    """The frames of each message from rows of FRAMES."""
    for message_id, scenes in groupby(fetched(rows), key=itemgetter(0)):
        seen, numbers, shares = [], [], []
        for number, (_, _, times_s, frames, size, duration_s) in enumerate(scenes):
            seen += [np.frombuffer(frame, np.uint8).reshape(size, size, 3) for frame in frames]
            numbers += [number] * len(frames)
            shares += [min(time_s / duration_s, 1.0) for time_s in times_s]
        yield Piece(message_id, np.stack(seen), np.array(numbers), np.array(shares))


def fetched(rows: Any) -> Iterator[tuple[Any, ...]]:
    """Rows of a query, some at a time."""
    while some := rows.fetchmany(ROWS_AT_ONCE):
        yield from some
