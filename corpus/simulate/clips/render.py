"""Draw a clip's frames and sound from its specification, and write it as a media file.

The files need the extra `media`. The same specification gives the same pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from corpus.files.atomic import part_path
from corpus.simulate.clips.specification import COLOURS, MOTIONS, ClipScene, ClipSpecification

if TYPE_CHECKING:
    import av

SIZE = 96  # pixels
FRAMES_PER_S = 8
WAY = 0.8  # share of the picture that a shape crosses within its scene
OUTLINE = np.ones((5, 5), np.uint8)  # two pixels on each side
SAMPLES_PER_S = 16_000
LOUDNESS = 0.2
QUALITY = {"crf": "20", "preset": "veryfast"}
ONE_TONE = {"aac_coder": "fast"}  # the default coder takes more than half of the time of a clip

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SHAPE_DISTANCES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "circle": lambda x, y: np.hypot(x, y),
    "square": lambda x, y: np.maximum(np.abs(x), np.abs(y)) * 1.15,
    "triangle": lambda x, y: np.maximum(y * 1.4, np.abs(x) * 1.25 - y * 0.65 + 0.05),
    "ring": lambda x, y: np.where(np.hypot(x, y) < 0.5, 2.0, np.hypot(x, y)),
    "cross": lambda x, y: np.where(np.minimum(np.abs(x), np.abs(y)) < 0.32, np.maximum(np.abs(x), np.abs(y)), 2.0),
    "diamond": lambda x, y: (np.abs(x) + np.abs(y)) * 0.85,
}
"""How far a point is from the middle of a shape, in radii; up to 1 it is inside."""


LOGO_SIZE = 22  # pixels
LOGO_PLACE = (4, SIZE - LOGO_SIZE - 4)  # row and column of its corner
LOGO_MASKS: dict[str, Callable[[Floats, Floats], Mask]] = {
    "bars": lambda x, y: (np.floor((x + 1) * 3) % 2 == 0) & (np.abs(y) < 0.8),
    "arch": lambda x, y: (np.abs(np.hypot(x, y - 0.5) - 0.85) < 0.25) & (y < 0.6),
    "dots": lambda x, y: np.hypot(np.abs(x) - 0.45, np.abs(y) - 0.45) < 0.3,
    "wave": lambda x, y: np.abs(y - 0.5 * np.sin(x * np.pi)) < 0.28,
    "key": lambda x, y: (np.hypot(x + 0.45, y) < 0.42) | ((np.abs(y) < 0.16) & (x > -0.2) & (x < 0.85)),
    "tree": lambda x, y: (np.hypot(x, y + 0.3) < 0.5) | ((np.abs(x) < 0.16) & (y > 0) & (y < 0.85)),
}
"""Which points of a square from -1 to 1 belong to a logo."""


def draw_frame(clip: ClipSpecification, time_s: float) -> Pixels:
    """The picture at a time: [SIZE, SIZE, RGB]."""
    number, share = clip.scene_at(time_s)
    scene = clip.scenes[number]
    picture = draw_background(scene)
    draw_shape(picture, scene, share)
    if scene.text:
        draw_text(picture, scene.text)
    draw_logo(picture, clip.logo)
    return np.asarray(picture.clip(0, 255), np.uint8)


def draw_background(scene: ClipScene) -> Floats:
    """A colour that darkens towards the bottom."""
    shade = np.linspace(1.15, 0.85, SIZE)[:, None, None]
    return np.asarray(np.broadcast_to(np.array(scene.background) * 255 * shade, (SIZE, SIZE, 3)).copy(), np.float64)


def draw_shape(picture: Floats, scene: ClipScene, share: float) -> None:
    """Draw the shape where it is after a share of its scene, with a dark outline."""
    import cv2

    right, down = MOTIONS[scene.motion]
    way = WAY * (share - 0.5)
    rows, columns = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    x = (columns - scene.centre[0] - right * way) / scene.radius
    y = (rows - scene.centre[1] - down * way) / scene.radius
    inside = (SHAPE_DISTANCES[scene.shape](x, y) <= 1).astype(np.uint8)
    picture[cv2.dilate(inside, OUTLINE) == 1] = 25
    picture[inside == 1] = COLOURS[scene.colour]


def draw_text(picture: Floats, text: str) -> None:
    """Burn a text into the bottom left corner."""
    import cv2

    drawn = np.zeros((SIZE, SIZE), np.uint8)
    cv2.putText(drawn, text.upper(), (5, SIZE - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2, cv2.LINE_AA)
    share = drawn[..., None] / 255
    picture[:] = picture * (1 - share) + 250 * share


def draw_logo(picture: Floats, logo: str) -> None:
    """Draw a logo, light on dark, in its corner."""
    rows, columns = np.mgrid[:LOGO_SIZE, :LOGO_SIZE] / (LOGO_SIZE - 1) * 2 - 1
    light = LOGO_MASKS[logo](columns, rows)
    top, left = LOGO_PLACE
    picture[top : top + LOGO_SIZE, left : left + LOGO_SIZE] = np.where(light, 240, 30)[..., None]


def frame_times_s(clip: ClipSpecification) -> list[float]:
    """Times of a clip's frames in seconds."""
    return [number / FRAMES_PER_S for number in range(round(clip.duration_s * FRAMES_PER_S))]


def write_clip(path: Path, clip: ClipSpecification) -> None:
    """Write a clip as MP4 with H.264 and AAC, whole or not at all."""
    import av

    part = part_path(path)
    with av.open(str(part), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=FRAMES_PER_S, options=QUALITY)
        video.width = video.height = SIZE
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1
        audio = container.add_stream("aac", rate=SAMPLES_PER_S, layout="mono", options=ONE_TONE)
        for time_s in frame_times_s(clip):
            frame = av.VideoFrame.from_ndarray(draw_frame(clip, time_s), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        container.mux(audio.encode(tone(clip)))
        container.mux(audio.encode(None))
    part.replace(path)


def tone(clip: ClipSpecification) -> av.AudioFrame:
    """The sound of a clip: one tone."""
    import av

    times_s = np.arange(round(clip.duration_s * SAMPLES_PER_S)) / SAMPLES_PER_S
    samples = (LOUDNESS * np.sin(2 * np.pi * clip.tone_hz * times_s)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.sample_rate = SAMPLES_PER_S
    return frame
