"""While a model writes: behind the head of a scene come the visual tokens of that scene, as in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers import LogitsProcessor

from baselines.lcbm.vision.seeing import SCENE_HEAD, Sight

TAIL = 12  # tokens; no head of a scene, with the end of the line before, has more


class Restating(LogitsProcessor):  # type: ignore[misc]
    """Writes the visual tokens of the layout `scene`, and keeps for the model which features they are.

    features: [sets, visual tokens, width], of all texts of a batch; sets: for each text the place of each scene of its
    message in them, by scene; start: the length of the prompts.
    """

    def __init__(
        self, sight: Sight, tokenizer: Any, features: torch.Tensor, sets: Sequence[Mapping[int, int]], start: int
    ) -> None:
        self.sight, self.tokenizer, self.features, self.sets, self.start = sight, tokenizer, features, sets, start
        self.next: list[tuple[int, int] | None] = [None] * len(sets)
        """For each text the set whose token was just written, and which of its tokens."""

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """[texts, length] tokens and [texts, vocabulary] scores -> scores."""
        first = max(self.start, input_ids.shape[1] - TAIL)
        answers = input_ids[:, first:].tolist()
        self.next = [self.follow(row, answer, first > self.start) for row, answer in enumerate(answers)]
        for row, written in enumerate(self.next):
            if written is not None:
                scores[row] = -torch.inf
                scores[row, self.sight.token_id] = 0.0
        return scores

    def follow(self, row: int, answer: list[int], cut: bool) -> tuple[int, int] | None:
        """The visual token that comes next in a text, given its answer, or the end of one that is cut."""
        if (last := self.next[row]) is not None and last[1] + 1 < self.sight.tokens:
            return last[0], last[1] + 1
        if last is not None or not answer:
            return None
        text = [token for token in answer if token != self.sight.token_id]
        before, now = (self.tokenizer.decode(tokens) for tokens in (text[:-1], text))
        heads = [head for head in SCENE_HEAD.finditer(now, int(cut)) if head.end() > len(before)]
        number = self.sets[row].get(int(heads[-1][1]) - 1) if heads else None
        return None if number is None else (number, 0)

    def written(self, last: torch.Tensor) -> torch.Tensor | None:
        """The features of the visual tokens among the last ones of the texts, [tokens, 1, width], in their order.

        A text that has ended is filled up with other tokens, whatever would come next in it.
        """
        visual = (last == self.sight.token_id).tolist()
        written = [place for place, there in zip(self.next, visual, strict=True) if there and place is not None]
        return torch.stack([self.features[place][None] for place in written]) if written else None
