"""Captioned media in WebDataset shards, for alignment: tar files with KEY.EXT (a video or an image) and KEY.txt.

    prepare_shards(SHARDS, FOLDER, image_size)     # FOLDER/captions.parquet and FOLDER/frames, a store
    CaptionSource(FOLDER)

Media are decoded in the child process of the annotators, as strangers' files are; captions may have lines for scenes.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from corpus.annotate.children import Child
from corpus.annotate.choose import choose_annotators
from corpus.annotate.media import with_bytes
from corpus.annotate.media_run import MediaFile, ask, new_child
from corpus.console import note
from corpus.errors import CbcError, first_line
from corpus.files.atomic import write_json
from corpus.files.parquet_frames import read_frame, write_frame
from corpus.files.written_once import refuse_other
from corpus.printing import number_of
from corpus.progress import progress
from corpus.seen_store import Piece, write_store
from corpus.verbalize.video import CAPTION, SCENE

CAPTION_TASK = "caption"
CAPTION_CHARACTERS = 2_000
VALIDATION = 20  # one in so many samples is held out, by its key
TEXT = "txt"
MEDIA = ("mp4", "webm", "mkv", "mov", "avi", "gif", "jpg", "jpeg", "png", "webp")
LARGEST_MEMBER = 500_000_000  # bytes
SHARDS_MEND = "name tar files with KEY.mp4 (or an image) and KEY.txt"
Sample = tuple[str, str, bytes, str]


class BadShards(CbcError):
    """Shards of captioned media cannot be read."""


def samples(shard: Path) -> Iterator[Sample]:
    """Key, extension, media bytes and caption of each sample of a shard that has both. Raises BadShards."""
    import webdataset

    try:
        with tarfile.open(shard) as members:
            if any(member.size > LARGEST_MEMBER for member in members):
                raise BadShards(f"{shard} has a file of more than {LARGEST_MEMBER:,} bytes", "leave it out")
        every = {"nodesplitter": iter, "shardshuffle": False, "empty_check": False}  # one process reads for all
        for sample in webdataset.WebDataset(str(shard), **every):
            media = next((name for name in MEDIA if name in sample), None)
            if TEXT in sample and media:
                key = f"{shard.stem}/{sample['__key__']}"
                yield key, media, sample[media], sample[TEXT].decode("utf-8", "replace")
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error) as error:
        raise BadShards(f"{shard} cannot be read: {first_line(error)}", SHARDS_MEND) from None


def prepare_shards(shards: Sequence[Path], folder: Path, image_size: int) -> Path:
    """Write captions and frames of shards; those that are there already are left as they are.

    Raises BadShards, NothingSeen, HoldsOther, NoMediaPackages, NoChild.
    """
    missing = [str(shard) for shard in shards if not shard.is_file()]
    if missing or not shards:
        raise BadShards(f"no shards at {', '.join(missing) or 'all'}", SHARDS_MEND)
    if len({shard.stem for shard in shards}) < len(shards):
        raise BadShards("two shards have one name", "rename one of them")
    asked = {"frames_px": image_size, "shards": {shard.name: shard.stat().st_size for shard in shards}}
    facts = folder / "captions.json"
    if facts.is_file():
        refuse_other(folder, "set of captions", json.loads(facts.read_text(encoding="utf-8")), asked)
        return folder
    _, annotators = choose_annotators("frames", [f"frames.size={image_size}"])
    child = new_child(annotators)
    captions: list[dict[str, str]] = []
    skipped = 0

    def pieces() -> Iterator[Piece]:
        nonlocal skipped
        with tempfile.TemporaryDirectory() as scratch, progress("reading shards", "samples", None) as shown:
            for key, extension, media, caption in chain.from_iterable(map(samples, shards)):
                piece = decode(child, annotators["frames"].schema, key, Path(scratch, f"sample.{extension}"), media)
                shown.advance(1)
                if piece is None:
                    skipped += 1
                    continue
                captions.append({"message_id": key, "caption": caption.strip()})
                yield piece

    try:
        write_store(folder / "frames", pieces(), {"seen": "frames", "annotation": f"frames of {image_size} pixels"})
    finally:
        child.stop()
    if skipped:
        note(f"{number_of(skipped, 'sample')} whose media cannot be used are left out")
    write_frame(pl.DataFrame(captions), folder / "captions.parquet")
    write_json(facts, asked)
    return folder


def decode(child: Child, schema: Any, key: str, path: Path, media: bytes) -> Piece | None:
    """The sampled frames of a sample, from a file that is written for the child alone; None if it cannot be used."""
    path.write_bytes(media)
    answer = ask(child, MediaFile(key, path, len(media), ("frames",)))
    rows = [with_bytes(row, schema) for row in answer.get("rows", {}).get("frames") or []]
    if not rows:
        return None
    end_s = max(row["end_s"] for row in rows) or 1.0
    size = rows[0]["size"]
    seen = [np.frombuffer(frame, np.uint8).reshape(size, size, 3) for row in rows for frame in row["frames"]]
    scenes = [number for number, row in enumerate(rows) for _ in row["frames"]]
    shares = [min(time_s / end_s, 1.0) for row in rows for time_s in row["frame_times_s"]]
    return Piece(key, np.stack(seen), np.array(scenes), np.array(shares))


@dataclass(frozen=True)
class CaptionSource:
    """Questions for captions: the scenes' lines, in or before which is what they show; the answer is the caption."""

    root: Path

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Columns message_id, prompt, answer, and whether it is held out."""
        index = read_frame(self.root / "frames" / "index.parquet")
        counts = index.group_by("message_id").agg(scenes=pl.col("scene").max() + 1)
        frame = read_frame(self.root / "captions.parquet").join(counts, "message_id", maintain_order="left")
        heads = frame.select("message_id", number=pl.int_ranges(1, pl.col("scenes") + 1)).explode("number")
        nothing = {name: pl.lit(None, pl.String) for name in ("speech", "value")} | {"seen": pl.lit("")}
        lines = heads.group_by("message_id").agg(scenes=SCENE.fill(**nothing).str.join("\n"))
        held_out = pl.Series([self.is_held_out(key) for key in frame["message_id"]])
        shown = frame.drop("scenes").join(lines, "message_id", maintain_order="left")
        answer = pl.col("caption").str.slice(0, CAPTION_CHARACTERS)
        return shown.select("message_id", prompt=CAPTION.fill(), answer=answer, held_out=held_out)

    @staticmethod
    def is_held_out(key: str) -> bool:
        """Whether a sample is held out."""
        return int(hashlib.sha256(key.encode()).hexdigest(), 16) % VALIDATION == 0

    @property
    def tasks(self) -> list[str]:
        """The one task."""
        return [CAPTION_TASK]

    @property
    def fingerprint(self) -> str:
        """Digest of the captions."""
        return hashlib.sha256((self.root / "captions.parquet").read_bytes()).hexdigest()

    def questions(self, task: str, split: str, variant: str, seed: int) -> pl.DataFrame:
        """Columns message_id, prompt and answer; captions have no behavior, so all variants are alike."""
        return self.frame.filter(pl.col("held_out") == (split == "validation")).drop("held_out")

    def numbers(self, tasks: Sequence[str]) -> dict[str, list[str]]:
        """No answer is a number."""
        return {}

    def leaves_out(self, tasks: Sequence[str]) -> list[str]:
        """Nothing is left out."""
        return []
