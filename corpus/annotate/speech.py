"""What is said in a video, with the times of words: by Whisper, or by pocketsphinx, which needs no weights of its own.

Words are given to replay scenes by their times. Sound is read in pieces of at most PIECE_S seconds, cut where it is
quiet, so that memory does not grow with the length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from corpus.annotate.base import Row
from corpus.annotate.media import Listener, MediaAnnotator, Message
from corpus.annotate.whisper_weights import whisper_folder, whisper_hash
from corpus.media.clip import SAMPLE_RATE, Decoded, Samples, Sound
from corpus.privacy.scrub import scrub_own
from corpus.strict_model import StrictModel

PIECE_S, QUIET_WITHIN_S = 600, 30  # length of a piece; the quietest tenth of its last seconds is where it ends
FULL_SCALE = 32767
WINDOW_S = 0.5  # in which pocketsphinx decides whether somebody speaks

WORD = pa.struct({"text": pa.string(), "start_s": pa.float64(), "end_s": pa.float64(), "confidence": pa.float64()})


class SpeechSettings(StrictModel):
    """Who listens; for Whisper the model (a folder, `base` from `make weights`, or a name at the hub) and the language.

    `language` is null where Whisper should find it out.
    """

    engine: Literal["whisper", "pocketsphinx"] = "whisper"
    model: str = "base"
    language: str | None = None


@dataclass(frozen=True)
class Word:
    """A word and the white space before it, its times in seconds, and the recognizer's confidence, 0 to 1."""

    text: str
    start_s: float
    end_s: float
    confidence: float


Utterance = list[Word]
Recognizer = Any
"""(samples: [n], SAMPLE_RATE) -> utterances, with times from the first sample."""


class Speech(MediaAnnotator):
    """Annotate utterances with their words; an utterance that spans several scenes is a row in each."""

    name = "speech"
    version = 1
    columns = {"speech": pa.string(), "words": pa.list_(WORD), "language": pa.string()}
    fills = ("scene.speech",)
    hears = True
    packages = ("faster_whisper", "pocketsphinx")
    settings_class = SpeechSettings

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        super().__init__(settings)
        self.recognizer: Recognizer = None

    def models(self) -> list[str]:
        if self.settings.engine == "pocketsphinx":
            return [f"pocketsphinx {version('pocketsphinx')}"]
        return [f"faster-whisper {version('faster-whisper')}", whisper_hash(self.settings.model)]

    def listen(self, message: Message, below: Mapping[str, Listener]) -> Listener:
        if self.recognizer is None:
            self.recognizer = RECOGNIZERS[self.settings.engine](self.settings)
        return Utterances(message, self.recognizer)


class Utterances(Listener):
    """Collect the utterances of one file."""

    def __init__(self, message: Message, recognizer: Recognizer) -> None:
        self.message, self.recognizer = message, recognizer
        self.waiting: list[Samples] = []
        self.waiting_samples = 0
        self.piece_start_s = 0.0
        self.utterances: list[Utterance] = []

    def sound(self, sound: Sound) -> None:
        self.waiting.append(sound.samples)
        self.waiting_samples += len(sound.samples)
        if self.waiting_samples >= PIECE_S * SAMPLE_RATE:
            samples = np.concatenate(self.waiting)
            end = quiet_place(samples)
            self._recognize(samples[:end])
            self.waiting, self.waiting_samples = [samples[end:]], len(samples) - end

    def _recognize(self, samples: Samples) -> None:
        start_s = self.piece_start_s
        for words in self.recognizer.utterances(samples):
            self.utterances.append([Word(w.text, w.start_s + start_s, w.end_s + start_s, w.confidence) for w in words])
        self.piece_start_s += len(samples) / SAMPLE_RATE

    def finish(self, decoded: Decoded) -> None:
        if self.waiting_samples:
            self._recognize(np.concatenate(self.waiting))
        self.waiting, self.waiting_samples = [], 0

    def rows(self) -> Iterator[Row]:
        starts_s = [start_s for start_s, _ in self.message.scenes[1:]]
        for utterance in self.utterances:
            scenes = np.searchsorted(starts_s, [word.start_s for word in utterance], side="right")
            for scene in np.unique(scenes):
                words = [word for word, of_scene in zip(utterance, scenes, strict=True) if of_scene == scene]
                yield self._row(words)

    def _row(self, words: Sequence[Word]) -> Row:
        text = " ".join("".join(word.text for word in words).split())
        clean = scrub_own(text)
        # Where something was scrubbed no words are listed: it could be put together again from them.
        listed = [{**asdict(word), "text": word.text.strip()} for word in words] if clean == text else None
        language = self.recognizer.language
        return {
            **{"start_s": words[0].start_s, "end_s": words[-1].end_s},
            **{"speech": clean, "words": listed, "language": language},
        }


