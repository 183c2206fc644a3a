"""Base class of annotators that see or hear a message's media file; all of them share one decoding of it.

A new one is one new file with a subclass of `MediaAnnotator`, named in corpus/annotate/registry.py. For each file it
gives a listener, which is told of every picture and block of sound and has rows at the end. Rows are about a time span
(start_s, end_s) or the whole message, and hold numbers, texts and lists of them: they come from a process of their own.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import pyarrow as pa

from corpus.annotate.base import Annotator, Row
from corpus.media.clip import Decoded, Facts, Picture, Pixels, Sound
from corpus.replay_curve import scene_spans

MARKERS = 100  # of a replay curve (paper, section 3)
FRAMES_A_SCENE = 2  # sampled in each scene (paper, section 3)

Span = tuple[float, float]


@dataclass(frozen=True)
class Message:
    """The message that a media file belongs to: its id, the scenes that its source cut, and what the container says."""

    message_id: str
    facts: Facts
    source_scenes: tuple[Span, ...] = ()

    @cached_property
    def scenes(self) -> tuple[Span, ...]:
        """Time spans of its replay scenes in seconds: the source's, else the grid of the paper; one if it is short."""
        if len(self.source_scenes) > 1:  # a video without a replay curve is one scene to its source
            return self.source_scenes
        duration_s = self.facts.duration_s
        if not duration_s:
            return ()
        return tuple(scene_spans(MARKERS, duration_s)) or ((0.0, duration_s),)

    @cached_property
    def frame_times_s(self) -> tuple[tuple[float, ...], ...]:
        """For each scene the times of its sampled frames in seconds, ascending; they follow from the message's id."""
        random = np.random.default_rng(zlib.crc32(self.message_id.encode()))
        shares = np.sort(random.random((len(self.scenes), FRAMES_A_SCENE)), axis=1)
        return tuple(
            tuple(float(start_s + share * (end_s - start_s)) for share in of_scene)
            for (start_s, end_s), of_scene in zip(self.scenes, shares, strict=True)
        )


class Listener(ABC):
    """What an annotator makes of one file while it is decoded; small pictures are shared among all listeners."""

    def picture(self, picture: Picture, small: Pixels) -> None:
        """Take a picture, and the same about 160 pixels wide, [height, width, BGR]."""
        return

    def sound(self, sound: Sound) -> None:
        """Take the next block of sound."""
        return

    def finish(self, decoded: Decoded) -> None:
        """All is decoded; called in the order in which annotators rest on each other."""
        return

    @abstractmethod
    def rows(self) -> Iterable[Row]:
        """Rows about the file without message_id, after `finish`."""


class MediaAnnotator(Annotator):
    """Source of the annotation NAME@VERSION-HASH, where the hash is that of its settings and models."""

    rests_on: ClassVar[tuple[str, ...]] = ()
    """Names of annotators whose listeners it reads; they run before it, and its hash holds theirs."""
    memory_bytes: ClassVar[int] = 4_000_000_000
    """How much address space its process may have."""
    patience: ClassVar[float] = 1.0
    """How many times as long as others it may take for a file."""
    sees: ClassVar[bool] = False
    hears: ClassVar[bool] = False

    def label_over(self, below: Mapping[str, str]) -> str:
        """NAME@VERSION-HASH; `below`: the labels of the annotators that it rests on, by name."""
        return self.hashed_label([below[name] for name in self.rests_on])

    @abstractmethod
    def listen(self, message: Message, below: Mapping[str, Listener]) -> Listener:
        """Begin with a file; `below`: the listeners of the annotators that it rests on, by name."""

    @property
    def schema(self) -> pa.Schema:
        """Columns of its parquet files; `reason` says why nothing, or not all, could be made of a file."""
        spans = {"start_s": pa.float64(), "end_s": pa.float64()}
        return pa.schema(
            {
                "message_id": pa.string(),
                **spans,
                **self.columns,
                "file": pa.string(),
                "file_bytes": pa.int64(),
                "reason": pa.string(),
            }
        )


def with_bytes(row: Row, schema: pa.Schema) -> Row:
    """A row of an answer whose lists of bytes, which come as base64, are bytes again."""
    names = [name for name in row if row[name] and schema.field(name).type == pa.list_(pa.binary())]
    return row | {name: [b64decode(text, validate=True) for text in row[name]] for name in names}
