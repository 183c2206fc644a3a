"""Speed of scenes, sampled frames and look on one file, beside bare decoding and the tools one would use otherwise.

    python -m tests.performance.bench_media [DATA]

Generated 1280x720 and, where they are, the real clips. Each figure is the best of RUNS runs, one after the other:
decoding alone by PyAV on one thread without conversion; our listeners; the `scenedetect` command followed by PyAV
writing two frames a scene as pictures, as an ffmpeg extraction would.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from corpus.annotate.child import Shared
from corpus.annotate.choose import choose_annotators
from corpus.annotate.media import Message
from corpus.media.clip import open_clip
from studies.results import Part
from tests.performance.show import show

RUNS = 3
SECONDS, RATE = 60, 30
NAMES = "scenes,look"
COLUMNS = ("file", "what", "frames", "seconds", "frames/s", "of bare decoding")


def make_clip(path: Path) -> Path:
    """A minute of 1280x720: noise that drifts, cut every three seconds."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(SECONDS * RATE):
            if number % (3 * RATE) == 0:
                coarse = random.integers(0, 255, (24, 40, 3), np.uint8)
                picture = np.kron(coarse, np.ones((30, 34, 1), np.uint8))[:720]
            shift = number % (3 * RATE)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:, shift : shift + 1280]), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def decode_alone(path: Path) -> int:
    """Decode on one thread and look at nothing."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        return sum(1 for _ in container.decode(stream))


def annotate(path: Path) -> int:
    """Scenes, the times of frames and the look, as the child process makes them."""
    clip = open_clip(path)
    shared = Shared(choose_annotators(NAMES, [])[1], Message("youtube:a", clip.facts))
    decoded = clip.decode(shared, sound=False)
    shared.answers(decoded)
    return decoded.pictures


def other_tools(path: Path) -> int:
    """The scenedetect command, then two frames of each second as pictures by another pass."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).with_name("scenedetect")), "-q", "-i", str(path), "-o", folder]
        subprocess.run([*command, "detect-adaptive", "list-scenes"], check=True, stdout=subprocess.DEVNULL)
        count, wanted = 0, 0.0
        with av.open(str(path)) as container:
            for frame in container.decode(container.streams.video[0]):
                count += 1
                if frame.time is not None and frame.time >= wanted:
                    frame.to_image().save(Path(folder, f"{count}.jpg"))
                    wanted += 0.5
    return count


def best(run: Callable[[Path], int], path: Path) -> tuple[int, float]:
    """Frames, and the seconds of the fastest run."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        frames = run(path)
        times.append(time.perf_counter() - began)
    return frames, min(times)


def measure(data: Path | None = None) -> Part:
    """Each file, each way."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = [make_clip(Path(folder, "generated-720p.mp4"))]
        for name in sorted((data / "videos").glob("*.mp4")) if data else ():
            files.append(Path(shutil.copy(name, folder)))
        for file in files:
            bare = best(decode_alone, file)
            for what, (frames, seconds) in (
                ("PyAV, decoding alone", bare),
                ("cbc: scenes, frames, look", best(annotate, file)),
                ("scenedetect, then frames as pictures", best(other_tools, file)),
            ):
                rows.append([file.name, what, frames, seconds, frames / seconds, bare[1] / seconds])
    title = "Scenes, sampled frames and look (aim: 0.8 of bare decoding, 3 times the tools)"
    return Part(title, list(COLUMNS), rows)


if __name__ == "__main__":
    show(measure(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
