"""Media files of all kinds are decoded once, in their order and in bounded memory, or refused with a reason."""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("av")

from corpus.media.clip import SAMPLE_RATE, BadMedia, Limits, Picture, Sound, open_clip
from corpus.media.shrink import shrink
from tests.corpus.media.made_clips import colours_in_turn, make_clip, plain, rotate, tone

RED, GREEN, BLUE = (200, 0, 0), (0, 180, 0), (0, 0, 200)


def decoded(path, **limits):
    """Pictures and sound of a file, and how far it reaches."""
    parts = []
    clip = open_clip(path, Limits(**limits))
    outcome = clip.decode(parts.append)
    return [part for part in parts if isinstance(part, Picture)], [p for p in parts if isinstance(p, Sound)], outcome


def refused(path, **limits) -> str:
    with pytest.raises(BadMedia) as error:
        decoded(path, **limits)
    return str(error.value.what)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "mpeg4"), ("a.avi", "mpeg4"), ("a.webm", "libvpx-vp9")]
)
def test_pictures_come_at_their_times_with_their_colours(tmp_path, name, codec):
    clip = make_clip(tmp_path / name, colours_in_turn(RED, GREEN, BLUE), codec=codec, duration_s=3)
    pictures, sound, outcome = decoded(clip)
    assert len(pictures) == outcome.pictures == 75 and not sound
    assert [picture.time_s for picture in pictures] == pytest.approx(np.arange(75) / 25, abs=0.002)
    assert outcome.end_s == pytest.approx(3, abs=0.05)
    for picture, colour in ((pictures[12], RED), (pictures[37], GREEN), (pictures[62], BLUE)):
        assert picture.upright()[48, 159].astype(int) == pytest.approx(colour, abs=12)


def test_times_of_a_variable_frame_rate_are_kept(tmp_path):
    times_s = [0, 0.04, 0.08, 1.5, 1.6, 3.2, 3.21, 3.9]
    clip = make_clip(tmp_path / "a.mp4", colours_in_turn(RED, GREEN, BLUE, RED), times_s=times_s)
    assert [picture.time_s for picture in decoded(clip)[0]] == pytest.approx(times_s, abs=0.002)


def test_sound_is_heard_whole_at_the_rate_of_recognizers(tmp_path):
    clip = make_clip(tmp_path / "a.wav", play=lambda s: np.where(s < 1, 0, tone(s, 1000.0)), duration_s=3)
    pictures, sound, outcome = decoded(clip)
    samples = np.concatenate([part.samples for part in sound])
    assert not pictures and outcome.end_s == pytest.approx(3, abs=0.01)
    assert len(samples) == pytest.approx(3 * SAMPLE_RATE, abs=50)
    for before, after in pairwise(sound):
        assert after.time_s == pytest.approx(before.time_s + len(before.samples) / SAMPLE_RATE)
    assert np.abs(samples[: SAMPLE_RATE - 100]).max() < 0.01
    spectrum = np.abs(np.fft.rfft(samples[SAMPLE_RATE : 2 * SAMPLE_RATE]))
    assert spectrum.argmax() == 1000 and samples[SAMPLE_RATE:].std() == pytest.approx(0.3 / 2**0.5, rel=0.02)


def test_the_mean_of_channels_is_heard_and_silence_where_there_is_no_sound(tmp_path):
    paint = colours_in_turn(RED, GREEN)
    clip = make_clip(
        tmp_path / "a.mkv", paint, lambda s: tone(s, 1000, 0.8), duration_s=8, layout="stereo", sound_from_s=5.0
    )
    _, sound, outcome = decoded(clip)
    samples = np.concatenate([part.samples for part in sound])
    assert outcome.sound_end_s == pytest.approx(8, abs=0.05) and len(samples) == pytest.approx(8 * SAMPLE_RATE, abs=900)
    assert not samples[: round(4.98 * SAMPLE_RATE)].any()
    assert np.abs(samples).max() == pytest.approx(0.8, abs=0.02)
    assert all(
        part.time_s == pytest.approx(start / SAMPLE_RATE)
        for part, start in zip(sound, np.cumsum([0, *(len(part.samples) for part in sound)]), strict=False)
    )


