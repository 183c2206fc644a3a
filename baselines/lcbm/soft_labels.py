"""Soft labels: a number's neighbours in its family are nearly right, so they get a share of its label.

Shares fall like a normal distribution over places in the family. Any other token is its own label.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch


class SoftLabels:
    """The labels of each token of a vocabulary. near: [vocabulary, k] tokens; share: [vocabulary, k], summing to 1."""

    def __init__(self, vocabulary: int, families: Iterable[tuple[Sequence[int], float]]) -> None:
        """families: tokens of each family, ascending by value, and the standard deviation in places."""
        families = list(families)
        reach = math.ceil(3 * max((spread for _, spread in families), default=0))
        steps = torch.arange(-reach, reach + 1)
        self.near = torch.arange(vocabulary)[:, None].repeat(1, len(steps))
        self.share = torch.zeros(vocabulary, len(steps))
        self.share[:, reach] = 1.0
        for family, spread in families:
            tokens = torch.tensor(family)
            weights = torch.exp(-0.5 * (steps / max(spread, 1e-6)) ** 2)
            places = torch.arange(len(tokens))[:, None] + steps
            inside = (places >= 0) & (places < len(tokens))
            shares = torch.where(inside, weights, 0.0)
            self.near[tokens] = tokens[places.clamp(0, len(tokens) - 1)]
            self.share[tokens] = shares / shares.sum(1, keepdim=True)

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Sum of the cross-entropies of [tokens, vocabulary] against the labels of [tokens]."""
        if self.near.device != logits.device:
            self.near, self.share = self.near.to(logits.device), self.share.to(logits.device)
        near = logits.log_softmax(-1).gather(1, self.near[labels])
        return -(self.share[labels] * near).sum()
