"""The frames sampled in each replay scene, made small: what vision models read, without decoding a file again."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from pydantic import Field

from corpus.annotate.base import Row
from corpus.annotate.media import Listener, MediaAnnotator, Message
from corpus.annotate.sampled_frames import SampledFrames
from corpus.media.clip import Picture, Pixels
from corpus.strict_model import StrictModel


class FrameSettings(StrictModel):
    """Width and height of a stored frame in pixels; the whole picture is brought to that square, as for BLIP-2."""

    size: int = Field(default=224, ge=8, le=256)


class Frames(MediaAnnotator):
    """Annotate each replay scene with its sampled frames: `frames`, each size x size x 3 bytes (row, column, RGB), and
    `frame_times_s`, ascending.

    Pixels are kept as they are: whoever reads them needs no decoder for what a stranger's file became.
    """

    name = "frames"
    version = 1
    columns = {"size": pa.int64(), "frame_times_s": pa.list_(pa.float64()), "frames": pa.list_(pa.binary())}
    sees = True
    settings_class = FrameSettings

    def listen(self, message: Message, below: Mapping[str, Listener]) -> Listener:
        return SmallFrames(message, self.settings.size)


class SmallFrames(SampledFrames):
    """Collect the frames of one file."""

    def __init__(self, message: Message, size: int) -> None:
        super().__init__(message)
        self.size = size
        self.frames: list[list[str]] = [[] for _ in message.scenes]

    def frame(self, scene: int, picture: Picture, small: Pixels) -> None:
        square = fit(picture.upright(), self.size)
        self.frames[scene].append(b64encode(square.tobytes()).decode("ascii"))

    def rows(self) -> Iterator[Row]:
        spans_and_times = zip(self.message.scenes, self.message.frame_times_s, strict=True)
        for ((start_s, end_s), times_s), frames in zip(spans_and_times, self.frames, strict=True):
            if frames:
                cells: dict[str, Any] = {"size": self.size, "frame_times_s": list(times_s), "frames": frames}
                yield {"start_s": start_s, "end_s": end_s, **cells}


def fit(pixels: Pixels, size: int) -> Pixels:
    """A picture as a square of `size`, [size, size, RGB]."""
    shrinks = min(pixels.shape[:2]) >= size
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(pixels, (size, size), interpolation=way), np.uint8)
