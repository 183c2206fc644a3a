"""What a model sees with: a store of frames or features, and the places in prompts where they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessorList

from baselines.lcbm.vision.model import LcbmVision
from baselines.lcbm.vision.restating import Restating
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

    def insert(
        self, text: str, prompt_end: int, ids: Sequence[int], offsets: Sequence[tuple[int, int]], message_id: str
    ) -> list[int]:
        """Tokens of a prompt, or of a text that begins with it, with visual ones as ~set. Raises NothingSeen."""
        return self.sight.insert(ids, offsets, self.sight.places(text, prompt_end, self.store.scenes(message_id)))

    def prompt_tokens(self, tokenizer: Any, prompt: str, message_id: str) -> list[int]:
        """The tokens of a prompt with the visual token in the places of the sets, each once and in order."""
        coded = tokenizer(prompt, return_offsets_mapping=True)
        marked = self.insert(prompt, len(prompt), coded["input_ids"], coded["offset_mapping"], message_id)
        return self.sight.tokens_of(marked)

    def to_write(
        self,
        model: LcbmVision,
        tokenizer: Any,
        message_ids: Sequence[str | None],
        start: int,
        look: Callable[[LcbmVision, torch.Tensor, torch.Tensor], torch.Tensor] = LcbmVision.see,
    ) -> dict[str, Any]:
        """What `generate` is given beside prompts about messages (None: nothing is seen), of `start` tokens each.

        look: gives the features of frames.
        """
        seen = joined([self.cells(message_id) for message_id in message_ids if message_id is not None])
        if not seen:
            return {}
        seen = {name: array.to(model.device) for name, array in seen.items()}
        with torch.no_grad():
            features = seen[FEATURES] if FEATURES in seen else look(model, seen[FRAMES], seen["times"])
        if self.sight.layout != "scene":
            return {FEATURES: features}
        sets: list[dict[int, int]] = []
        first = 0
        for message_id in message_ids:
            scenes = [] if message_id is None else self.store.scenes(message_id)
            sets.append({scene: first + number for number, scene in enumerate(scenes)})
            first += len(scenes)
        restating = Restating(self.sight, tokenizer, features, sets, start)
        return {FEATURES: features, "restating": restating, "logits_processor": LogitsProcessorList([restating])}

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