def test_a_stream_may_change_its_sound_and_its_size(tmp_path):
    one = make_clip(tmp_path / "1.ts", colours_in_turn(RED), tone, duration_s=2)
    two = make_clip(
        tmp_path / "2.ts", colours_in_turn(GREEN, width=320, height=240), tone, duration_s=2, layout="stereo"
    )
    (tmp_path / "both.ts").write_bytes(one.read_bytes() + two.read_bytes())
    pictures, sound, outcome = decoded(tmp_path / "both.ts")
    assert {picture.frame.width for picture in pictures} == {160, 320} and outcome.pictures == 100
    assert sum(np.abs(part.samples).max(initial=0) > 0.2 for part in sound) > 50, "both tones are heard"


def test_a_length_that_the_header_does_not_know_is_that_of_the_packets(tmp_path):
    content = make_clip(tmp_path / "a.mkv", colours_in_turn(RED, GREEN), tone, duration_s=8).read_bytes()
    place = content.find(bytes.fromhex("4489"))
    (tmp_path / "live.mkv").write_bytes(content[:place] + b"\xec\x89" + content[place + 2 :])
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 2])
    live, cut = (open_clip(tmp_path / f"{name}.mkv").facts for name in ("live", "cut"))
    assert live.stated_s is None and live.duration_s == pytest.approx(8, abs=0.1)
    assert cut.stated_s == pytest.approx(8, abs=0.1) and 2 < cut.duration_s < 6


def test_pictures_of_telephones_stand_upright(tmp_path):
    clip = rotate(make_clip(tmp_path / "a.mp4", lambda _: plain(*RED), duration_s=0.4))
    picture = decoded(clip)[0][0].upright()
    assert picture.shape == (160, 96, 3)
    assert int(picture[0, 48, 0]) < int(picture[-1, 48, 0]), "its left edge, the darker one, is now its top"


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p", "yuv420p10le"])
def test_small_pictures_have_the_colours_of_large_ones(tmp_path, pixels):
    paint = colours_in_turn(RED, GREEN, BLUE, (220, 220, 220), width=1280, height=720)
    clip = make_clip(tmp_path / "a.mkv", paint, pixels=pixels, times_s=[0, 1, 2, 3])
    for number, picture in enumerate(decoded(clip)[0]):
        small = shrink(picture)
        assert small.shape == (90, 160, 3)
        ends = paint(float(number))[360, [10, -10]]
        assert small[small.shape[0] // 2, [2, -3], ::-1].astype(int) == pytest.approx(ends.astype(int), abs=8)


def test_small_pictures_of_odd_sizes(tmp_path):
    for width, height in ((2, 2), (34, 418), (1278, 2), (722, 406)):
        clip = make_clip(tmp_path / f"{width}.mkv", lambda _, w=width, h=height: plain(*GREEN, w, h), times_s=[0])
        small = shrink(decoded(clip)[0][0])
        assert small.size and small.mean((0, 1)) == pytest.approx((0, 180 * 0.925, 0), abs=14)


def test_reading_stops_where_it_is_told(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", colours_in_turn(RED, GREEN), tone, duration_s=8)
    pictures, _, outcome = decoded(clip, read_s=2.0)
    assert pictures[-1].time_s < 4 and 2 < outcome.end_s < 4.5


def test_a_cut_file_gives_what_is_in_it(tmp_path):
    random = np.random.default_rng(0)
    whole = make_clip(tmp_path / "a.mkv", lambda _: random.integers(0, 255, (96, 160, 3), np.uint8))
    content = whole.read_bytes()
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 2])
    pictures, _, _ = decoded(tmp_path / "cut.mkv")
    assert 20 < len(pictures) < 80


