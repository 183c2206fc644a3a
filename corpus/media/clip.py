"""Open a media file and decode it once: facts of its container, its pictures in their order, its sound as mono blocks.

A file may be hostile: only container formats that hold their own content are opened (a playlist could name other files
or addresses), pictures have a limit in pixels and clips one in seconds, and at most WAITING_BYTES of decoded pictures
wait. Whoever decodes files of strangers does so in a process of its own (corpus/annotate/child.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler

from corpus.errors import CbcError

FORMATS = ",".join(
    (
        *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "asf", "ogg"),
        *("mp3", "wav", "flac", "aac", "aiff", "au", "caf", "gif", "apng", "ivf", "h264", "hevc", "m4v", "mpegvideo"),
        *("png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe"),
    )
)
SAMPLE_RATE = 16_000  # Hz, what speech recognizers read
WAITING_BYTES = 64_000_000
MOST_BAD_PACKETS = 1_000

Pixels = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.float32]


class BadMedia(CbcError):
    """A media file cannot be used; its first argument is the reason that stands among the rejects."""


@dataclass(frozen=True)
class Limits:
    """How large a media file may be, and how much of it is read (`read_s`, seconds; null: all)."""

    pixels: int = 8192 * 4320
    duration_s: float = 12 * 3600.0
    read_s: float | None = None


@dataclass(frozen=True)
class Facts:
    """What a container says of its first video and audio stream; null where there is none or it says nothing.

    `duration_s`: where its last packet ends; `stated_s`: the duration that its header states.
    """

    duration_s: float | None
    stated_s: float | None = None
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    video_codec: str | None = None
    audio_codec: str | None = None

    @property
    def sees(self) -> bool:
        """Whether there are pictures."""
        return self.video_codec is not None

    @property
    def hears(self) -> bool:
        """Whether there is sound."""
        return self.audio_codec is not None


@dataclass(frozen=True)
class Picture:
    """A decoded picture at its time, with its stream's frames a second."""

    frame: av.VideoFrame
    time_s: float
    frame_rate: float

    def upright(self, widest: int | None = None) -> Pixels:
        """The picture as a viewer sees it, at most `widest` pixels on its longer side, [height, width, RGB]."""
        scale = min(1.0, (widest or math.inf) / max(self.frame.width, self.frame.height))
        width, height = (max(1, round(side * scale)) for side in (self.frame.width, self.frame.height))
        pixels = np.asarray(self.frame.to_ndarray(format="rgb24", width=width, height=height), np.uint8)
        return np.ascontiguousarray(np.rot90(pixels, round(self.frame.rotation / 90)))


@dataclass(frozen=True)
class Sound:
    """Sound from a time on: `frame` as the file has it; `samples`: mono, SAMPLE_RATE, -1 to 1.

    Without a frame it is the silence of a stretch for which the file has no sound.
    """

    frame: av.AudioFrame | None
    samples: Samples
    time_s: float


Listener = Callable[[Picture | Sound], None]


@dataclass
class Decoded:
    """What decoding came to: how far pictures and sound reach (seconds), and how many packets were damaged."""

    pictures: int = 0
    pictures_end_s: float = 0.0
    sound_end_s: float = 0.0
    bad_packets: int = 0

    @property
    def end_s(self) -> float:
        """Where the clip ends, in seconds."""
        return max(self.pictures_end_s, self.sound_end_s)


