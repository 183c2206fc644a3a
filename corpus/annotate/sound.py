"""How a video sounds, without a model: loudness by ffmpeg's EBU R 128 meter, silence, and tempo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from av.filter import Graph

from corpus.annotate.base import Row
from corpus.annotate.media import Listener, MediaAnnotator, Message
from corpus.media.clip import SAMPLE_RATE, Decoded, Samples, Sound

HOP = 512  # samples between the spectra that beats are sought in, 32 ms
WINDOW = 1024  # samples
SILENT_DB = -50.0  # decibels below full scale, over a tenth of a second
QUIETEST_LUFS = -70.0  # the gate of EBU R 128: what is below it counts as silence
SLOWEST_BPM, FASTEST_BPM, USUAL_BPM = 40.0, 220.0, 120.0
MOST_BANDS = 24
TEMPO_S = 600.0  # seconds from the start in which beats are sought: memory does not grow with the length

Floats = npt.NDArray[np.float64]
HANN = np.hanning(WINDOW)
BAND_STARTS = np.unique(np.geomspace(2, WINDOW // 2 - 8, MOST_BANDS).astype(int))


class SoundMeasures(MediaAnnotator):
    """Annotate the sound of each replay scene, and of the whole with its tempo.

    `loudness_lufs`: integrated over the whole, the mean power of momentary values in a scene; null where all is below
    the gate. `silence`: share of the time below SILENT_DB. `tempo_bpm`: beats a minute, null
    without a beat.
    """

    name = "sound"
    version = 1
    columns = {"loudness_lufs": pa.float64(), "silence": pa.float64(), "tempo_bpm": pa.float64()}
    hears = True

    def listen(self, message: Message, below: Mapping[str, Listener]) -> Listener:
        return Heard(message)


class Heard(Listener):
    """Momentary loudness and level of each tenth of a second, and the strength of beginnings, of one file."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.meter: Any = None
        self.sound_of_meter: tuple[Any, ...] = ()
        self.momentary_lufs: list[float] = []
        self.levels_db: list[float] = []
        self.part_lufs, self.part_tenths = QUIETEST_LUFS, 0
        self.parts: list[tuple[float, int]] = []
        """Integrated loudness and length of each part of the stream that is of one kind."""
        self.left = np.zeros(0, np.float32)
        self.unread = np.zeros(0, np.float32)
        self.onsets: list[float] = []
        self.last_bands = np.zeros(len(BAND_STARTS))

    def sound(self, sound: Sound) -> None:
        if sound.frame is None:
            self.momentary_lufs += [QUIETEST_LUFS] * round(10 * len(sound.samples) / SAMPLE_RATE)
        else:
            self._measure_loudness(sound.frame)
        self._measure_levels(sound.samples)
        if len(self.onsets) * HOP < TEMPO_S * SAMPLE_RATE:
            self._measure_onsets(sound.samples)

    def _measure_loudness(self, frame: av.AudioFrame) -> None:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self.sound_of_meter:  # at the beginning, or where a stream changes
            self._end_meter()
            self.meter, self.sound_of_meter = loudness_meter(frame), kind
        self.meter.push(frame)
        self._read_meter()

    def _read_meter(self) -> None:
        while True:
            try:
                frame = self.meter.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if "lavfi.r128.M" in frame.metadata:  # the last part of a tenth of a second has none
                self.momentary_lufs.append(float(frame.metadata["lavfi.r128.M"]))
                self.part_lufs = float(frame.metadata["lavfi.r128.I"])
                self.part_tenths += 1

    def _measure_levels(self, samples: Samples) -> None:
        tenth = SAMPLE_RATE // 10
        joined = np.concatenate([self.left, samples])
        whole = len(joined) // tenth * tenth
        power = np.square(joined[:whole].reshape(-1, tenth), dtype=np.float64).mean(1)
        self.levels_db += (10 * np.log10(np.maximum(power, 1e-12))).tolist()
        self.left = joined[whole:]

    def _measure_onsets(self, samples: Samples) -> None:
        joined = np.concatenate([self.unread, samples])
        count = max(0, (len(joined) - WINDOW) // HOP + 1)
        for start in range(0, count * HOP, HOP):
            spectrum = np.abs(np.fft.rfft(joined[start : start + WINDOW] * HANN))
            bands = np.log1p(100 * np.add.reduceat(spectrum, BAND_STARTS))
            self.onsets.append(float(np.maximum(bands - self.last_bands, 0).sum()))
            self.last_bands = bands
        self.unread = joined[count * HOP :]

    def _end_meter(self) -> None:
        if self.meter is not None:
            self.meter.push(None)
            self._read_meter()
            self.parts.append((self.part_lufs, self.part_tenths))
            self.part_lufs, self.part_tenths = QUIETEST_LUFS, 0

    def _whole_lufs(self) -> float:
        """Loudness of the whole; where the kind of sound changes, the mean power of the parts above the gate."""
        heard = [(lufs, tenths) for lufs, tenths in self.parts if lufs > QUIETEST_LUFS and tenths]
        if not heard:
            return QUIETEST_LUFS
        power = sum(10 ** (lufs / 10) * tenths for lufs, tenths in heard) / sum(tenths for _, tenths in heard)
        return float(10 * np.log10(power))

    def finish(self, decoded: Decoded) -> None:
        self._end_meter()

    def rows(self) -> Iterator[Row]:
        levels_db, momentary = np.array(self.levels_db), np.array(self.momentary_lufs)
        if not len(levels_db):
            return
        whole = {
            "loudness_lufs": loudness_or_none(self._whole_lufs()),
            "silence": float((levels_db < SILENT_DB).mean()),
        }
        yield {**whole, "tempo_bpm": tempo(np.array(self.onsets))}
        for start_s, end_s in self.message.scenes:
            first, last = round(start_s * 10), round(end_s * 10)
            of_scene = levels_db[first:last]
            if len(of_scene):
                power = np.power(10, momentary[first:last] / 10).mean() if len(momentary[first:last]) else 0.0
                lufs = 10 * np.log10(max(power, 1e-12))
                silence = float((of_scene < SILENT_DB).mean())
                yield {"start_s": start_s, "end_s": end_s, "loudness_lufs": loudness_or_none(lufs), "silence": silence}


def loudness_meter(frame: av.AudioFrame) -> Any:
    """A filter graph of ffmpeg that measures loudness as EBU R 128 does, in the metadata of its frames."""
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format.name,
        layout=frame.layout.name,
        time_base=Fraction(1, frame.sample_rate),
    )
    meter = graph.add("ebur128", "metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    return graph


def loudness_or_none(lufs: float) -> float | None:
    """A loudness above the gate, to a hundredth."""
    return round(float(lufs), 2) if lufs > QUIETEST_LUFS else None


def tempo(onsets: Floats) -> float | None:
    """Beats a minute from the strengths of beginnings every HOP samples; None without a beat.

    The lag at which the strengths repeat best, weighed by a log-normal prior around USUAL_BPM of one octave: the same
    beat can be counted at half or double the rate.
    """
    per_minute = 60 * SAMPLE_RATE / HOP
    lags = np.arange(int(per_minute / FASTEST_BPM), int(per_minute / SLOWEST_BPM) + 1)
    if len(onsets) < 2 * lags[-1] or onsets.std() == 0:
        return None
    centred = onsets - onsets.mean()
    length = 1 << (2 * len(centred) - 1).bit_length()
    spectrum = np.fft.rfft(centred, length)
    most = min(8 * lags[-1] + 3, len(centred) * 3 // 4)
    repeats = np.fft.irfft(spectrum * spectrum.conj(), length)[:most] / (len(centred) - np.arange(most))
    repeats /= repeats[0]
    prior = np.exp(-0.5 * np.log2(per_minute / lags / USUAL_BPM) ** 2)
    best = int(lags[np.argmax(repeats[lags] * prior)])
    if repeats[best] < 0.1:
        return None
    lag = peak_near(repeats, best)
    for beats in (2, 4, 8):  # several beats later the same peak tells the lag several times as exactly
        if round(beats * lag) + 2 < len(repeats):
            lag = peak_near(repeats, round(beats * lag)) / beats
    return round(float(per_minute / lag), 1)


def peak_near(repeats: Floats, place: int) -> float:
    """The top of the parabola through the highest value within one of a place, and its neighbours."""
    best = place - 1 + int(repeats[place - 1 : place + 2].argmax())
    before, at, after = repeats[best - 1], repeats[best], repeats[best + 1]
    bend = before - 2 * at + after
    return float(best + (0.5 * (before - after) / bend if bend < 0 else 0.0))
