"""Colors: enough contrast in both modes, and each its own so that a chart's color names its variable."""

from __future__ import annotations

import pytest

from leaderboard.palette import COLORS, LIGHT, VARIABLES, css

GROUNDS = ("paper", "tint", "top")
TEXTS = ("ink", "muted", "lm", "linear", "boosted", "submitted", "oracle", "below", "mark")
SHAPES = ("focus", "second", "fourth", "lm", "submitted", "ink", "muted")


def luminance(color):
    """Relative luminance as WCAG defines it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in channels]
    return sum(weight * v for weight, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_texts_and_shapes_have_the_contrast_of_wcag_aa(mode):
    for ground in GROUNDS:
        for text in TEXTS:
            assert contrast(COLORS[text][mode], COLORS[ground][mode]) >= 4.5, (text, ground)
    for ground, signs in {"gain": ("ink", "oracle"), "loss": ("ink", "below")}.items():
        for text in signs:
            assert contrast(COLORS[text][mode], COLORS[ground][mode]) >= 4.5, (text, ground)
    for shape in SHAPES:
        for ground in ("paper", "faint"):
            assert contrast(COLORS[shape][mode], COLORS[ground][mode]) >= 3, (shape, ground)


def test_each_color_is_its_own():
    assert len(VARIABLES) == len(LIGHT) == len(COLORS)
    assert all(f"--{name}: {dark};" in css() for name, (_, dark) in COLORS.items())
