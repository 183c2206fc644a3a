"""Listeners that read the frames sampled in each replay scene, upright and in full size."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from corpus.annotate.media import Listener, Message
from corpus.media.clip import Decoded, Picture, Pixels

CHANGED = 32  # levels of 255 by which a pixel has changed: compression alone changes it by less
ALIKE = 0.00005  # share of changed pixels up to which two pictures show the same: a letter is more


class SampledFrames(Listener):
    """Hands over the first picture at or after each sampled time; the last one for times after it."""

    def __init__(self, message: Message) -> None:
        self.message = message
        times_s = enumerate(message.frame_times_s)
        self.wanted = [(time_s, scene) for scene, of_scene in times_s for time_s in of_scene]
        self.next = 0
        self.last: tuple[Picture, Pixels] | None = None

    def picture(self, picture: Picture, small: Pixels) -> None:
        self.last = picture, small
        while self.next < len(self.wanted) and self.wanted[self.next][0] <= picture.time_s:
            self.frame(self.wanted[self.next][1], picture, small)
            self.next += 1

    def finish(self, decoded: Decoded) -> None:
        if self.last is not None:
            for _, scene in self.wanted[self.next :]:
                self.frame(scene, *self.last)
        self.next = len(self.wanted)

    @abstractmethod
    def frame(self, scene: int, picture: Picture, small: Pixels) -> None:
        """Take a sampled frame of a scene."""


def are_alike(one: Pixels | None, other: Pixels) -> bool:
    """Whether two pictures show the same."""
    if one is None or one.shape != other.shape:
        return False
    changed = (np.abs(one.astype(np.int16) - other) > CHANGED).any(2)
    return float(changed.mean()) <= ALIKE