def quiet_place(samples: Samples) -> int:
    """The middle of the quietest tenth of a second in the last QUIET_WITHIN_S of a piece, in samples."""
    tenth = SAMPLE_RATE // 10
    first = len(samples) - QUIET_WITHIN_S * SAMPLE_RATE
    tenths = samples[first:][: QUIET_WITHIN_S * SAMPLE_RATE // tenth * tenth].reshape(-1, tenth)
    return first + int(np.square(tenths).mean(1).argmin()) * tenth + tenth // 2


class Whisper:
    """faster-whisper one segment after the other: its batched mode loses some. Raises NoWhisper."""

    def __init__(self, settings: SpeechSettings) -> None:
        from faster_whisper import WhisperModel

        folder = whisper_folder(settings.model)
        self.model = WhisperModel(str(folder), device="cpu", compute_type="default", cpu_threads=1)
        self.asked_language = settings.language
        self.language: str | None = settings.language

    def utterances(self, samples: Samples) -> Iterator[Utterance]:
        """Yield the utterances of a piece."""
        segments, about = self.model.transcribe(
            samples, language=self.asked_language, word_timestamps=True, vad_filter=True, beam_size=5
        )
        self.language = about.language
        for segment in segments:
            words = [Word(w.word, w.start, w.end, w.probability) for w in segment.words or ()]
            if words:
                yield words


class PocketSphinx:
    """pocketsphinx with the English model that comes with it."""

    language = "en"

    def __init__(self, settings: SpeechSettings) -> None:
        from pocketsphinx import Decoder

        self.decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")

    def utterances(self, samples: Samples) -> Iterator[Utterance]:
        """Yield what is said between pauses."""
        from pocketsphinx import Endpointer

        endpointer = Endpointer(window=WINDOW_S, sample_rate=SAMPLE_RATE)
        sound = (np.clip(samples, -1, 1) * FULL_SCALE).astype("<i2").tobytes()
        step = endpointer.frame_bytes
        heard, start_s = b"", 0.0
        for place in range(0, len(sound), step):
            part = sound[place : place + step]
            is_last = place + step >= len(sound)
            speech = endpointer.end_stream(part) if is_last else endpointer.process(part)
            if speech is not None:
                start_s = start_s if heard else endpointer.speech_start
                heard += speech
            if heard and not endpointer.in_speech:
                self.decoder.start_utt()
                self.decoder.process_raw(heard, full_utt=True)  # its level is that of the whole, not of its beginning
                self.decoder.end_utt()
                if words := list(self._words(start_s)):
                    yield words
                heard = b""

    def _words(self, start_s: float) -> Iterable[Word]:
        """The words of the last utterance, which began at a time."""
        frames = self.decoder.config["frate"]
        probability = self.decoder.get_logmath()
        for segment in self.decoder.seg() or ():
            text = segment.word.partition("(")[0]
            if text and not text.startswith(("<", "[")):
                first_s, last_s = (start_s + frame / frames for frame in (segment.start_frame, segment.end_frame + 1))
                yield Word(f" {text}", first_s, last_s, min(1.0, float(probability.exp(segment.prob))))


RECOGNIZERS: dict[str, Any] = {"whisper": Whisper, "pocketsphinx": PocketSphinx}
