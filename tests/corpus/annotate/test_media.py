"""Annotators of media: one decode for all, resumable, and a hostile file costs itself alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")

from corpus.annotate import media_run
from corpus.annotate.children import Child, NoChild
from corpus.annotate.choose import WrongSetting, choose_annotators
from corpus.annotate.look import COLOURS
from corpus.annotate.media import Listener, MediaAnnotator, Message
from corpus.annotate.media_plan import make_plan, plan_text
from corpus.annotate.media_run import annotate_media, labels_of, media_annotated_text
from corpus.annotate.sound import HOP, tempo
from corpus.ingest.run import ingest
from corpus.media.clip import SAMPLE_RATE, Facts, open_clip
from corpus.sources.registry import source_named
from corpus.takedown.takedown import takedown
from tests.corpus.media.made_clips import colours_in_turn, make_clip, tone
from tests.corpus.sources.infos import heatmap, video, write
from tests.corpus.sources.mapped import rows, tree

RED, GREEN, BLUE, WHITE = (200, 0, 0), (0, 180, 0), (0, 0, 200), (250, 250, 250)
GB = 1_000_000_000


def corpus_of(tmp_path, *ids: str, **more):
    """A corpus of videos without media files."""
    for video_id in ids:
        write(tmp_path / "infos", video(video_id, **{"heatmap": None, **more}), name=video_id)
    ingest(source_named("ytdlp"), [tmp_path / "infos"], tmp_path / "corpus")
    (tmp_path / "corpus" / "media").mkdir()
    return tmp_path / "corpus"


def chosen(names: str, *settings: str):
    return choose_annotators(names, settings)[1]


def view(corpus, name: str) -> str:
    """The one annotation of a name."""
    (label,) = [path.name for path in (corpus / "annotations").glob(f"{name}@*-*")]
    return label


def test_cuts_are_where_the_pictures_change_and_scenes_where_the_paper_says(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    make_clip(corpus / "media" / "aaaaaaaaaaa.mp4", colours_in_turn(RED, GREEN, BLUE, RED, each_s=2), duration_s=8)
    annotate_media(corpus, chosen("scenes"), workers=1)
    told = rows(corpus, f'SELECT kind, number, start_s, end_s, frames_s FROM "{view(corpus, "scenes")}" ORDER BY ALL')
    shots = [row for row in told if row[0] == "shot"]
    assert [(row[2], row[3]) for row in shots] == [pytest.approx(p, abs=0.05) for p in ((0, 2), (2, 4), (4, 6), (6, 8))]
    scenes = [row for row in told if row[0] == "scene"]
    assert len(scenes) == 7, "100 markers of .08 s, 13 of them to a scene of a second"
    for _, number, start_s, end_s, frames_s in scenes:
        assert (start_s, end_s) == pytest.approx((number * 1.04, (number + 1) * 1.04), abs=0.01)
        assert len(frames_s) == 2 and start_s <= frames_s[0] <= frames_s[1] < end_s


def test_scenes_of_a_source_with_a_replay_curve_are_kept(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", heatmap=heatmap(40, markers=4))
    make_clip(corpus / "media" / "aaaaaaaaaaa.mp4", colours_in_turn(RED, GREEN), duration_s=4)
    annotate_media(corpus, chosen("scenes"), workers=1)
    told = rows(corpus, f"""SELECT start_s, end_s FROM "{view(corpus, "scenes")}" WHERE kind = 'scene' ORDER BY 1""")
    assert told == [(0, 10), (10, 20), (20, 30), (30, 40)]


def test_frames_of_a_message_follow_from_its_id_alone():
    facts = Facts(duration_s=30.0)
    first, again, other = (Message(name, facts).frame_times_s for name in ("youtube:a", "youtube:a", "youtube:b"))
    assert first == again != other and len(first) == len(Message("youtube:a", facts).scenes) == 25


@pytest.mark.parametrize(("duration_s", "scenes"), [(None, 0), (0.0, 0), (0.5, 1), (1.0, 1), (99.0, 50), (7200.0, 100)])
def test_scenes_of_short_and_long_clips(duration_s, scenes):
    spans = Message("youtube:a", Facts(duration_s=duration_s)).scenes
    assert len(spans) == scenes and all(end_s > start_s for start_s, end_s in spans)


def test_the_look_is_that_of_the_pictures(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", "bbbbbbbbbbb")
    media = corpus / "media"
    make_clip(media / "aaaaaaaaaaa.mp4", colours_in_turn(RED, GREEN, BLUE, WHITE, each_s=3), duration_s=12)
    random = np.random.default_rng(0)
    make_clip(media / "bbbbbbbbbbb.mp4", lambda _: np.repeat(random.choice([0, 255], (96, 160, 1)), 3, 2).astype("u1"))
    annotate_media(corpus, chosen("look"), workers=2)
    columns = "brightness, contrast, saturation, motion, colours, colour_shares, cuts_per_minute"
    whole = f'SELECT {columns} FROM "{view(corpus, "look")}" WHERE start_s IS NULL ORDER BY message_id'
    (light, contrast, saturation, motion, colours, shares, cuts), noise = rows(corpus, whole)
    assert set(colours) == {"red", "green", "blue", "white"} and sum(shares) == pytest.approx(1)
    assert shares[COLOURS.index("red")] == pytest.approx(0.25, abs=0.03)
    assert 0.2 < light < 0.5 and contrast < 0.1 and saturation == pytest.approx(0.75, abs=0.03) and motion < 0.06
    assert cuts == pytest.approx(15, abs=0.2)
    assert noise[0] == pytest.approx(0.5, abs=0.1) and noise[1] > 0.3 and noise[2] < 0.1 and noise[3] > 0.2
    of_scenes = f'SELECT colours FROM "{view(corpus, "look")}" WHERE start_s BETWEEN 6 AND 7.5 AND message_id LIKE ?'
    assert [row[0] for row in rows(corpus, of_scenes.replace("?", "'%aaa'"))] == [["blue"]]


def test_the_sound_is_as_loud_silent_and_fast_as_it_was_made(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", "bbbbbbbbbbb")
    make_clip(corpus / "media" / "aaaaaaaaaaa.wav", play=lambda s: tone(s, 1000, 0.1) * (s < 15), duration_s=20)
    clicks = lambda s: tone(s, 1500, 0.5) * ((s % 0.6) < 0.03)  # noqa: E731  (100 beats a minute)
    make_clip(corpus / "media" / "bbbbbbbbbbb.wav", play=clicks, duration_s=30)
    annotate_media(corpus, chosen("sound"), workers=1)
    whole = f"""SELECT loudness_lufs, silence, tempo_bpm FROM "{view(corpus, "sound")}" WHERE start_s IS NULL
        ORDER BY message_id"""
    (loudness, silence, tempo), (_, _, beats) = rows(corpus, whole)
    assert loudness == pytest.approx(-23.0, abs=0.3), "a tone of 1 kHz with a height of .1 is -20 dBFS, RMS -23"
    assert silence == pytest.approx(0.25, abs=0.02) and tempo is None
    assert beats == pytest.approx(100, abs=0.3)
    parts = f"""SELECT loudness_lufs, silence FROM "{view(corpus, "sound")}" WHERE message_id LIKE '%aaa'
        AND start_s IS NOT NULL ORDER BY start_s"""
    told = rows(corpus, parts)
    assert list(told[-4:]) == [(None, 1.0)] * 4, "silence has no loudness"
    assert [row[0] for row in told[2:12]] == pytest.approx([-23.0] * 10, abs=0.5)


def test_loudness_is_that_of_the_standard_s_own_implementation(tmp_path):
    pyloudnorm = pytest.importorskip("pyloudnorm")
    random = np.random.default_rng(3)
    noise = random.normal(0, 0.1, 24_000 * 11) * np.repeat(random.uniform(0.1, 1, 11), 24_000)
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    play = lambda s: noise[np.minimum((s * 24_000).round().astype(int), len(noise) - 1)]  # noqa: E731
    make_clip(corpus / "media" / "aaaaaaaaaaa.wav", play=play, duration_s=10)
    annotate_media(corpus, chosen("sound"), workers=1)
    ((told,),) = rows(corpus, f'SELECT loudness_lufs FROM "{view(corpus, "sound")}" WHERE start_s IS NULL')
    assert told == pytest.approx(pyloudnorm.Meter(24_000).integrated_loudness(noise[:240_000]), abs=0.4)


def test_what_lacks_pictures_or_sound_says_so(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", "bbbbbbbbbbb")
    make_clip(corpus / "media" / "aaaaaaaaaaa.mp4", colours_in_turn(RED, GREEN))
    make_clip(corpus / "media" / "bbbbbbbbbbb.wav", play=tone)
    outcome = annotate_media(corpus, chosen("scenes,sound"), workers=1)
    assert outcome.files == 2
    assert outcome.reasons == {"scenes: no pictures in it": 1, "sound: no sound in it": 1}
    told = rows(corpus, "SELECT split_part(source, '@', 1), file, reason, value FROM rejects ORDER BY ALL")
    assert told == [
        ("scenes", "bbbbbbbbbbb.wav", "no pictures in it", "youtube:bbbbbbbbbbb"),
        ("sound", "aaaaaaaaaaa.mp4", "no sound in it", "youtube:aaaaaaaaaaa"),
    ]


def test_a_second_run_does_nothing_and_a_new_annotator_only_its_own(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", "bbbbbbbbbbb")
    make_clip(corpus / "media" / "aaaaaaaaaaa.mp4", colours_in_turn(RED, GREEN), tone)
    assert annotate_media(corpus, chosen("scenes"), workers=1).files == 1, "one has no file yet"
    before = tree(corpus / "annotations")
    assert annotate_media(corpus, chosen("scenes"), workers=1).files == 0
    assert tree(corpus / "annotations") == before
    make_clip(corpus / "media" / "bbbbbbbbbbb.mp4", colours_in_turn(RED, GREEN), tone)
    outcome = annotate_media(corpus, chosen("look,sound"), workers=2)
    assert outcome.files == 2
    for name in ("scenes", "look", "sound"):
        read = rows(
            corpus, f'SELECT message_id, count(DISTINCT file) FROM "{view(corpus, name)}" GROUP BY 1 ORDER BY 1'
        )
        assert read == [("youtube:aaaaaaaaaaa", 1), ("youtube:bbbbbbbbbbb", 1)]
    counts = f"""SELECT count(*) FROM "{view(corpus, "scenes")}" WHERE kind = 'shot' GROUP BY message_id"""
    assert rows(corpus, counts) == [(2,), (2,)], "the first file's shots were not written again"


def test_settings_make_an_annotation_of_their_own_and_of_what_rests_on_it():
    usual, other = (labels_of(chosen("look,sound", *more)) for more in ((), ("scenes.detector=content",)))
    assert usual["scenes"] != other["scenes"] and usual["look"] != other["look"] and usual["sound"] == other["sound"]
    assert list(usual) == ["scenes", "look", "sound"], "what look rests on comes first"
    assert usual["scenes"].startswith("scenes@1-")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (["scenes.detector=best"], "detector: Input should be"),
        (["scenes.speed=2"], "unknown key speed"),
        (["look.x=2"], "unknown key x"),
        (["scenes.shortest_s=nan"], "shortest_s: Input should be"),
        (["scenes.shortest_s=-1"], "shortest_s: Input should be greater than 0"),
        (["sound.x=2"], "is of an annotator that does not run"),
        (["detector=adaptive"], "is not NAME.KEY=VALUE"),
    ],
)
def test_wrong_settings_are_named(settings, reason):
    with pytest.raises(WrongSetting, match=reason):
        chosen("look", *settings)


def test_one_bad_file_costs_itself_alone(tmp_path):
    names = ("aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc")
    corpus = corpus_of(tmp_path, *names)
    (corpus / "media" / "aaaaaaaaaaa.mp4").write_bytes(b"\0" * 5000)
    make_clip(corpus / "media" / "bbbbbbbbbbb.mp4", colours_in_turn(RED, GREEN), tone)
    (corpus / "media" / "ccccccccccc.mp4").symlink_to("/etc/passwd")
    outcome = annotate_media(corpus, chosen("look,sound"), workers=1)
    assert outcome.files == 3 and sum(outcome.reasons.values()) == 2
    told = rows(corpus, "SELECT file, reason FROM rejects WHERE source LIKE 'sound@%' ORDER BY file")
    assert [row[0] for row in told] == ["aaaaaaaaaaa.mp4", "ccccccccccc.mp4"]
    assert "cannot" not in told[0][1] and "no media file" in told[0][1] and told[1][1] == "no regular file"
    assert annotate_media(corpus, chosen("look,sound"), workers=1).files == 0, "bad files are not read again"


def test_a_file_that_gave_nothing_is_read_again_when_it_is_another_or_asked_for(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", "bbbbbbbbbbb")
    bad, good = (corpus / "media" / f"{letter * 11}.mp4" for letter in "ab")
    bad.touch()
    make_clip(good, colours_in_turn(RED, GREEN), tone)
    assert annotate_media(corpus, chosen("look"), workers=1).files == 2
    assert annotate_media(corpus, chosen("look"), workers=1).files == 0
    assert annotate_media(corpus, chosen("look"), workers=1, again=True).files == 1
    assert rows(corpus, "SELECT DISTINCT value, reason FROM rejects") == [("youtube:aaaaaaaaaaa", "an empty file")]
    shutil.copy(good, bad)
    assert annotate_media(corpus, chosen("look"), workers=1).files == 1
    assert rows(corpus, "SELECT count(*) FROM rejects") == [(0,)]
    shots = f"""SELECT message_id, count(*) FROM "{view(corpus, "scenes")}" WHERE kind = 'shot' GROUP BY 1 ORDER BY 1"""
    assert rows(corpus, shots) == [("youtube:aaaaaaaaaaa", 2), ("youtube:bbbbbbbbbbb", 2)]


def test_a_damaged_file_gives_what_it_has_and_is_named(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    random = np.random.default_rng(0)
    whole = make_clip(tmp_path / "a.mkv", lambda _: random.integers(0, 255, (96, 160, 3), np.uint8), duration_s=10)
    (corpus / "media" / "aaaaaaaaaaa.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    outcome = annotate_media(corpus, chosen("scenes"), workers=1)
    ((reason,),) = rows(corpus, "SELECT reason FROM rejects")
    assert reason.startswith("damaged: 5.") and reason.endswith("of 10.0 s are there") and reason in outcome.reasons
    ((count, end_s),) = rows(
        corpus, f"SELECT count(*), max(end_s) FROM \"{view(corpus, 'scenes')}\" WHERE kind = 'scene'"
    )
    assert count in (4, 5) and end_s < 6, "scenes are of what there is"
    assert annotate_media(corpus, chosen("scenes"), workers=1).files == 0


def test_a_stream_that_changes_its_size_has_cuts_and_a_look(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    one = make_clip(tmp_path / "1.ts", colours_in_turn(RED), tone, duration_s=2)
    two = make_clip(
        tmp_path / "2.ts", colours_in_turn(GREEN, width=320, height=240), tone, duration_s=2, layout="stereo"
    )
    (corpus / "media" / "aaaaaaaaaaa.ts").write_bytes(one.read_bytes() + two.read_bytes())
    outcome = annotate_media(corpus, chosen("look,sound"), workers=1)
    assert not [reason for reason in outcome.reasons if "Error" in reason]
    assert rows(corpus, f'SELECT count(*) FROM "{view(corpus, "look")}" WHERE start_s IS NULL AND reason IS NULL') == [
        (1,)
    ]
    ((loudness,),) = rows(corpus, f'SELECT loudness_lufs FROM "{view(corpus, "sound")}" WHERE start_s IS NULL')
    assert -15 < loudness < -10, "a tone of height .3 is -13.5, in two channels 3 louder"


def test_sound_that_begins_later_stands_where_it_is_heard(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    make_clip(corpus / "media" / "aaaaaaaaaaa.mkv", colours_in_turn(RED), tone, duration_s=10, sound_from_s=5.0)
    annotate_media(corpus, chosen("sound"), workers=1)
    parts = f'SELECT silence, loudness_lufs FROM "{view(corpus, "sound")}" WHERE start_s IS NOT NULL ORDER BY start_s'
    told = rows(corpus, parts)
    assert [row[0] for row in told] == pytest.approx([1.0] * 5 + [0.0] * 5, abs=0.11)
    assert [row[1] is None for row in told] == [True] * 5 + [False] * 5


def test_pictures_or_sound_alone_may_be_shorter_than_a_sound_file_that_is_whole(tmp_path):
    """A song over one picture that stands for nine seconds: nothing of it is damaged."""
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    make_clip(corpus / "media" / "aaaaaaaaaaa.mkv", colours_in_turn(RED), tone, duration_s=10, times_s=[0.0, 0.5, 1.0])
    assert not annotate_media(corpus, chosen("look"), workers=1).reasons
    assert not annotate_media(corpus, chosen("sound"), workers=1).reasons


def test_a_last_picture_stands_as_long_as_its_file_says(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    clip = make_clip(tmp_path / "a.mp4", colours_in_turn(RED, GREEN, each_s=2), times_s=[0, 1, 2, 3, 9.96])
    shutil.copy(clip, corpus / "media" / "aaaaaaaaaaa.mp4")
    annotate_media(corpus, chosen("scenes", "scenes.shortest_s=0.1"), workers=1)
    ends = f"""SELECT max(end_s) FROM "{view(corpus, "scenes")}" WHERE kind = 'shot'"""
    assert rows(corpus, ends)[0][0] == pytest.approx(open_clip(clip).facts.duration_s, abs=0.05)


def test_posts_without_a_file_are_no_messages_that_lack_one(tmp_path):
    from corpus.simulate.world import simulate

    simulate(tmp_path / "world", seed=1, brands=3, videos=2, posts=5, emails=2)
    outcome = annotate_media(tmp_path / "world", chosen("sound"), workers=1)
    assert (outcome.files, outcome.without_file) == (0, 6)


def test_a_failed_annotator_costs_itself_and_what_rests_on_it(tmp_path, monkeypatch):
    from corpus.annotate.child import Shared
    from corpus.annotate.scenes import Cuts

    clip = open_clip(make_clip(tmp_path / "a.mp4", colours_in_turn(RED, GREEN), tone))
    shared = Shared(chosen("scenes,look,sound"), Message("youtube:a", clip.facts))
    seen = []

    def fails(self, picture, small):
        seen.append(picture.time_s)
        raise RuntimeError("no cut\nat all")

    monkeypatch.setattr(Cuts, "picture", fails)
    answered = shared.answers(clip.decode(shared))
    assert list(answered) == ["sound"] and answered["sound"] and len(seen) == 1, "a failed one is not asked again"
    assert shared.reasons == {"scenes": "RuntimeError: no cut", "look": "scenes: RuntimeError: no cut"}


def test_a_thumbnail_beside_a_video_is_not_taken_for_it(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", "bbbbbbbbbbb")
    media = corpus / "media"
    make_clip(media / "aaaaaaaaaaa.mp4", colours_in_turn(RED, GREEN))
    for name in ("aaaaaaaaaaa.webp", "aaaaaaaaaaa.png", "bbbbbbbbbbb.png"):
        import cv2

        cv2.imwrite(str(media / name), np.full((64, 64, 3), 200, np.uint8))
    annotate_media(corpus, chosen("look"), workers=1)
    files = f'SELECT DISTINCT file FROM "{view(corpus, "look")}" ORDER BY 1'
    assert rows(corpus, files) == [("aaaaaaaaaaa.mp4",), ("bbbbbbbbbbb.png",)], "an image alone is looked at"


def test_a_file_name_that_is_no_text_stops_nothing(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc")
    clip = make_clip(tmp_path / "a.mp4", colours_in_turn(RED, GREEN), tone)
    for name in (b"aaaaaaaaaaa.mp4", b"bbbbbbbbbbb.\xff.mp4", b"ccccccccccc.mp4"):
        shutil.copy(clip, os.fsencode(corpus / "media") + b"/" + name)
    assert annotate_media(corpus, chosen("sound"), workers=1).files == 3
    assert len(rows(corpus, f'SELECT DISTINCT message_id FROM "{view(corpus, "sound")}" WHERE silence = 0')) == 3


def test_messages_without_a_file_are_counted(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", "bbbbbbbbbbb")
    outcome = annotate_media(corpus, chosen("sound"), workers=1)
    assert (outcome.files, outcome.without_file) == (0, 2)
    assert "2 messages without a file in CORPUS/media" in media_annotated_text(outcome)


@pytest.mark.parametrize("beats", [75, 90, 120, 128, 174])
def test_tempo_is_right_to_a_third_of_a_beat(beats):
    frames = np.zeros(60 * SAMPLE_RATE // HOP)
    at_s = np.arange(0, 60, 60 / beats)
    frames[(at_s * SAMPLE_RATE / HOP).astype(int).clip(0, len(frames) - 1)] = 1.0
    frames += np.random.default_rng(0).normal(0, 0.05, len(frames))
    told = tempo(frames)
    assert min(abs(told - beats), abs(told - beats / 2), abs(told - 2 * beats)) < 0.34, told


def test_without_the_packages_of_media_text_is_annotated_and_media_named(tmp_path):
    """As after an installation without the extra `media`."""
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", language=None)
    gone = ("av", "cv2", "scenedetect", "rapidocr", "faster_whisper", "pocketsphinx")
    program = f"import sys\nsys.modules.update(dict.fromkeys({gone!r}))\nimport cbc\ncbc.main()"

    def told(name):
        arguments = ["corpus", "annotate", "--corpus", str(corpus), "--with", name]
        return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)

    done = told("language")
    assert done.returncode == 0 and "language@1: 1 message read" in done.stdout, done.stderr
    for name in ("scenes", "text"):
        refused = told(name)
        assert refused.returncode == 2 and refused.stderr.count("\n") == 1, refused.stderr
        assert "packages that are not installed" in refused.stderr and "install the extra media" in refused.stderr


class Crashing(MediaAnnotator):
    """Does to its process what a hostile file may do; which, its setting says."""

    name, version = "crashing", 1
    sees = True

    def listen(self, message, below):
        return Crash(message.message_id)


class Crash(Listener):
    def __init__(self, message_id):
        self.message_id = message_id

    def picture(self, picture, small):
        if self.message_id.endswith("segv"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.message_id.endswith("memory"):
            self.held = bytearray(8 * GB)
        if self.message_id.endswith("exits"):
            os._exit(3)
        if self.message_id.endswith("raises"):
            raise ValueError("a fault\nof its own")
        if self.message_id.endswith("prints"):
            print('{"rows": {}}', flush=True)
        if self.message_id.endswith("sleeps"):
            time.sleep(60)

    def rows(self):
        return [{"start_s": 0.0}]


@pytest.fixture
def crashing_child(monkeypatch, tmp_path):
    """A child that knows the annotator above."""
    start = "import sys; sys.argv = ['child', sys.argv[1]]\nimport corpus.annotate.child as child\n"
    start += "from tests.corpus.annotate.test_media import Crashing\n"
    start += "child.ANNOTATORS = {'crashing': Crashing}\nchild.main()"
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda command, **more: popen([sys.executable, "-c", start, command[-1]], **more)
    )
    child = Child({"crashing": {}}, 4 * GB)
    yield child
    child.stop()


def test_a_file_that_crashes_its_process_gives_a_reason_and_the_next_is_read(tmp_path, crashing_child, monkeypatch):
    clip = make_clip(tmp_path / "a.mp4", colours_in_turn(RED), duration_s=0.4)
    limits = {"pixels": 10**7, "duration_s": 100.0, "read_s": None}

    def told(name):
        request = {"file": str(clip), "message_id": name, "scenes": [], "limits": limits}
        return crashing_child.annotate(request, 1000)

    assert told("well")["rows"] == {"crashing": [{"start_s": 0.0}]}
    assert told("segv") == {"reason": "the decoding process was ended by SIGSEGV"}
    assert told("exits") == {"reason": "the decoding process ended with 3"}
    assert told("memory")["reason"] == "needs more memory than the process may have"
    assert told("raises")["reasons"] == {"crashing": "ValueError: a fault"}
    assert told("prints")["rows"] == {"crashing": [{"start_s": 0.0}]}, "what a library prints is no answer"
    monkeypatch.setattr("corpus.annotate.children.WAIT_S", 1.0)
    began = time.monotonic()
    assert told("sleeps") == {"reason": "decoding took longer than 1 s"} and time.monotonic() - began < 30
    assert told("well")["rows"] == {"crashing": [{"start_s": 0.0}]}


def test_a_process_that_cannot_start_is_no_fault_of_the_files(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    make_clip(corpus / "media" / "aaaaaaaaaaa.mp4", colours_in_turn(RED))
    with pytest.raises(NoChild, match="does not start"):
        annotate_media(corpus, chosen("scenes"), workers=1, memory_bytes=60_000_000)
    assert not (corpus / "annotations").exists() or not list((corpus / "annotations").glob("scenes@*"))


def test_the_child_has_none_of_the_parent_s_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("CBC_YOUTUBE_KEY", "secret-key")
    child = Child({}, 4 * GB)
    try:
        process = child._start()
        assert b"secret-key" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    finally:
        child.stop()


def test_a_killed_run_goes_on_and_ends_as_an_undisturbed_one(tmp_path):
    names = [f"{letter}" * 11 for letter in "abcdefgh"]
    corpus = corpus_of(tmp_path, *names)
    for number, name in enumerate(names):
        paint = colours_in_turn(RED, GREEN, BLUE, each_s=0.6 + 0.1 * number)
        make_clip(corpus / "media" / f"{name}.mp4", paint, tone, duration_s=3)
    shutil.copytree(corpus, tmp_path / "whole")
    annotate_media(tmp_path / "whole", chosen("look,sound"), workers=2)
    program = (
        "from pathlib import Path\nimport corpus.annotate.media_run as run\nrun.PART_FILES = 2\n"
        "from corpus.annotate.choose import choose_annotators\n"
        f"run.annotate_media(Path({str(corpus)!r}), choose_annotators('look,sound', [])[1], workers=1)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(corpus.glob("annotations/sound@*/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    left = annotate_media(corpus, chosen("look,sound"), workers=2).files
    assert 0 < left < 8
    for name in ("scenes", "look", "sound"):
        label = view(corpus, name)
        content = [rows(root, f'SELECT * FROM "{label}" ORDER BY ALL') for root in (corpus, tmp_path / "whole")]
        assert content[0] == content[1]


def test_a_plan_says_what_it_takes_and_writes_nothing(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc")
    for name in ("aaaaaaaaaaa", "bbbbbbbbbbb"):
        make_clip(corpus / "media" / f"{name}.mp4", colours_in_turn(RED, GREEN), tone, duration_s=6)
    before = tree(corpus)
    plan = make_plan(corpus, chosen("look,sound"), 2)
    assert tree(corpus) == before
    assert (plan.files, plan.tried) == (2, 2) and plan.media_s == pytest.approx(12, abs=0.2)
    assert 0 < plan.time_s < 60 and 50e6 < plan.memory_bytes < 4e9 and 1000 < plan.disk_bytes < 1e6
    assert "2 media files" in plan_text(plan)
    (corpus / "media" / "aaaaaaaaaaa.mp4").write_bytes(b"nothing")
    (corpus / "media" / "bbbbbbbbbbb.mp4").unlink()
    assert "none of those tried can be used" in plan_text(make_plan(corpus, chosen("look"), 2))


def test_the_command(tmp_path, cbc_here):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    make_clip(corpus / "media" / "aaaaaaaaaaa.mp4", colours_in_turn(RED, GREEN), tone)
    planned = cbc_here("corpus", "annotate", "--corpus", corpus, "--with", "look", "--plan")
    assert planned.returncode == 0 and "1 media file" in planned.stdout
    done = cbc_here("corpus", "annotate", "--corpus", corpus, "--with", "look,language", "--workers", 1)
    assert done.returncode == 0 and "1 media file read" in done.stdout and "language@1" in done.stdout
    told = cbc_here("corpus", "annotate", "--corpus", corpus, "--with", "sound", "--json")
    assert json.loads(told.stdout)["files"] == 1
    wrong = cbc_here("corpus", "annotate", "--corpus", corpus, "--with", "look", "--set", "scenes.detector=best")
    assert wrong.returncode == 2 and wrong.stderr.startswith("error: --set scenes: detector: ")
    text = cbc_here("corpus", "annotate", "--corpus", corpus, "--with", "language", "--plan")
    assert text.returncode == 0 and "language reads no files" in text.stdout
    unknown = cbc_here("corpus", "annotate", "--corpus", corpus, "--with", "smell")
    assert unknown.returncode == 2 and "no annotator is called smell" in unknown.stderr


def test_a_takedown_removes_what_was_seen_and_heard(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", "bbbbbbbbbbb")
    for name in ("aaaaaaaaaaa", "bbbbbbbbbbb"):
        make_clip(corpus / "media" / f"{name}.mp4", colours_in_turn(RED, GREEN), tone)
    annotate_media(corpus, chosen("look,sound"), workers=1)
    takedown(corpus, ["aaaaaaaaaaa"])
    for name in ("scenes", "look", "sound"):
        assert {row[0] for row in rows(corpus, f'SELECT message_id FROM "{view(corpus, name)}"')} == {
            "youtube:bbbbbbbbbbb"
        }
    assert [path.name for path in (corpus / "media").iterdir()] == ["bbbbbbbbbbb.mp4"]


def test_cuts_of_the_real_clips_are_those_seen_by_eye(tmp_path, shared_data):
    files = {"ZBLkTALi1CI": "ZBLkTALi1CI", "talk_______": "video2dataset_test_video", "film_______": "mov_bbb"}
    corpus = corpus_of(tmp_path, *files)
    for name, file in files.items():
        shutil.copy(shared_data / "videos" / f"{file}.mp4", corpus / "media" / f"{name}.mp4")
    annotate_media(corpus, chosen("scenes"), workers=2)
    starts = f"""SELECT message_id, start_s FROM "{view(corpus, "scenes")}" WHERE kind = 'shot' AND start_s > 0
        ORDER BY 1, 2"""
    told: dict[str, list[float]] = {}
    for message_id, start_s in rows(corpus, starts):
        told.setdefault(message_id.removeprefix("youtube:"), []).append(start_s)
    assert told == {
        "ZBLkTALi1CI": pytest.approx([1.42, 2.59, 3.75, 4.67, 5.59, 6.59, 11.47, 15.27], abs=0.05),
        "film_______": pytest.approx([3.80], abs=0.05),
        "talk_______": pytest.approx([69.87, 89.93, 92.83, 100.50], abs=0.05),
    }


def test_an_answer_that_is_no_rows_costs_its_file_alone(tmp_path, monkeypatch):
    """As a taken-over child could give it: values of other types, columns that are none, texts that are no base64."""
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc", "ddddddddddd")
    for name in "abcd":
        make_clip(corpus / "media" / f"{name * 11}.mp4", colours_in_turn(RED, GREEN), duration_s=3)
    true_ask = media_run.ask

    def ask(child, file, *args, **more):
        answer = true_ask(child, file, *args, **more)
        row = answer["rows"]["frames"][0]
        changed = {"a": {"size": "large"}, "b": {"colour": "red"}, "c": {"frames": ["no base64!"]}}
        row.update(changed.get(file.message_id[8], {}))
        return answer

    monkeypatch.setattr(media_run, "ask", ask)
    outcome = annotate_media(corpus, chosen("frames", "frames.size=8"), workers=1)
    assert outcome.reasons == {"frames: its answer cannot be read": 3}
    counts = "SELECT message_id, count(size), any_value(reason)"
    found = sorted(rows(corpus, f'{counts} FROM "{view(corpus, "frames")}" GROUP BY message_id'))
    assert found[:3] == [(f"youtube:{name * 11}", 0, "its answer cannot be read") for name in "abc"]
    assert found[3][1] > 0
