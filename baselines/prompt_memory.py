"""Read prompts that begin alike only once: the keys and values of the last prompt serve the next one's beginning.

`reader.memory = PromptMemory()`; prompts are then asked one by one, in the order in which they are given. Answers are
the same: a token's keys and values depend on what stands before it alone.
"""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel

AT_ONCE = 512  # tokens that are read at once: attention costs their number times that of all before them


class PromptMemory:
    """The last prompt: its tokens, [length], the features in its visual places, [places, width], and its cache.

    looks: features of each set of frames that was seen, by the digest of the set.
    """

    def __init__(self) -> None:
        self.tokens = torch.zeros(0, dtype=torch.long)
        self.shown = torch.zeros(0, 0)
        self.cache: DynamicCache | None = None
        self.looks: dict[bytes, torch.Tensor] = {}

    def read(
        self,
        model: PreTrainedModel,
        tokens: torch.Tensor,
        cache: DynamicCache,
        shown: torch.Tensor | None = None,
        **options: Any,
    ) -> DynamicCache:
        """The cache of all tokens of a prompt but the last, of which those are read that the last prompt had not.

        tokens: [length]; cache: an empty one; shown: what stands in the places of `model.config.visual_token_id`.
        """
        shown = torch.zeros(0, 0) if shown is None else shown
        visual = tokens == model.config.visual_token_id if len(shown) else torch.zeros_like(tokens, dtype=torch.bool)
        start = 0
        if self.cache is not None:
            cache = self.cache
            start = min(self.count_common(tokens, visual, shown), len(tokens) - 1)
            cache.crop(start - cache.get_seq_length())
        self.cache = None  # an interrupted reading leaves none
        first = int(visual[:start].sum())
        for begin in range(start, len(tokens) - 1, AT_ONCE):
            part = slice(begin, min(begin + AT_ONCE, len(tokens) - 1))
            last = first + int(visual[part].sum())
            seen = {"features": shown[first:last, None]} if last > first else {}
            with torch.no_grad():
                model(input_ids=tokens[None, part], past_key_values=cache, use_cache=True, **seen, **options)
            first = last
        self.tokens, self.shown, self.cache = tokens, shown, cache
        return cache

    def count_common(self, tokens: torch.Tensor, visual: torch.Tensor, shown: torch.Tensor) -> int:
        """How many tokens a prompt has in common with the last one from the beginning, with what they show."""
        length = min(len(tokens), len(self.tokens))
        differs = tokens[:length] != self.tokens[:length]
        places = visual[:length].nonzero()[:, 0]
        count = min(len(places), len(self.shown))
        if count:
            differs[places[:count]] |= (shown[:count] != self.shown[:count]).any(1)
        return int(differs.int().argmax()) if differs.any() else length

    def look(self, model: Any, frames: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """What `model.see` gives for sets of frames, [sets, ...], each of which is seen once."""
        pairs = zip(frames, times, strict=True)
        digests = [hashlib.sha256(f.cpu().numpy().tobytes() + t.cpu().numpy().tobytes()).digest() for f, t in pairs]
        new = {digest: number for number, digest in enumerate(digests) if digest not in self.looks}
        if new:
            rows = list(new.values())
            with torch.no_grad():
                self.looks |= dict(zip(new, model.see(frames[rows], times[rows]), strict=True))
        return torch.stack([self.looks[digest] for digest in digests])
