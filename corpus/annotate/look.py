"""How a video looks, without a model: brightness, contrast, saturation, motion, colours, and cuts a minute."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus.annotate.base import Row
from corpus.annotate.media import Listener, MediaAnnotator, Message
from corpus.annotate.scenes import Cuts
from corpus.media.clip import Decoded, Picture, Pixels

EVERY_S = 0.25  # seconds between the pictures that are measured
SHOWN = 0.1  # share of the pixels from which a colour is named
COLOURS = ("black", "white", "grey", "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink")
HUES = ((10, "red"), (22, "orange"), (35, "yellow"), (80, "green"), (97, "cyan"), (130, "blue"), (150, "purple"))
LEVELS = 32  # of red, green and blue each, in the table of colours
MEASURES = ("brightness", "contrast", "saturation", "motion")

Floats = npt.NDArray[np.float64]


class Look(MediaAnnotator):
    """Annotate the look of each replay scene, and of the whole with `cuts_per_minute`.

    brightness, contrast (standard deviation of luma), saturation and motion (mean change of luma between pictures
    EVERY_S apart, within a shot or across a cut) are of 0 to 1; `colours` are those of a tenth of the pixels and more,
    most frequent first; `colour_shares` has the shares of COLOURS in their order.
    """

    name = "look"
    version = 1
    columns = {
        **dict.fromkeys(MEASURES, pa.float64()),
        "colours": pa.list_(pa.string()),
        "colour_shares": pa.list_(pa.float64()),
        "cuts_per_minute": pa.float64(),
    }
    rests_on = ("scenes",)
    sees = True

    def listen(self, message: Message, below: Mapping[str, Listener]) -> Listener:
        cuts = below["scenes"]
        assert isinstance(cuts, Cuts)
        return Measured(message, cuts)


class Measured(Listener):
    """Sums over the measured pictures of one file: a row a scene, the columns of MEASURES and COLOURS."""

    def __init__(self, message: Message, cuts: Cuts) -> None:
        self.message, self.cuts = message, cuts
        self.starts_s = [start_s for start_s, _ in message.scenes]
        self.sums = np.zeros((max(len(self.starts_s), 1), len(MEASURES) + len(COLOURS)))
        self.pictures = np.zeros(len(self.sums), np.int64)
        self.next_s = 0.0
        self.last_luma: Pixels | None = None

    def picture(self, picture: Picture, small: Pixels) -> None:
        if picture.time_s < self.next_s:
            return
        self.next_s = picture.time_s + EVERY_S - 1e-3
        luma = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
        scene = max(0, bisect_right(self.starts_s, picture.time_s) - 1)
        last = luma if self.last_luma is None or self.last_luma.shape != luma.shape else self.last_luma
        brightness, contrast = (float(cell[0, 0]) / 255 for cell in cv2.meanStdDev(luma))
        saturation = cv2.mean(cv2.cvtColor(small, cv2.COLOR_BGR2HSV))[1] / 255
        motion = cv2.mean(cv2.absdiff(luma, last))[0] / 255
        self.sums[scene] += [brightness, contrast, saturation, motion, *colour_shares(small)]
        self.pictures[scene] += 1
        self.last_luma = luma

    def finish(self, decoded: Decoded) -> None:
        self.minutes = decoded.pictures_end_s / 60

    def rows(self) -> Iterator[Row]:
        if not self.pictures.any():
            return
        cuts = (len(self.cuts.shots) - 1) / self.minutes
        yield {**look_row(self.sums.sum(0) / self.pictures.sum()), "cuts_per_minute": cuts}
        for scene, (start_s, end_s) in enumerate(self.message.scenes):
            if self.pictures[scene]:
                means = self.sums[scene] / self.pictures[scene]
                yield {"start_s": start_s, "end_s": end_s, **look_row(means)}


def look_row(means: Floats) -> Row:
    """Means of MEASURES and COLOURS as cells."""
    shares = means[len(MEASURES) :]
    named = [COLOURS[place] for place in np.argsort(-shares, kind="stable") if shares[place] >= SHOWN]
    cells = {name: round(float(mean), 6) for name, mean in zip(MEASURES, means, strict=False)}
    return {**cells, "colours": named, "colour_shares": [round(float(share), 6) for share in shares]}


def colour_shares(pixels: Pixels) -> Floats:
    """Share of the pixels, [height, width, BGR], that have each of COLOURS."""
    levels = cv2.calcHist([pixels], [0, 1, 2], None, [LEVELS] * 3, [0, 256] * 3).ravel()
    shares: Floats = np.bincount(COLOUR_OF, levels, len(COLOURS)) / (pixels.shape[0] * pixels.shape[1])
    return shares


def colour_table() -> npt.NDArray[np.int64]:
    """Place in COLOURS of each blue, green and red of LEVELS."""
    middles = (np.arange(LEVELS) * 8 + 4).astype(np.uint8)
    grid = np.stack(np.meshgrid(middles, middles, middles, indexing="ij"), -1).reshape(1, -1, 3)
    hue, saturation, value = (channel[0].astype(int) for channel in cv2.split(cv2.cvtColor(grid, cv2.COLOR_BGR2HSV)))
    names = np.full(hue.shape, COLOURS.index("red"))  # hue goes around: the last reds stand beyond pink
    for below, name in reversed((*HUES, (170, "pink"))):
        names[hue < below] = COLOURS.index(name)
    dull = (saturation < 50) | (value < 50)
    names[dull] = COLOURS.index("grey")
    names[dull & (value < 60)] = COLOURS.index("black")
    names[(saturation < 50) & (value > 200)] = COLOURS.index("white")
    return names


COLOUR_OF = colour_table()
