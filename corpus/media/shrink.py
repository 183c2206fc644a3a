"""Small pictures for cuts, colours and motion: every n-th pixel of the decoded planes, without a scaler's cost."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from corpus.media.clip import Picture, Pixels

WIDTH = 256  # pixels, about
FULL_RANGE = 2  # AVCOL_RANGE_JPEG: luma and chroma use all of 0 to 255
STEPS = np.arange(256.0)
FULL_LUMA = ((STEPS - 16) * 255 / 219).clip(0, 255).round().astype(np.uint8)
FULL_CHROMA = ((STEPS - 128) * 255 / 224 + 128).clip(0, 255).round().astype(np.uint8)


def shrink(picture: Picture) -> Pixels:
    """A picture about WIDTH pixels wide, [height, width, BGR]; colours to within what subsampling them costs."""
    frame = picture.frame
    step = max(2, round(frame.width / WIDTH / 2) * 2)
    if frame.format.name not in ("yuv420p", "yuvj420p") or frame.width < WIDTH * 1.5:
        scale = min(1.0, WIDTH / frame.width)
        size = {"width": max(2, round(frame.width * scale)), "height": max(2, round(frame.height * scale))}
        small = frame.reformat(**size, format="bgr24", interpolation="FAST_BILINEAR")
        return np.asarray(small.to_ndarray(), np.uint8)
    luma, blue, red = (plane(frame, number) for number in range(3))
    channels = [luma[::step, ::step], red[:: step // 2, :: step // 2], blue[:: step // 2, :: step // 2]]
    if frame.format.name == "yuv420p" and frame.color_range != FULL_RANGE:
        tables = (FULL_LUMA, FULL_CHROMA, FULL_CHROMA)
        channels = [table[channel] for table, channel in zip(tables, channels, strict=True)]
    height, width = (min(channel.shape[axis] for channel in channels) for axis in (0, 1))
    merged = np.dstack([channel[:height, :width] for channel in channels])
    return np.asarray(cv2.cvtColor(merged, cv2.COLOR_YCrCb2BGR), np.uint8)


def plane(frame: Any, number: int) -> Pixels:
    """A plane of a YUV 4:2:0 picture as an array, not copied."""
    of_frame = frame.planes[number]
    rows = np.frombuffer(of_frame, np.uint8).reshape(-1, of_frame.line_size)
    return rows[: of_frame.height, : of_frame.width]
