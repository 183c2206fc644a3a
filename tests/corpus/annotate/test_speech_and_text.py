"""What is said and shown in a video is read, and stands in the scenes of its time."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("av")

from corpus.annotate.choose import choose_annotators
from corpus.annotate.media import Message
from corpus.annotate.media_run import annotate_media
from corpus.annotate.model_folders import CODE
from corpus.annotate.sampled_frames import SampledFrames
from corpus.annotate.screen_text import Lines, TextSettings
from corpus.annotate.speech import PIECE_S, Utterances, Word
from corpus.annotate.whisper_weights import NoWhisper, whisper_folder
from corpus.media.clip import SAMPLE_RATE, Decoded, Facts, Sound, open_clip
from corpus.media.shrink import shrink
from corpus.media_packages import NoMediaPackages
from tests.corpus.annotate.test_media import chosen, corpus_of, view
from tests.corpus.media.made_clips import make_clip, plain
from tests.corpus.sources.mapped import rows

SPOKEN = (
    "Good morning and welcome to our store. Today we show you how a pair of shoes is made. First the leather is cut "
    "by hand. Then it is sewn together with strong thread. The sole is made of rubber, so that it holds on wet stone. "
    "Every pair is checked before it leaves the house. We have made shoes in this town for forty years, and we still "
    "like our work. If you come on Saturday, you can try them on and talk to the people who made them."
)


def written(*lines: str, width: int = 480, height: int = 270) -> np.ndarray:
    """A picture with lines of text."""
    picture = np.ascontiguousarray(plain(30, 60, 120, width, height))
    for number, line in enumerate(lines):
        cv2.putText(
            picture, line, (30, 90 + 80 * number), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (255, 255, 255), 2, cv2.LINE_AA
        )
    return picture


def spoken(path: Path, text: str) -> Path:
    """A sound file of flite's voice rms."""
    flite = shutil.which("flite")
    if flite is None:
        pytest.skip("needs flite, Debian's package of that name, to speak")
    subprocess.run([flite, "-voice", "rms", "-t", text, "-o", str(path)], check=True)
    return path


def word_errors(truth: str, told: str) -> float:
    """Share of wrong words after Whisper's own normalizer."""
    jiwer = pytest.importorskip("jiwer")
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    normalize = EnglishTextNormalizer({})
    return jiwer.wer(normalize(truth), normalize(told))


def whisper() -> str:
    """The folder of Whisper base."""
    try:
        return whisper_folder("base")
    except NoWhisper as error:
        pytest.skip(f"needs Whisper's weights: {error}")


