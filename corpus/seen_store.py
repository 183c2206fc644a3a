"""What models see of messages, memory-mapped: sampled frames, or features that a frozen encoder made of them.

FOLDER/NNNNN.safetensors   a tensor, `seen`: frames [n, size, size, 3] uint8, or features [n, tokens, width] float16
       index.parquet       a row for each frame or set of features: message_id, scene, time_share (of the length),
                           shard, place
       store.json          what is stored and of what, written last
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from corpus.errors import CbcError
from corpus.files.atomic import part_path, replace_folder, write_json
from corpus.files.hashes import file_sha256
from corpus.files.parquet_frames import read_frame, write_frame

SHARD_BYTES = 200_000_000
CORPUS = "corpus"
"""Key of store.json: the corpus whose messages are stored."""
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
        try:
            content: dict[str, Any] = json.loads((self.root / "store.json").read_text(encoding="utf-8"))
        except ValueError:
            raise NothingSeen(f"{self.root / 'store.json'} is damaged", "remove the folder and make it again") from None
        return content

    @cached_property
    def fingerprint(self) -> str:
        """Digest that identifies what was stored, from the digests of its shards."""
        about = {name: value for name, value in self.about.items() if name != CORPUS}
        content = json.dumps(about, sort_keys=True).encode() + (self.root / "index.parquet").read_bytes()
        return hashlib.sha256(content).hexdigest()

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
            from safetensors import SafetensorError, safe_open

            path = self.root / f"{number:05}.safetensors"
            try:
                file: Any = safe_open(path, framework="np")
                self._shards[number] = file.get_slice("seen")
            except (OSError, SafetensorError):
                raise NothingSeen(f"{path} is absent or damaged", "remove the folder and make it again") from None
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
    from safetensors.numpy import save_file

    staged = root.with_name(f"{root.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    waiting: list[Piece] = []
    index: list[pl.DataFrame] = []
    digests: list[str] = []
    known: set[str] = set()
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
        shard = staged / f"{number:05}.safetensors"
        save_file({"seen": np.concatenate([piece.seen for piece in waiting])}, shard)
        digests.append(file_sha256(shard))
        index.append(pl.concat(parts).select(INDEX))
        waiting.clear()
        size = 0

    for piece in pieces:
        if piece.message_id in known:
            raise ValueError(f"{piece.message_id} comes twice")
        known.add(piece.message_id)
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
    write_json(staged / "store.json", {**about, "shards": digests})
    replace_folder(staged, root)
    return root


def stores_in(place: Path) -> list[Path]:
    """The stores in a folder, itself or below; those that an interrupt left without index are removed."""
    if not place.is_dir():
        return []
    folders = sorted({path.parent for path in place.rglob("*.safetensors")} | {place.with_name(f"{place.name}.part")})
    for folder in folders:
        if folder.name.endswith(".part") and (folder / f"{0:05}.safetensors").is_file():
            shutil.rmtree(folder)
    return [folder for folder in folders if (folder / "store.json").is_file() and (folder / "index.parquet").is_file()]


def blank(root: Path, message_ids: Sequence[str]) -> int:
    """Overwrite with zeros what a store holds of some messages, and drop their rows; gives how many rows.

    The zeros come first, so that a stopped call can be made again.
    """
    rows = read_frame(root / "index.parquet")
    theirs = rows.filter(pl.col("message_id").is_in(list(message_ids)))
    for (number,), part in theirs.group_by("shard"):
        tensor = writable(root / f"{number:05}.safetensors")
        tensor[part["place"].to_numpy()] = 0
        tensor.flush()
    if len(theirs):
        index = root / "index.parquet"
        write_frame(rows.join(theirs, ["shard", "place"], "anti", maintain_order="left"), part_path(index))
        part_path(index).replace(index)
    return len(theirs)


def writable(shard: Path) -> np.memmap[Any, Any]:
    """The tensor of a shard, where it lies in the file: a header's length in 8 bytes, the header, the numbers."""
    with shard.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        facts = json.loads(file.read(length))["seen"]
    kind = {"U8": np.uint8, "F16": np.float16, "F32": np.float32}[facts["dtype"]]
    return np.memmap(shard, kind, "r+", offset=8 + length + facts["data_offsets"][0], shape=tuple(facts["shape"]))
