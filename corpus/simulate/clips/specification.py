"""What a rendered clip shows: its logo and tone, and in each scene a shape, its colour, its motion and a text.

All of a clip follows from its generator, which follows from the seed of its world and the id of its message.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from corpus.replay_curve import multiplier
from corpus.simulate.curves import MARKERS
from corpus.simulate.phrases import pick

SHAPES = ("circle", "square", "triangle", "ring", "cross", "diamond")
COLOURS = {
    "red": (215, 40, 40),
    "orange": (240, 140, 30),
    "yellow": (235, 220, 50),
    "green": (50, 170, 60),
    "cyan": (60, 205, 215),
    "blue": (45, 75, 215),
    "purple": (135, 50, 180),
    "pink": (240, 120, 190),
}
"""Red, green and blue of each colour."""
MOTIONS = {"stays": (0, 0), "moves left": (-1, 0), "moves right": (1, 0), "moves up": (0, -1), "moves down": (0, 1)}
"""Direction of each motion: right and down are positive."""
TEXTS = ("sale", "new", "live", "win")
LOGOS = ("bars", "arch", "dots", "wave", "key", "tree")
TONES_HZ = (220, 330, 440, 660)
TEXT_SHARE = 0.4
SHORTEST_S, LONGEST_S = 9, 13  # by SPEC 3 such videos have 8 to 12 scenes


@dataclass(frozen=True)
class ClipScene:
    """A scene: what is shown, and where. Centre, radius and background (red, green, blue) are of 0 to 1."""

    shape: str
    colour: str
    motion: str
    text: str | None
    centre: tuple[float, float]
    radius: float
    background: tuple[float, float, float]

    @property
    def caption(self) -> str:
        """What is to be seen, in words."""
        says = f', "{self.text}"' if self.text else ""
        return f"{self.colour} {self.shape} {self.motion}{says}"


@dataclass(frozen=True)
class ClipSpecification:
    """A clip: its length, the logo in its corner, its tone and its scenes."""

    duration_s: float
    logo: str
    tone_hz: int
    scenes: tuple[ClipScene, ...]

    @property
    def scene_s(self) -> float:
        """Length of a scene in seconds (paper, section 3)."""
        return self.duration_s * multiplier(MARKERS, self.duration_s) / MARKERS

    def scene_at(self, time_s: float) -> tuple[int, float]:
        """The scene at a time, and the share of it that is over."""
        scene = min(int(time_s / self.scene_s), len(self.scenes) - 1)
        return scene, min(time_s / self.scene_s - scene, 1.0)

    @property
    def caption(self) -> str:
        """What is to be seen, in words: a line for each scene, with the logo that stands in all of them.

        Lines are written as answers about scenes are (ANSWER of corpus/verbalize/video.py), so that what is learned of
        finding a scene serves these too.
        """
        return "\n".join(
            f"scene {number}:  = {scene.caption}, logo {self.logo}" for number, scene in enumerate(self.scenes, 1)
        )


def draw_clip(
    seed: int, message_id: str, shortest_s: int = SHORTEST_S, longest_s: int = LONGEST_S
) -> ClipSpecification:
    """Draw the clip of a message, of whole seconds."""
    rng = np.random.default_rng([seed, 3, zlib.crc32(message_id.encode())])
    duration_s = float(rng.integers(shortest_s, longest_s + 1))
    scenes = tuple(draw_scene(rng) for _ in range(MARKERS // multiplier(MARKERS, duration_s)))
    tone_hz = TONES_HZ[int(rng.integers(len(TONES_HZ)))]
    return ClipSpecification(duration_s, pick(rng, LOGOS), tone_hz, scenes)


def draw_scene(rng: np.random.Generator) -> ClipScene:
    """Draw a scene; nothing in it tells anything about another part of it."""
    red, green, blue = (float(level) for level in rng.uniform(0.2, 0.8, 3))
    return ClipScene(
        shape=pick(rng, SHAPES),
        colour=pick(rng, tuple(COLOURS)),
        motion=pick(rng, tuple(MOTIONS)),
        text=pick(rng, TEXTS) if rng.random() < TEXT_SHARE else None,
        centre=(float(rng.uniform(0.42, 0.58)), float(rng.uniform(0.42, 0.58))),
        radius=float(rng.uniform(0.17, 0.23)),
        background=(red, green, blue),
    )