def test_text_on_screen_is_read_exactly_in_its_scenes(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    pictures = [written("SUMMER SALE", "50% off shoes"), written("Free delivery"), written(), written("Alvora 2024")]
    make_clip(corpus / "media" / "aaaaaaaaaaa.mp4", lambda t: pictures[min(int(t / 2 + 1e-6), 3)], duration_s=10)
    annotate_media(corpus, chosen("text"), workers=1)
    told = rows(corpus, f'SELECT start_s, screen_text FROM "{view(corpus, "text")}" ORDER BY start_s')
    shown: list[list[str]] = [[] for _ in range(10)]
    for start_s, lines in told:
        shown[round(start_s)] = lines
    assert shown[0] == shown[1] == ["SUMMER SALE", "50% off shoes"]
    assert shown[2] == shown[3] == ["Free delivery"] and shown[4] == shown[5] == []
    assert shown[6] == shown[7] == shown[8] == shown[9] == ["Alvora 2024"]


def test_text_fills_the_view_of_scenes_and_says_where_it_comes_from(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    make_clip(corpus / "media" / "aaaaaaaaaaa.mp4", lambda _: written("SUMMER SALE"), times_s=np.arange(0, 4, 0.2))
    annotate_media(corpus, chosen("text"), workers=1)
    ((text, origin),) = rows(corpus, "SELECT screen_text, screen_text_from FROM scene")
    assert set(text) == {"SUMMER SALE"} and origin == view(corpus, "text")


class CountingReader:
    """Gives a line that says how often it was asked."""

    def __init__(self):
        self.asked = 0

    def __call__(self, picture):
        self.asked += 1
        return type("Read", (), {"txts": (f"line {self.asked}", "x", "call 555 123 4567"), "scores": (0.9, 0.9, 0.9)})


def listened(listener, path: Path):
    """A listener after a whole file."""

    def tell(part):
        listener.sound(part) if isinstance(part, Sound) else listener.picture(part, shrink(part))

    listener.finish(open_clip(path).decode(tell))
    return list(listener.rows())


def test_a_frame_like_the_one_before_is_not_read_again(tmp_path):
    pictures = [written("one"), written("two")]
    clip = make_clip(tmp_path / "a.mp4", lambda t: pictures[int(t >= 5)], times_s=np.arange(0, 10, 0.1))
    reader = CountingReader()
    message = Message("youtube:a", Facts(duration_s=10.0))
    told = listened(Lines(message, reader, TextSettings()), clip)
    assert len(message.scenes) == 10 and reader.asked == 2
    assert [row["screen_text"][0] for row in told] == ["line 1"] * 5 + ["line 2"] * 5
    assert all("555" not in " ".join(row["screen_text"]) and "x" not in row["screen_text"] for row in told)


class Times(SampledFrames):
    def __init__(self, message):
        super().__init__(message)
        self.taken = []

    def frame(self, scene, picture, small):
        self.taken.append((scene, picture.time_s))

    def rows(self):
        return []


def test_two_frames_of_each_scene_are_taken_also_where_pictures_end_early(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", lambda _: plain(9, 9, 9), times_s=np.arange(0, 5, 0.04))
    message = Message("youtube:a", Facts(duration_s=10.0))
    times = Times(message)
    listened(times, clip)
    assert [scene for scene, _ in times.taken] == [scene for scene in range(10) for _ in range(2)]
    for (scene, time_s), wanted_s in zip(times.taken, np.ravel(message.frame_times_s), strict=True):
        assert 0 <= time_s - wanted_s < 0.05 if wanted_s < 4.9 else time_s == pytest.approx(4.96, abs=0.05), scene


class Counting:
    """Hears a word a second: `word N` in the N-th second of the whole, as far as the pieces say."""

    language = "en"

    def __init__(self):
        self.pieces_s = []

    def utterances(self, samples):
        seconds = len(samples) / SAMPLE_RATE
        self.pieces_s.append(seconds)
        loud = np.flatnonzero(np.abs(samples) > 0.5) / SAMPLE_RATE
        yield [Word(f" word{n}", float(at), float(at) + 0.1, 0.9) for n, at in enumerate(loud)]


def test_long_sound_is_heard_in_pieces_that_end_where_it_is_quiet():
    random = np.random.default_rng(0)
    total_s = 2 * PIECE_S + 100
    samples = random.normal(0, 0.1, total_s * SAMPLE_RATE).astype(np.float32).clip(-0.5, 0.5)
    quiet_s = (PIECE_S - 12.0, 2 * PIECE_S - 25.0)
    for at in quiet_s:
        samples[round(at * SAMPLE_RATE) : round((at + 0.5) * SAMPLE_RATE)] = 0
    words_s = (3.0, PIECE_S - 5.0, PIECE_S + 77.0, total_s - 1.0)
    for at in words_s:
        samples[round(at * SAMPLE_RATE)] = 0.9
    recognizer = Counting()
    utterances = Utterances(Message("youtube:a", Facts(duration_s=float(total_s))), recognizer)
    for start in range(0, len(samples), 4000):
        utterances.sound(Sound(None, samples[start : start + 4000], start / SAMPLE_RATE))
    utterances.finish(Decoded())
    told = [word.start_s for words in utterances.utterances for word in words]
    assert told == pytest.approx(words_s, abs=0.01)
    ends_s = np.cumsum(recognizer.pieces_s)
    assert len(ends_s) == 3 and ends_s[-1] == pytest.approx(total_s, abs=0.01)
    for end_s, at in zip(ends_s, quiet_s, strict=False):
        assert at <= end_s <= at + 0.5


def test_an_utterance_over_several_scenes_is_shared_by_its_words_times():
    message = Message("youtube:a", Facts(duration_s=10.0))
    utterances = Utterances(message, Counting())
    words = [
        Word(" Come", 0.2, 0.4, 0.9),
        Word(" and", 0.8, 1.1, 0.8),
        Word(" see,", 1.2, 1.3, 0.7),
        Word("!", 9.9, 9.95, 1),
    ]
    utterances.utterances = [words]
    told = [(row["start_s"], row["end_s"], row["speech"]) for row in utterances.rows()]
    assert told == [(0.2, 1.1, "Come and"), (1.2, 1.3, "see,"), (9.9, 9.95, "!")]
    (first, *_) = utterances.rows()
    assert first["words"][1] == {"text": "and", "start_s": 0.8, "end_s": 1.1, "confidence": 0.8}


def test_personal_data_is_scrubbed_with_the_words_that_would_spell_it():
    utterances = Utterances(Message("youtube:a", Facts(duration_s=3.0)), Counting())
    utterances.utterances = [[Word(f" {text}", 0.1, 0.2, 1.0) for text in ("Write", "to", "anna@example.com", "now")]]
    (row,) = utterances.rows()
    assert "anna" not in row["speech"] and row["words"] is None


@pytest.mark.parametrize(("engine", "bound"), [("pocketsphinx", 0.15), ("whisper", 0.08)])
def test_flites_speech_is_understood(tmp_path, engine, bound):
    if engine == "whisper":
        whisper()
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    spoken(corpus / "media" / "aaaaaaaaaaa.wav", SPOKEN)
    annotate_media(corpus, chosen("speech", f"speech.engine={engine}"), workers=1)
    told = rows(corpus, f'SELECT start_s, end_s, speech, words FROM "{view(corpus, "speech")}" ORDER BY start_s')
    text = " ".join(row[2] for row in told)
    assert word_errors(SPOKEN, text) < bound, text
    words = [word for row in told for word in row[3]]
    times_s = [word["start_s"] for word in words]
    assert times_s == sorted(times_s) and all(word["end_s"] > word["start_s"] for word in words)
    assert times_s[-1] < open_clip(corpus / "media" / "aaaaaaaaaaa.wav").facts.duration_s
    assert [speech for (speech,) in rows(corpus, "SELECT speech FROM scene")] == [[row[2] for row in told]]


def test_the_talk_is_understood(tmp_path, shared_data):
    whisper()
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    media = corpus / "media" / "aaaaaaaaaaa.mp4"
    shutil.copy(shared_data / "videos" / "video2dataset_test_video.mp4", media)
    annotate_media(corpus, chosen("speech"), workers=1)
    ((text,),) = rows(corpus, f"SELECT string_agg(speech, ' ' ORDER BY start_s) FROM \"{view(corpus, 'speech')}\"")
    for phrase in ("hello and welcome to", "400 million image text pairs", "413 million image text pairs"):
        assert phrase in text.lower().replace(",", "")
    assert 250 < len(text.split()) < 450, "two minutes of a talk"


def test_silence_says_nothing(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    make_clip(corpus / "media" / "aaaaaaaaaaa.wav", play=lambda s: 0 * s, duration_s=4)
    annotate_media(corpus, chosen("speech", "speech.engine=pocketsphinx"), workers=1)
    assert rows(corpus, f'SELECT speech, reason FROM "{view(corpus, "speech")}"') == [(None, None)]


def test_missing_weights_and_packages_are_named_before_anything_is_read(tmp_path, monkeypatch, cbc_here):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CBC_WEIGHTS", str(tmp_path / "nowhere"))
    from corpus.annotate import whisper_weights

    whisper_weights.whisper_hash.cache_clear()
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    done = cbc_here("corpus", "annotate", "--corpus", corpus, "--with", "speech")
    assert done.returncode == 2 and "make weights" in done.stderr and len(done.stderr.strip().splitlines()) == 1
    monkeypatch.setattr("corpus.media_packages.find_spec", lambda name: None)
    with pytest.raises(NoMediaPackages, match=r"text needs packages that are not installed \(rapidocr\)"):
        choose_annotators("text", [])


def test_a_folder_or_a_name_at_the_hub_is_taken_as_it_is(tmp_path):
    assert whisper_folder(str(tmp_path)) == str(tmp_path)
    assert whisper_folder("Systran/faster-whisper-large-v3") == "Systran/faster-whisper-large-v3"
    assert Path(__file__).resolve().parents[3] == CODE and os.environ.get("CBC_WEIGHTS") is None
