"""What moves behavior in the world of clips: only what is to be seen.

Replay: attention of a scene = COLOURS[colour] + MOTIONS[motion] + noise; a motion's direction is in no single frame.
Likes: ln(100 likes/views) = like_ln + LOGOS[logo] + channel + noise: one fact about the whole video.
Views follow from the audience alone. Shape, text, place, background and tone move nothing.
"""

from __future__ import annotations

import numpy as np

from corpus.simulate.clips.specification import ClipSpecification
from corpus.simulate.curves import Array

COLOURS = {
    "red": 1.0,
    "yellow": 0.7,
    "pink": 0.4,
    "cyan": 0.15,
    "orange": -0.15,
    "green": -0.4,
    "purple": -0.7,
    "blue": -1.0,
}
MOTIONS = {"moves right": 0.7, "moves up": 0.35, "stays": 0.0, "moves down": -0.35, "moves left": -0.7}
LOGOS = {"wave": 0.6, "tree": 0.36, "dots": 0.12, "bars": -0.12, "key": -0.36, "arch": -0.6}


def expected_attention(clip: ClipSpecification) -> Array:
    """Attention of each scene without noise."""
    return np.array([COLOURS[scene.colour] + MOTIONS[scene.motion] for scene in clip.scenes])