def test_damage_in_the_middle_costs_its_pictures_alone(tmp_path):
    paint = colours_in_turn(RED, GREEN, BLUE, RED, width=320, height=192)
    content = bytearray(make_clip(tmp_path / "a.avi", paint, codec="mpeg4").read_bytes())
    random = np.random.default_rng(1)
    for place in random.integers(len(content) // 3, len(content) // 2, 200):
        content[place] = random.integers(256)
    (tmp_path / "a.avi").write_bytes(bytes(content))
    pictures, _, _ = decoded(tmp_path / "a.avi")
    assert len(pictures) > 50 and pictures[-1].time_s > 3


def test_what_cannot_be_used_is_refused_with_its_reason(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video\n" * 100)
    (tmp_path / "link.mp4").symlink_to("/etc/passwd")
    (tmp_path / "folder.mp4").mkdir()
    whole = make_clip(tmp_path / "a.mp4", colours_in_turn(RED, GREEN), tone)
    content = whole.read_bytes()
    (tmp_path / "headless.mp4").write_bytes(content[: content.rfind(b"moov") - 4])
    assert refused(tmp_path / "empty.mp4") == "an empty file"
    assert refused(tmp_path / "link.mp4") == refused(tmp_path / "folder.mp4") == "no regular file"
    for name in ("text.mp4", "headless.mp4"):
        assert "no media file that can be opened (invalid data" in refused(tmp_path / name)
    assert refused(whole, pixels=10_000) == "pictures of 160 by 96"
    assert refused(whole, duration_s=3.6) == "longer than 0.001 hours"


def test_a_container_that_lies_about_its_length_is_stopped(tmp_path):
    """A Matroska file without a duration, as a live recording is."""
    content = make_clip(tmp_path / "a.mkv", colours_in_turn(RED, GREEN, BLUE), duration_s=3).read_bytes()
    place = content.find(bytes.fromhex("4489"))  # EBML id of Duration; EC is Void
    (tmp_path / "live.mkv").write_bytes(content[:place] + b"\xec\x89" + content[place + 2 :])
    assert "longer than" in refused(tmp_path / "live.mkv", duration_s=1.0)
    assert len(decoded(tmp_path / "live.mkv")[0]) == 75


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:{}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    ],
)
def test_a_playlist_opens_no_other_file_or_address(tmp_path, text):
    other = make_clip(tmp_path / "other.mp4", colours_in_turn(RED), duration_s=0.4)
    for suffix in ("mp4", "m3u8", "ffconcat", "sdp"):
        (tmp_path / f"list.{suffix}").write_text(text.format(other))
        assert "no media file that can be opened" in refused(tmp_path / f"list.{suffix}")


def test_what_a_listener_raises_is_raised_and_nothing_hangs(tmp_path):
    clip = open_clip(make_clip(tmp_path / "a.mp4", colours_in_turn(RED, GREEN), tone))

    def listen(part):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        clip.decode(listen)


def test_memory_does_not_grow_with_the_length(tmp_path):
    """A thousand pictures of 1280 by 720 are 1.4 GB when decoded; a slow listener gets them within 400 MB."""
    paint = colours_in_turn(RED, GREEN, width=1280, height=720)
    make_clip(tmp_path / "a.mp4", paint, times_s=np.arange(0, 40, 0.04))
    program = (
        "import time\nfrom pathlib import Path\nfrom corpus.annotate.child import peak_bytes\n"
        "from corpus.media.clip import open_clip\n"
        "seen = []\ndef slow(part):\n    seen.append(part.time_s); time.sleep(.001)\n"
        f"open_clip(Path({str(tmp_path / 'a.mp4')!r})).decode(slow)\n"
        "print(len(seen), peak_bytes())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    count, peak = map(int, done.stdout.split())
    assert count == 1000 and peak < 400_000_000


def test_the_real_clips_are_decoded_whole(shared_data, tmp_path):
    for name, seconds, pictures in (("ZBLkTALi1CI", 16.3, 390), ("mov_bbb", 10.0, 250)):
        shutil.copy(shared_data / "videos" / f"{name}.mp4", tmp_path)
        _, sound, outcome = decoded(tmp_path / f"{name}.mp4")
        assert outcome.end_s == pytest.approx(seconds, abs=0.2) and outcome.pictures == pytest.approx(pictures, abs=3)
        assert sum(len(part.samples) for part in sound) / SAMPLE_RATE == pytest.approx(seconds, abs=0.3)
        assert outcome.bad_packets == 0