@dataclass
class Clip:
    """An open media file; use `open_clip`."""

    container: Any
    video: Any
    audio: Any
    facts: Facts
    limits: Limits
    decoded: Decoded = field(default_factory=Decoded)

    def decode(self, listener: Listener, pictures: bool = True, sound: bool = True) -> Decoded:
        """Decode once and tell a listener of each picture and block of sound, on a thread of its own.

        Decoding and listening overlap, since both leave Python's lock. Raises BadMedia, and what the listener raises.
        """
        streams = [s for s, wanted in ((self.video, pictures), (self.audio, sound)) if s is not None and wanted]
        if not streams:
            return self.decoded
        if self.video is not None:
            self.video.codec_context.thread_type = "SLICE"  # threads by frame can hang when decoding stops early
            self.video.codec_context.thread_count = 1
        waiting: Queue[Picture | Sound | None] = Queue(waiting_pictures(self.facts))
        failures: list[BaseException] = []
        thread = Thread(target=listen, args=(waiting, listener, failures), daemon=True)
        thread.start()
        try:
            for part in self._parts(streams):
                if failures:
                    break
                waiting.put(part)
        finally:
            waiting.put(None)
            thread.join()
        if failures:
            raise failures[0]
        if not (self.decoded.pictures or self.decoded.sound_end_s):
            raise BadMedia("nothing in it can be decoded", "fetch it again")
        return self.decoded

    def _parts(self, streams: Sequence[Any]) -> Iterator[Picture | Sound]:
        """Yield pictures and blocks of sound in the order of the file, up to the limit of reading."""
        resampled = Resampled()
        rate = self.facts.frame_rate or 25.0
        read_s = math.inf if self.limits.read_s is None else self.limits.read_s
        for packet in packets(self.container, streams):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self.decoded.bad_packets += 1
                if self.decoded.bad_packets > MOST_BAD_PACKETS:
                    raise BadMedia("more than a thousand damaged packets", "fetch it again") from None
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    time_s = self.decoded.pictures_end_s if frame.time is None else frame.time - self.start_s
                    self.decoded.pictures += 1
                    shown_s = (
                        float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 1 / rate
                    )
                    self.decoded.pictures_end_s = max(self.decoded.pictures_end_s, time_s + shown_s)
                    check_length(time_s, self.limits)
                    yield Picture(frame, max(time_s, 0.0), rate)
                else:
                    check_length(resampled.end_s, self.limits)
                    if frame.time is not None:
                        check_length(frame.time - self.start_s, self.limits)
                        yield from resampled.silence_until(frame.time - self.start_s)
                    yield resampled.sound(frame)
                    self.decoded.sound_end_s = resampled.end_s
            if min(self._ends(streams)) > read_s:
                return

    def _ends(self, streams: Sequence[Any]) -> Iterator[float]:
        """How far each decoded stream was read, in seconds."""
        if self.video in streams:
            yield self.decoded.pictures_end_s
        if self.audio in streams:
            yield self.decoded.sound_end_s

    @property
    def start_s(self) -> float:
        """Time at which the file begins, as its container counts."""
        start = self.container.start_time
        return start / av.time_base if start is not None else 0.0


EMPTY = np.zeros(0, np.float32)
GAP_S, SILENCE_S = 0.2, 10.0  # a stretch without sound from which on it counts; silence comes in blocks of so much


