"""Shots by PySceneDetect, and the replay scenes with the times of the frames that are sampled in each (paper, 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

import cv2
import numpy as np
import pyarrow as pa
from pydantic import Field
from scenedetect import AdaptiveDetector, ContentDetector, HistogramDetector, ThresholdDetector
from scenedetect.common import FrameTimecode, Timecode

from corpus.annotate.base import Row
from corpus.annotate.media import Listener, MediaAnnotator, Message, Span
from corpus.media.clip import Decoded, Picture, Pixels
from corpus.strict_model import StrictModel

DETECTORS: dict[str, type] = {
    "adaptive": AdaptiveDetector,
    "content": ContentDetector,
    "histogram": HistogramDetector,
    "threshold": ThresholdDetector,
}
TICKS = Fraction(1, 1_000_000)  # of a second, in which times of pictures are given to the detector


class SceneSettings(StrictModel):
    """Which detector of PySceneDetect finds the cuts, with its own default thresholds, and the shortest shot."""

    detector: Literal["adaptive", "content", "histogram", "threshold"] = "adaptive"
    shortest_s: float = Field(default=0.5, gt=0, le=60, allow_inf_nan=False)


class Scenes(MediaAnnotator):
    """Annotate shots (kind `shot`) and replay scenes (kind `scene`, with `frames_s`), numbered from 0."""

    name = "scenes"
    version = 1
    columns = {"kind": pa.string(), "number": pa.int32(), "frames_s": pa.list_(pa.float64())}
    sees = True
    settings_class = SceneSettings

    def listen(self, message: Message, below: Mapping[str, Listener]) -> Listener:
        return Cuts(message, DETECTORS[self.settings.detector], self.settings.shortest_s)


class Cuts(Listener):
    """Find the cuts of one file; `shots` has its shots, in seconds, when all is decoded."""

    def __init__(self, message: Message, detector: Any, shortest_s: float) -> None:
        self.message = message
        self.detector = detector(min_scene_len=f"{shortest_s:g}s")
        self.cuts_s: list[float] = []
        self.last: Any = None
        self.shots: list[Span] = []
        self.size: tuple[int, int] | None = None

    def picture(self, picture: Picture, small: Pixels) -> None:
        height, width = self.size or small.shape[:2]
        if small.shape[:2] != (height, width):  # a stream may change its size, a detector not
            small = np.asarray(cv2.resize(small, (width, height)), np.uint8)
        self.size = height, width
        self.last = FrameTimecode(Timecode(round(picture.time_s / TICKS), TICKS), fps=picture.frame_rate)
        self._add(self.detector.process_frame(self.last, small))

    def _add(self, cuts: list[Any]) -> None:
        self.cuts_s += [cut.seconds for cut in cuts]

    def finish(self, decoded: Decoded) -> None:
        if self.last is not None:
            self._add(self.detector.post_process(self.last))
            bounds_s = [0.0, *sorted(self.cuts_s), decoded.pictures_end_s]
            self.shots = list(pairwise(bounds_s))

    def rows(self) -> Iterator[Row]:
        for number, (start_s, end_s) in enumerate(self.shots):
            yield {"kind": "shot", "number": number, "start_s": start_s, "end_s": end_s}
        times_s = self.message.frame_times_s
        for number, ((start_s, end_s), frames_s) in enumerate(zip(self.message.scenes, times_s, strict=True)):
            yield {"kind": "scene", "number": number, "start_s": start_s, "end_s": end_s, "frames_s": list(frames_s)}
