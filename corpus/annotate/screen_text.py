"""Text on screen by RapidOCR, whose models come with it, on the frames sampled in each replay scene."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

import pyarrow as pa
from pydantic import Field

from corpus.annotate.base import Row
from corpus.annotate.media import Listener, MediaAnnotator, Message
from corpus.annotate.sampled_frames import SampledFrames, are_alike
from corpus.media.clip import Picture, Pixels
from corpus.privacy.scrub import scrub_own
from corpus.strict_model import StrictModel

COMPARED = 480  # pixels on the longer side of frames that are compared
WIDEST = 1280  # pixels; larger frames take longer and show no more text that a viewer reads


class TextSettings(StrictModel):
    """The score, of 0 to 1, and the length from which a line is kept: shapes in pictures are read as single letters."""

    least_score: float = Field(default=0.6, ge=0, le=1)
    least_characters: int = Field(default=2, ge=1, le=100)


class ScreenText(MediaAnnotator):
    """Annotate the lines of text seen in each replay scene, each once, in reading order."""

    name = "text"
    version = 1
    columns = {"screen_text": pa.list_(pa.string())}
    fills = ("scene.screen_text",)
    sees = True
    packages = ("rapidocr",)
    settings_class = TextSettings

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        super().__init__(settings)
        self.reader: Any = None

    def models(self) -> list[str]:
        return [f"rapidocr {version('rapidocr')}"]

    def listen(self, message: Message, below: Mapping[str, Listener]) -> Listener:
        if self.reader is None:
            self.reader = make_reader()
        return Lines(message, self.reader, self.settings)


def make_reader() -> Any:
    """RapidOCR with its default models, on one thread."""
    from rapidocr import RapidOCR

    one_thread = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    return RapidOCR(params={**one_thread, "Global.log_level": "error"})


class Lines(SampledFrames):
    """Read the lines of one file; a frame like the one before is not read again."""

    def __init__(self, message: Message, reader: Any, settings: TextSettings) -> None:
        super().__init__(message)
        self.reader, self.settings = reader, settings
        self.lines: list[list[str]] = [[] for _ in message.scenes]
        self.last_seen: Pixels | None = None
        self.last_lines: list[str] = []

    def frame(self, scene: int, picture: Picture, small: Pixels) -> None:
        seen = picture.upright(COMPARED)
        if not are_alike(self.last_seen, seen):
            self.last_seen, self.last_lines = seen, self.read(picture)
        self.lines[scene] += [line for line in self.last_lines if line not in self.lines[scene]]

    def read(self, picture: Picture) -> list[str]:
        """The lines in a picture, without personal data."""
        read = self.reader(picture.upright(WIDEST)[..., ::-1])
        if read.txts is None:
            return []
        lines = zip(read.txts, read.scores, strict=True)
        kept = [" ".join(text.split()) for text, score in lines if score >= self.settings.least_score]
        return [scrub_own(line) for line in kept if len(line) >= self.settings.least_characters]

    def rows(self) -> Iterator[Row]:
        for (start_s, end_s), lines in zip(self.message.scenes, self.lines, strict=True):
            if lines:
                yield {"start_s": start_s, "end_s": end_s, "screen_text": lines}
