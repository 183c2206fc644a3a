"""Media files made by code: pictures from a function of time, sound from a function of time, and damaged ones."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 24_000  # Hz
TICK = Fraction(1, 1000)

Paint = Callable[[float], np.ndarray]
Play = Callable[[np.ndarray], np.ndarray]


def plain(red: int, green: int, blue: int, width: int = 160, height: int = 96) -> np.ndarray:
    """A picture of one colour, with a gradient so that codecs have something to do."""
    shade = np.linspace(0.85, 1, width)[None, :, None]
    return (np.full((height, width, 3), (red, green, blue)) * shade).astype(np.uint8)


def tone(seconds: np.ndarray, pitch_hz: float = 440.0, height: float = 0.3) -> np.ndarray:
    return height * np.sin(2 * np.pi * pitch_hz * seconds)


def make_clip(
    path: Path,
    paint: Paint | None = None,
    play: Play | None = None,
    duration_s: float = 4.0,
    times_s: Sequence[float] | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    layout: str = "mono",
    sound_from_s: float = 0.0,
) -> Path:
    """Write a clip whose pictures stand at `times_s` (25 a second by default); its container follows from the name."""
    times_s = np.arange(0, duration_s, 0.04) if times_s is None else times_s
    with av.open(str(path), "w") as container:
        video = audio = None
        if paint is not None:
            first = paint(0.0)
            video = container.add_stream(codec, rate=25)
            video.height, video.width, video.pix_fmt = *first.shape[:2], pixels
            video.codec_context.time_base = TICK
        if play is not None:
            encoder = "aac" if path.suffix in (".mp4", ".ts") else "pcm_s16le"
            audio = container.add_stream(encoder, rate=RATE, layout=layout)
        if video is not None:
            for time_s in times_s:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(paint(float(time_s))), format="rgb24")
                frame.pts, frame.time_base = round(time_s / TICK), TICK
                container.mux(video.encode(frame))
            container.mux(video.encode())
        if audio is not None:
            block = RATE // 10
            for start in range(0, round((duration_s - sound_from_s) * RATE), block):
                samples = play(np.arange(start, start + block) / RATE)
                channels = {"mono": 1, "stereo": 2}[layout]
                interleaved = np.repeat((samples * 32767).astype(np.int16), channels)[None, :]
                frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout=layout)
                frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
                frame.pts = start + round(sound_from_s * RATE)
                container.mux(audio.encode(frame))
            container.mux(audio.encode())
    return path


def colours_in_turn(*colours: tuple[int, int, int], each_s: float = 1.0, **size: int) -> Paint:
    """Pictures of one colour after the other."""
    pictures = [plain(*colour, **size) for colour in colours]
    return lambda time_s: pictures[min(int(time_s / each_s + 1e-6), len(pictures) - 1)]


def rotate(path: Path) -> Path:
    """Say in an MP4's header that it is shown turned by 90 degrees, as telephones do."""
    content = bytearray(path.read_bytes())
    place = content.find(b"tkhd") + 4 + 4 + 20 + 16  # version and flags, times and id, layer to volume
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    content[place : place + 36] = matrix
    path.write_bytes(bytes(content))
    return path
