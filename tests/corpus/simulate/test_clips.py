"""Rendered clips: what the files show is what their specification says, no text tells it, and behavior follows it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from corpus.simulate.clips import law
from corpus.simulate.clips.render import SIZE, draw_frame, write_clip
from corpus.simulate.clips.specification import COLOURS, LOGOS, MOTIONS, SHAPES, draw_clip
from corpus.simulate.clips.world import NoClips, render_media
from corpus.simulate.law import LAW
from corpus.simulate.world import simulate
from corpus.store import Corpus
from corpus.verbalize.verbalize import verbalize

av = pytest.importorskip("av")


def pictures(path: Path) -> tuple[list[np.ndarray], list[float]]:
    """All pictures of a file with their times, by PyAV alone."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [frame.to_ndarray(format="rgb24") for frame in frames], [frame.time for frame in frames]


def test_a_file_shows_its_scenes_where_and_when_the_specification_says(tmp_path):
    """Colour and way of the shape are measured in the decoded pictures, by another rule than the one that drew them."""
    clip = draw_clip(1, "youtube:a")
    write_clip(tmp_path / "a.mp4", clip)
    shown, times = pictures(tmp_path / "a.mp4")
    assert shown[0].shape == (SIZE, SIZE, 3)
    assert times[-1] + times[1] == pytest.approx(clip.duration_s)
    for number, scene in enumerate(clip.scenes):
        start_s, end_s = number * clip.scene_s, (number + 1) * clip.scene_s
        inside = [picture for picture, time in zip(shown, times, strict=True) if start_s + 0.02 <= time < end_s - 0.02]
        places = [middle_of_colour(picture, COLOURS[scene.colour]) for picture in (inside[0], inside[-1])]
        moved = np.subtract(places[1], places[0])
        right, down = MOTIONS[scene.motion]
        if (right, down) == (0, 0):
            assert np.abs(moved).max() < 3
        else:
            along, across = (moved[0] * right, moved[1]) if right else (moved[1] * down, moved[0])
            assert along > 12
            assert abs(across) < 3


def middle_of_colour(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Mean place (x, y) of the pixels of a colour, in its largest connected part, logo and text left out."""
    near = (np.abs(picture.astype(int) - colour).max(2) < 40).astype(np.uint8)
    near[:26, 66:] = 0
    count, _, stats, middles = cv2.connectedComponentsWithStats(near)
    assert count > 1
    return middles[1 + stats[1:, cv2.CC_STAT_AREA].argmax()]


def test_all_logos_and_shapes_look_different():
    clip = draw_clip(0, "youtube:b")
    corners = {draw_frame(clip.__class__(9.0, logo, 220, clip.scenes), 0.1)[:26, 66:].tobytes() for logo in LOGOS}
    assert len(corners) == len(LOGOS)
    areas = set()
    for shape in SHAPES:
        scene = clip.scenes[0].__class__(shape, "red", "stays", None, (0.5, 0.5), 0.18, (0.3, 0.5, 0.5))
        frame = draw_frame(clip.__class__(9.0, "bars", 220, (scene,)), 0.1)
        areas.add((np.abs(frame.astype(int) - COLOURS["red"]).max(2) == 0)[30:].tobytes())
    assert len(areas) == len(SHAPES)


def test_no_part_of_a_clip_tells_of_another():
    """Over many clips each pair of attributes is as independent as draws allow (chi-squared at one in 10,000)."""
    from scipy.stats import chi2_contingency

    scenes = [(clip.logo, scene) for i in range(300) for clip in [draw_clip(0, f"x:{i}")] for scene in clip.scenes]
    columns = {
        "colour": [scene.colour for _, scene in scenes],
        "motion": [scene.motion for _, scene in scenes],
        "shape": [scene.shape for _, scene in scenes],
        "text": [str(scene.text) for _, scene in scenes],
        "background": [str(int(scene.background[0] * 5)) for _, scene in scenes],
    }
    names = list(columns)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            rows, places = np.unique(columns[first], return_inverse=True)
            others, of_others = np.unique(columns[second], return_inverse=True)
            counts = np.zeros((len(rows), len(others)))
            np.add.at(counts, (places, of_others), 1)
            assert chi2_contingency(counts).pvalue > 1e-4, (first, second)


def test_behavior_follows_what_is_seen(tmp_path):
    """Least squares on what the annotation says recovers the planted effects; words of the corpus say nothing."""
    simulate(tmp_path / "corpus", seed=5, world="clips", brands=40, videos=10)
    with Corpus.open(tmp_path / "corpus").connect() as connection:
        rows = connection.sql(
            f"""SELECT logo, likes / views, colours, motions, l.replay_mean, curve FROM "clip@1" JOIN "{LAW}" l
            USING (message_id) JOIN (SELECT message_id, sum(value) FILTER (metric = 'likes' AND scene IS NULL) AS likes,
            sum(value) FILTER (metric = 'views') AS views,
            list(value ORDER BY scene) FILTER (metric = 'replay') AS curve
            FROM effect GROUP BY ALL) USING (message_id)"""
        ).fetchall()
    assert len(rows) == 400
    by_logo = {logo: np.mean([np.log(ratio) for name, ratio, *_ in rows if name == logo]) for logo in law.LOGOS}
    middle = np.mean(list(by_logo.values()))
    for logo, effect in law.LOGOS.items():
        assert by_logo[logo] - middle == pytest.approx(effect, abs=0.08)
    for _, _, colours, motions, mean, curve in rows:
        assert mean == pytest.approx([law.COLOURS[c] + law.MOTIONS[m] for c, m in zip(colours, motions, strict=True)])
        assert (min(curve), max(curve)) == (0, 1)
        assert 8 <= len(curve) <= 12
    correlation = np.mean([np.corrcoef(mean, curve)[0, 1] for *_, mean, curve in rows])
    assert correlation > 0.9
    verbalize(tmp_path / "corpus", tmp_path / "text.parquet")
    text = str(texts_of(tmp_path / "text.parquet"))
    assert not [word for word in (*COLOURS, *LOGOS, *SHAPES, "moves", "sale") if f" {word}" in text]


def texts_of(path: Path) -> list[str]:
    """All texts of a file of verbalized messages."""
    import polars as pl

    frame = pl.read_parquet(path)
    return [value for name in frame.columns if frame[name].dtype == pl.String for value in frame[name].drop_nulls()]


def test_clips_are_rendered_once_and_again_after_one_is_lost(tmp_path):
    simulate(tmp_path / "corpus", seed=2, world="clips", brands=3, videos=1)
    assert render_media(tmp_path / "corpus") == 3
    files = sorted((tmp_path / "corpus" / "media").glob("*.mp4"))
    content = files[1].read_bytes()
    files[1].unlink()
    assert render_media(tmp_path / "corpus") == 1
    assert files[1].read_bytes() == content
    simulate(tmp_path / "other", seed=2, brands=3)
    with pytest.raises(NoClips, match="--world clips"):
        render_media(tmp_path / "other")
