"""Where in a prompt a model sees, and what it sees there, for each layout of visual tokens (configuration.py)."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from baselines.lcbm.vision.configuration import LcbmVisionConfig
from corpus.seen_store import Piece

SCENE_HEAD = re.compile(r"^ ?scene (\d+):", re.MULTILINE)  # a space stands between prompt and answer
MEAN, SPREAD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of red, green and blue of 0 to 1, to which pictures are brought before the tower (those of CLIP, as in BLIP-2)."""


class Place(NamedTuple):
    """A set of visual tokens stands before a character of a text."""

    character: int
    set: int


@dataclass(frozen=True)
class Sight:
    """How a model of some configuration sees: sets of frames, and their places in prompts."""

    layout: str
    frames: int
    tokens: int
    token_id: int
    image_size: int
    width: int

    @classmethod
    def of(cls, config: LcbmVisionConfig) -> Sight:
        """That of a model's configuration."""
        sizes = config.vision_config.image_size, config.seen_width
        return cls(config.layout, config.frames_seen, config.visual_tokens, config.visual_token_id, *sizes)

    def sets(self, piece: Piece) -> Piece:
        """Frames of a message as sets: seen [sets, frames, size, size, 3] with time_shares [sets, frames].

        A set is a video, or in the layout `scene` a scene: `frames` frames, spread evenly over those that were sampled.
        """
        set_of = piece.scenes if self.layout == "scene" else np.zeros(len(piece.seen), np.int64)
        sets = np.unique(set_of)
        sampled = [np.flatnonzero(set_of == number) for number in sets]
        shares = np.linspace(0, 1, self.frames)
        rows = np.stack([of_set[(shares * (len(of_set) - 1)).round().astype(int)] for of_set in sampled])
        return Piece(piece.message_id, piece.seen[rows], sets, piece.time_shares[rows])

    def places(self, text: str, prompt_end: int, scenes: Sequence[int]) -> list[Place]:
        """Where the sets of some scenes stand in a prompt, or in a text that begins with it, ascending.

        A video's set stands before the prompt; that of a scene behind the head of its line, and again behind that head
        in the answer, which restates what is seen as it restates words. Where not all scenes have a line, all stand
        before the prompt.
        """
        if self.layout != "scene":
            return [Place(0, 0)]
        set_of = {scene: number for number, scene in enumerate(scenes)}
        heads = [(int(head[1]) - 1, prompt_end + head.end()) for head in SCENE_HEAD.finditer(text[prompt_end:])]
        answer = [Place(end, set_of[scene]) for scene, end in heads if scene in set_of]
        ends = {int(head[1]) - 1: head.end() for head in SCENE_HEAD.finditer(text[:prompt_end])}
        if not all(scene in ends for scene in scenes):
            return [*(Place(0, number) for number in set_of.values()), *answer]
        return [*(Place(ends[scene], number) for scene, number in set_of.items()), *answer]

    def insert(self, ids: Sequence[int], offsets: Sequence[tuple[int, int]], places: Sequence[Place]) -> list[int]:
        """Tokens with visual ones in their places, each written as ~set, below zero; one that begins there follows."""
        starts = [start if end > start else -1 for start, end in offsets]  # a special token spans nothing
        result: list[int] = []
        last = 0
        for character, number in places:
            place = max(last, bisect.bisect_left(starts, character))
            result += [*ids[last:place], *[~number] * self.tokens]
            last = place
        return [*result, *ids[last:]]

    def tokens_of(self, ids: Sequence[int]) -> list[int]:
        """Tokens with the visual token itself in place of the sets."""
        return [self.token_id if token < 0 else token for token in ids]


def as_input(frames: npt.NDArray[Any]) -> torch.Tensor:
    """Frames, [sets, frames, size, size, 3] bytes, as the tower reads them: [sets, frames, 3, size, size]."""
    shares = torch.from_numpy(np.ascontiguousarray(frames)).float() / 255
    return ((shares - torch.tensor(MEAN)) / torch.tensor(SPREAD)).permute(0, 1, 4, 2, 3)
