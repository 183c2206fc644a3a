"""Aesthetic value and clutter: the published measures, computed another way, of clips and of pictures alone."""

from __future__ import annotations

from statistics import fmean, pstdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import convolve

pytest.importorskip("av")
import cv2

from corpus.annotate.media_run import annotate_media, labels_of
from corpus.annotate.picture_tone import MEASURES, colourfulness_of, measures_of
from tests.corpus.annotate.test_media import chosen, corpus_of, view
from tests.corpus.media.made_clips import colours_in_turn, make_clip
from tests.corpus.sources.mapped import rows

COLUMNS = ", ".join(MEASURES)
GREY = np.full((96, 160, 3), 128, np.uint8)
PICTURES = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)))


def by_name(pixels) -> dict[str, float]:
    return dict(zip(MEASURES, measures_of(pixels), strict=True))


@given(PICTURES)
def test_colourfulness_is_that_of_hasler_and_suesstrunk(pixels):
    """By lists of pixels, as the paper writes it."""
    points = [tuple(map(int, point)) for row in pixels for point in row]
    red_green = [red - green for red, green, _ in points]
    yellow_blue = [0.5 * (red + green) - blue for red, green, blue in points]
    spread = (pstdev(red_green) ** 2 + pstdev(yellow_blue) ** 2) ** 0.5
    mean = (fmean(red_green) ** 2 + fmean(yellow_blue) ** 2) ** 0.5
    assert colourfulness_of(pixels) == pytest.approx(spread + 0.3 * mean, abs=1e-6)


@given(PICTURES)
def test_contrast_and_sharpness_are_those_of_another_implementation(pixels):
    measures = by_name(pixels)
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(float)
    assert measures["contrast"] == pytest.approx(pstdev(luma.ravel().tolist()) / 255, abs=1e-9)
    if min(luma.shape) > 1:
        laplacian = convolve(luma, np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]), mode="mirror")
        assert measures["sharpness"] == pytest.approx(laplacian.var(), rel=1e-9, abs=1e-6)
    assert 0 <= measures["aesthetic_value"] <= 1 and 0 <= measures["clutter"] <= 1


def test_more_things_are_more_clutter_and_a_blurred_picture_is_less_sharp():
    def with_squares(count: int) -> np.ndarray:
        picture = np.full((240, 320, 3), 40, np.uint8)
        for number in range(count):
            row, column = divmod(number, 8)
            picture[10 + 38 * row : 30 + 38 * row, 10 + 38 * column : 30 + 38 * column] = 220
        return picture

    clutter = [by_name(with_squares(count))["clutter"] for count in (0, 1, 4, 16, 48)]
    assert clutter[0] == 0 and clutter == sorted(clutter) and len(set(clutter)) == 5
    edges = 48 * 4 * 20 / (240 * 320)  # the outlines of 48 squares of 20 pixels
    assert clutter[-1] == pytest.approx(edges, rel=0.15)
    sharp = with_squares(16)
    assert by_name(cv2.GaussianBlur(sharp, (0, 0), 3))["sharpness"] < by_name(sharp)["sharpness"] / 10
    assert list(measures_of(GREY)) == [0] * 5


def test_a_clip_has_a_row_a_scene_and_one_of_the_whole(tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    vivid, dull = (200, 0, 0), (120, 120, 120)
    make_clip(corpus / "media" / "aaaaaaaaaaa.mp4", colours_in_turn(vivid, dull, each_s=4), duration_s=8)
    annotate_media(corpus, chosen("picture_tone"), workers=1)
    told = rows(corpus, f'SELECT start_s, {COLUMNS} FROM "{view(corpus, "picture_tone")}" ORDER BY start_s NULLS FIRST')
    whole, scenes = told[0], told[1:]
    assert whole[0] is None and len(scenes) == 7
    assert whole[1:] == pytest.approx(np.mean([row[1:] for row in scenes], 0), abs=1e-5)
    red, grey = scenes[0], scenes[-1]
    assert red[1] > 60 and grey[1] < 5 and red[4] > grey[4]


def test_a_picture_alone_is_one_scene_and_a_damaged_one_costs_itself_alone(tmp_path, cbc_here):
    ids = ("aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc", "ddddddddddd")
    corpus = corpus_of(tmp_path, *ids)
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (60, 80, 3)).astype(np.uint8)
    sizes = {"aaaaaaaaaaa": picture, "bbbbbbbbbbb": picture[:1, :1]}
    for name, pixels in sizes.items():
        cv2.imwrite(str(corpus / "media" / f"{name}.png"), pixels[..., ::-1])
    (corpus / "media" / "ccccccccccc.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 100)
    done = cbc_here("corpus", "annotate", "--with", "picture_tone", "--corpus", corpus)
    assert done.returncode == 0 and "1 message without a file" in done.stdout
    label = view(corpus, "picture_tone")
    for name, pixels in sizes.items():
        told = rows(corpus, f"""SELECT {COLUMNS} FROM "{label}" WHERE message_id = 'youtube:{name}'""")
        assert told and all(row == pytest.approx(measures_of(pixels), abs=1e-5) for row in told)
    assert rows(corpus, f"SELECT value FROM rejects WHERE source = '{label}'") == [("youtube:ccccccccccc",)]


def test_the_label_follows_the_size_at_which_pictures_are_measured():
    usual, smaller = (labels_of(chosen("picture_tone", *more)) for more in ((), ("picture_tone.pixels=240",)))
    assert usual["picture_tone"].startswith("picture_tone@1-") and usual != smaller
