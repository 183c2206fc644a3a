"""Small pictures for cuts, colours and motion: single pixels of the decoded planes, without a scaler's cost."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from corpus.media.clip import Picture, Pixels

cv2.setNumThreads(1)  # pictures are small: threads cost more than they save, and the other core decodes
WIDTH = 160  # pixels, about: with 256 cuts are the same and take twice as long
FULL_RANGE = 2  # AVCOL_RANGE_JPEG: luma and chroma use all of 0 to 255
LEVELS = np.arange(256.0)
LUMA, CHROMA = (LEVELS - 16) * 255 / 219, (LEVELS - 128) * 255 / 224 + 128
TO_FULL_RANGE = np.stack([LUMA, CHROMA, CHROMA], 1).clip(0, 255).round().astype(np.uint8)[:, None, :]


def shrink(picture: Picture) -> Pixels:
    """A picture about WIDTH pixels wide, [height, width, BGR]; colours to within what subsampling them costs."""
    frame = picture.frame
    if frame.format.name not in ("yuv420p", "yuvj420p") or frame.width < WIDTH * 1.5 or frame.height < 4:
        scale = min(1.0, WIDTH / frame.width)
        size = {"width": max(2, round(frame.width * scale)), "height": max(2, round(frame.height * scale))}
        small = frame.reformat(**size, format="bgr24", interpolation="FAST_BILINEAR")
        return np.asarray(small.to_ndarray(), np.uint8)
    size_of_all = WIDTH, max(2, round(frame.height * WIDTH / frame.width))
    luma, blue, red = (plane(of_frame) for of_frame in frame.planes)
    merged = cv2.merge([cv2.resize(part, size_of_all, interpolation=cv2.INTER_NEAREST) for part in (luma, red, blue)])
    if frame.format.name == "yuv420p" and frame.color_range != FULL_RANGE:
        merged = cv2.LUT(merged, TO_FULL_RANGE)
    return np.asarray(cv2.cvtColor(merged, cv2.COLOR_YCrCb2BGR), np.uint8)


def plane(of_frame: Any) -> Pixels:
    """A plane of a YUV 4:2:0 picture as an array, not copied."""
    rows = np.frombuffer(of_frame, np.uint8).reshape(-1, of_frame.line_size)
    return rows[: of_frame.height, : of_frame.width]
