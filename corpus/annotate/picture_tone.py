"""Aesthetic value and clutter of videos' frames and of images, by published measures that need no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from corpus.annotate.base import Row
from corpus.annotate.media import Listener, MediaAnnotator, Message
from corpus.annotate.sampled_frames import SampledFrames
from corpus.media.clip import Decoded, Picture, Pixels
from corpus.strict_model import StrictModel

MEASURES = ("colourfulness", "contrast", "sharpness", "aesthetic_value", "clutter")
MOST_COLOURFUL = 109.0  # what Hasler and Süsstrunk's observers called extremely colourful
MOST_CONTRAST = 0.5  # of a picture half black and half white
HALF_SHARP = 100.0  # below it pictures are usually called blurred (Pech-Pacheco et al. 2000, and practice since)
WEAK_EDGE, STRONG_EDGE = 100, 200  # of Canny's gradients, 0 to 1,020 and more

Floats = npt.NDArray[np.float64]


class PictureToneSettings(StrictModel):
    """Pixels on the longer side of the pictures that are measured: sharpness and clutter depend on it."""

    pixels: int = Field(default=480, ge=16, le=4096)


class PictureTone(MediaAnnotator):
    """Annotate the two sampled frames of each replay scene, and the whole; a picture alone is one scene.

    `colourfulness`: Hasler and Süsstrunk 2003, 0 to about 150; `contrast`: standard deviation of luma, 0 to 0.5;
    `sharpness`: variance of the Laplacian of luma of 0 to 255; `aesthetic_value`: the mean of the three, each brought
    to 0 to 1, no rating by people; `clutter`: share of pixels at edges, edge density in Rosenholtz et al. 2007.
    """

    name = "picture_tone"
    version = 1
    columns = dict.fromkeys(MEASURES, pa.float64())
    sees = True
    settings_class = PictureToneSettings

    def listen(self, message: Message, below: Mapping[str, Listener]) -> Listener:
        return MeasuredFrames(message, self.settings.pixels)


class MeasuredFrames(SampledFrames):
    """The measures of each sampled frame of one file, by scene."""

    def __init__(self, message: Message, pixels: int) -> None:
        super().__init__(message)
        self.pixels = pixels
        self.of_scene: list[list[Floats]] = [[] for _ in message.scenes]
        self.measured: tuple[Picture, Floats] | None = None
        self.whole: list[Floats] = []

    def frame(self, scene: int, picture: Picture, small: Pixels) -> None:
        self.of_scene[scene].append(self._measure(picture))

    def _measure(self, picture: Picture) -> Floats:
        if self.measured is None or self.measured[0] is not picture:  # two sampled times may fall on one picture
            self.measured = picture, measures_of(picture.upright(self.pixels))
        return self.measured[1]

    def finish(self, decoded: Decoded) -> None:
        super().finish(decoded)
        self.whole = [measures for frames in self.of_scene for measures in frames]
        if not self.whole and self.last is not None:  # a picture whose file states no duration has no scene
            self.whole = [self._measure(self.last[0])]

    def rows(self) -> Iterator[Row]:
        if self.whole:
            yield mean_row(self.whole)
        for (start_s, end_s), frames in zip(self.message.scenes, self.of_scene, strict=True):
            if frames:
                yield {"start_s": start_s, "end_s": end_s, **mean_row(frames)}


def mean_row(frames: list[Floats]) -> Row:
    """The means of the measures of frames as cells."""
    return {name: round(float(mean), 6) for name, mean in zip(MEASURES, np.mean(frames, 0), strict=True)}


def measures_of(pixels: Pixels) -> Floats:
    """The MEASURES of a picture, [height, width, RGB]."""
    luma = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    colourfulness, contrast = colourfulness_of(pixels), float(luma.std()) / 255
    sharpness = float(cv2.Laplacian(luma, cv2.CV_64F).var())
    parts = (
        min(colourfulness / MOST_COLOURFUL, 1.0),
        min(contrast / MOST_CONTRAST, 1.0),
        sharpness / (sharpness + HALF_SHARP),
    )
    clutter = float((cv2.Canny(luma, WEAK_EDGE, STRONG_EDGE) > 0).mean())
    return np.array([colourfulness, contrast, sharpness, sum(parts) / len(parts), clutter])


def colourfulness_of(pixels: Pixels) -> float:
    """Hasler and Süsstrunk's M3: spread and mean of the opponent colours red-green and yellow-blue."""
    red, green, blue = (pixels[..., channel].astype(np.float64) for channel in range(3))
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))