class Resampled:
    """Sound of any kind as mono at SAMPLE_RATE, in step with the time stamps of its frames."""

    def __init__(self) -> None:
        self.resampler: AudioResampler | None = None
        self.kind: tuple[Any, ...] = ()
        self.count = 0

    @property
    def end_s(self) -> float:
        """Where the sound so far ends."""
        return self.count / SAMPLE_RATE

    def sound(self, frame: av.AudioFrame) -> Sound:
        """A frame's sound; the mean of its channels, so that no mix is louder than they are."""
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self.resampler is None or kind != self.kind:  # at the beginning, or where the stream changes
            self.resampler = AudioResampler(format="fltp", layout=frame.layout.name, rate=SAMPLE_RATE)
            self.kind = kind
        parts = [part.to_ndarray().mean(0) for part in self.resampler.resample(frame)]
        sound = Sound(frame, np.concatenate(parts or [EMPTY]).astype(np.float32), self.end_s)
        self.count += len(sound.samples)
        return sound

    def silence_until(self, time_s: float) -> Iterator[Sound]:
        """Silence up to a time, if that is later than GAP_S after the sound so far."""
        missing = round(time_s * SAMPLE_RATE) - self.count
        if missing < GAP_S * SAMPLE_RATE:
            return
        block = round(SILENCE_S * SAMPLE_RATE)
        for length in [block] * (missing // block) + [missing % block]:
            yield Sound(None, np.zeros(length, np.float32), self.end_s)
            self.count += length


def packets(container: Any, streams: Sequence[Any]) -> Iterator[Any]:
    """Yield the packets of some streams; a file that ends in the middle of one ends there."""
    try:
        yield from container.demux(*streams)
    except av.error.FFmpegError:
        return


def listen(waiting: Queue[Picture | Sound | None], listener: Listener, failures: list[BaseException]) -> None:
    """Tell a listener of what waits until the end; after its first failure, only empty the queue."""
    while (part := waiting.get()) is not None:
        if not failures:
            try:
                listener(part)
            except BaseException as failure:
                failures.append(failure)


def waiting_pictures(facts: Facts) -> int:
    """How many decoded pictures may wait."""
    picture_bytes = (facts.width or 1) * (facts.height or 1) * 3 // 2
    return max(2, min(64, WAITING_BYTES // max(picture_bytes, 1)))


def check_length(time_s: float, limits: Limits) -> None:
    """Raises BadMedia at a time after the limit, whatever the container said of its length."""
    if time_s > limits.duration_s:
        raise BadMedia(f"longer than {limits.duration_s / 3600:g} hours", "raise the limit")


def open_clip(path: Path, limits: Limits | None = None) -> Clip:
    """Open a media file and read its facts; nothing is decoded yet. Raises BadMedia."""
    limits = limits or Limits()
    if path.is_symlink() or not path.is_file():
        raise BadMedia("no regular file", "links are not followed")
    if path.stat().st_size == 0:
        raise BadMedia("an empty file", "fetch it again")
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
    try:
        container = av.open(f"file:{path}", metadata_errors="ignore", options=options)
    except (av.error.FFmpegError, ValueError, UnicodeError) as error:
        reason = str(getattr(error, "strerror", None) or error)
        raise BadMedia(f"no media file that can be opened ({reason.lower()})", "fetch it again") from None
    video = next((stream for stream in container.streams.video if not is_cover(stream)), None)
    audio = next(iter(container.streams.audio), None)
    if video is None and audio is None:
        raise BadMedia("neither pictures nor sound in it", "fetch it again")
    facts = read_facts(container, video, audio, last_packet_s(path, options))
    if (facts.width or 0) * (facts.height or 0) > limits.pixels:
        raise BadMedia(f"pictures of {facts.width} by {facts.height}", "raise the limit")
    check_length(facts.duration_s or 0.0, limits)
    return Clip(container, video, audio, facts, limits)


def is_cover(stream: Any) -> bool:
    """Whether a video stream is only the cover of a sound file."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def last_packet_s(path: Path, options: dict[str, str]) -> float:
    """Where the last packet of pictures or sound ends, in seconds from the beginning: a header may not know or lie.

    Packets are only read, which costs a hundredth of decoding them.
    """
    end_s = 0.0
    with av.open(f"file:{path}", metadata_errors="ignore", options=options) as container:
        start_s = (container.start_time or 0) / av.time_base
        streams = [stream for stream in container.streams if stream.type in ("video", "audio")]
        for packet in packets(container, streams):
            if packet.pts is not None and packet.time_base:
                duration = packet.duration or 0
                end_s = max(end_s, float((packet.pts + duration) * packet.time_base) - start_s)
    return end_s


def read_facts(container: Any, video: Any, audio: Any, duration_s: float) -> Facts:
    """What a container states of its streams."""
    rate = video.average_rate or video.guessed_rate if video is not None else None
    return Facts(
        duration_s=duration_s or None,
        stated_s=container.duration / av.time_base if container.duration is not None else None,
        width=video.width if video is not None else None,
        height=video.height if video is not None else None,
        frame_rate=float(rate) if rate else None,
        video_codec=codec_name(video),
        audio_codec=codec_name(audio),
    )


def codec_name(stream: Any) -> str | None:
    """Name of a stream's codec; `unknown` if no decoder here knows it."""
    if stream is None:
        return None
    return str(stream.codec_context.name) if stream.codec_context is not None else "unknown"
