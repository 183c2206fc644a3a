"""Replay curves under the law: their expected attention, the spread around it, and draws of both.

A curve has n scenes, each of 100 // n markers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from corpus.simulate import law as rules
from corpus.simulate.phrases import pick

MARKERS = 100
Array = npt.NDArray[np.float64]


class Scene(NamedTuple):
    """Content of a scene."""

    shot: str
    text: str | None


def draw_scenes(rng: np.random.Generator, count: int, shot_markers: float) -> list[Scene]:
    """Draw the content of a video's scenes: shots, each on for one or several of them."""
    scenes: list[Scene] = []
    mean_scenes = max(shot_markers * count / MARKERS, 1.0)
    while len(scenes) < count:
        text = pick(rng, tuple(rules.SCREEN_TEXTS)) if rng.random() < 0.2 else None
        scenes += [Scene(pick(rng, tuple(rules.SHOTS)), text)] * int(rng.geometric(1 / mean_scenes))
    return scenes[:count]


def expected_attention(scenes: Sequence[Scene], tone: str, law: rules.CurveLaw) -> Array:
    """Attention of each scene under the law, without noise."""
    shown = [rules.SHOTS[scene.shot] + (rules.SCREEN_TEXTS[scene.text] if scene.text else 0.0) for scene in scenes]
    content, contents = 0.0, []
    for effect in shown:
        content = law.carry * content + (1 - law.carry) * law.shots * effect
        contents.append(content)
    position = np.arange(len(scenes)) / max(len(scenes) - 1, 1)
    shape = law.rise * (1 - np.exp(-position / rules.RISE_SHARE)) - law.fall * position**rules.FALL_POWER
    attention: Array = np.array(contents) + law.tilt * rules.REPLAY_TONES[tone] * (position - 0.5) + shape
    attention[0] += law.opening
    return attention


def covariance(
    scenes: int, slow_sd: float, slow_markers: float, fast_sd: float, fast_markers: float, opening_sd: float
) -> Array:
    """Covariance of the noise: [scenes, scenes]."""
    at = np.arange(scenes) * (MARKERS // scenes)
    distance = np.abs(at[:, None] - at[None, :]).astype(np.float64)
    smooth = np.sqrt(3) * distance / slow_markers
    noise: Array = slow_sd**2 * (1 + smooth) * np.exp(-smooth) + fast_sd**2 * np.exp(-distance / fast_markers)
    noise[0, 0] += opening_sd**2
    return noise


def draw_curves(rng: np.random.Generator, mean: Array, noise: Array, draws: int) -> Array:
    """Draw curves around the expected attention, each from its lowest (0) to its highest (1): [draws, scenes]."""
    attention = mean + rng.normal(size=(draws, len(mean))) @ np.linalg.cholesky(noise).T
    low, high = attention.min(axis=1, keepdims=True), attention.max(axis=1, keepdims=True)
    curves: Array = (attention - low) / (high - low)
    return curves
