"""What a model sees with: a store of frames or features, and the places in prompts where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from baselines.lcbm.vision.seeing import Sight, as_input
from corpus.seen_store import NothingSeen, Piece, Store

FRAMES, FEATURES = "frames", "features"
"""What a store holds, as store.json says."""


@dataclass(frozen=True)
class StoreEyes:
    """Eyes of one kind of sight over one store."""

    sight: Sight
    store: Store

    def __post_init__(self) -> None:
        """Raises NothingSeen where the store holds what the model cannot read."""
        if not self.store.index:
            return
        seen = self.store.piece(next(iter(self.store.index))).seen
        kind, sight = self.store.about["seen"], self.sight
        wanted = {FRAMES: (sight.image_size, sight.image_size, 3), FEATURES: (sight.tokens, sight.width)}
        if seen.shape[1:] != wanted.get(kind):
            needed = f"frames of {sight.image_size} pixels, or features of {sight.tokens} tokens, {sight.width} wide"
            raise NothingSeen(f"{self.store.root} holds {kind} of shape {seen.shape[1:]}", f"the model reads {needed}")

    def sees(self, message_id: str) -> bool:
        """Whether the store has something of a message."""
        return message_id in self.store

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The place of each message in the store."""
        return {message: number for number, message in enumerate(self.store.index)}

    @cached_property
    def messages(self) -> list[str]:
        """The messages of the store in their order."""
        return list(self.store.index)

    def number(self, message_id: str) -> int:
        """What a message is called in seen.bin."""
        return self.numbers[message_id]

    def sets(self, message_id: str) -> Piece:
        """The sets that stand in a prompt about a message. Raises NothingSeen."""
        piece = self.store.piece(message_id)
        return piece if self.store.about["seen"] == FEATURES else self.sight.sets(piece)

    def insert(self, prompt: str, ids: Sequence[int], offsets: Sequence[tuple[int, int]], message_id: str) -> list[int]:
        """Tokens of a prompt, or of a text that begins with it, with visual ones. Raises NothingSeen."""
        return self.sight.insert(ids, offsets, self.sight.places(prompt, self.store.scenes(message_id)))

    def inputs(self, message_ids: Sequence[str]) -> dict[str, torch.Tensor]:
        """What the model is given beside some texts: the sets of their messages, one after the other."""
        return joined([self.cells(message_id) for message_id in message_ids])

    def cells(self, message_id: str) -> dict[str, Any]:
        """The arrays of a message: its features, or its frames with their times."""
        piece = self.sets(message_id)
        if self.store.about["seen"] == FEATURES:
            return {FEATURES: piece.seen}
        return {FRAMES: piece.seen, "times": piece.time_shares.astype(np.float32)}


def joined(cells: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Arrays of several messages as tensors that the model reads."""
    arrays = {name: np.concatenate([of_message[name] for of_message in cells]) for name in (cells[0] if cells else ())}
    return {
        name: as_input(array) if name == FRAMES else torch.from_numpy(array).float() for name, array in arrays.items()
    }
