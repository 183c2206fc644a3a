"""The Global Multi-Head Relation Aggregator: one video token that reads all frames of several layers of the tower.

As in VideoChat and UniFormerV2 (SPEC 6): the token begins at zero and is refined by one block for each of the tower's
last layers; nothing flows back into the tower. Its keys and values are the tokens of all frames, and a depthwise
convolution over time, height and width is added to their patches: there alone the order of the frames is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from transformers import initialization as init


class RelationBlock(nn.Module):
    """x + attention(norm(x); all frames), then x + MLP(norm(x)); both begin as nothing, so x begins unchanged."""

    def __init__(self, width: int, heads: int, mlp_width: int, dropout: float) -> None:
        super().__init__()
        self.query_norm = nn.LayerNorm(width)
        self.mlp_norm = nn.LayerNorm(width)
        self.frame_norm = nn.LayerNorm(width)
        self.position = nn.Conv3d(width, width, kernel_size=3, padding=1, groups=width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(
            nn.Linear(width, mlp_width), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp_width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def start(self) -> None:
        """Set the weights that a new block begins with."""
        init.xavier_uniform_(self.attention.in_proj_weight)
        last = self.mlp[-1]
        assert isinstance(last, nn.Linear)
        for layer in (self.attention.out_proj, last):
            init.zeros_(layer.weight)
            init.zeros_(layer.bias)
        init.zeros_(self.attention.in_proj_bias)

    def forward(self, token: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
        """[videos, 1, width] and [videos, frames, 1 + patches, width] -> [videos, 1, width]."""
        seen = self.with_positions(self.frame_norm(frames)).flatten(1, 2)
        read, _ = self.attention(self.query_norm(token), seen, seen, need_weights=False)
        token = token + self.dropout(read)
        refined: torch.Tensor = token + self.dropout(self.mlp(self.mlp_norm(token)))
        return refined

    def with_positions(self, frames: torch.Tensor) -> torch.Tensor:
        """Add the convolution to the patches of all frames, a square each: [videos, frames, 1 + patches, width]."""
        videos, count, tokens, width = frames.shape
        side = round((tokens - 1) ** 0.5)
        patches = frames[:, :, 1:].reshape(videos, count, side, side, width).permute(0, 4, 1, 2, 3)
        moved = self.position(patches).permute(0, 2, 3, 4, 1).reshape(videos, count, tokens - 1, width)
        return torch.cat([frames[:, :, :1], frames[:, :, 1:] + moved], 2)


class RelationAggregator(nn.Module):
    """One block for each of the tower's layers that are read, from the first to the last."""

    def __init__(self, layers: int, width: int, heads: int, mlp_width: int, dropout: float) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.blocks = nn.ModuleList(RelationBlock(width, heads, mlp_width, dropout) for _ in range(layers))

    def start(self) -> None:
        """Set what a new aggregator begins with: a token of zeros, and blocks that change nothing."""
        init.zeros_(self.token)
        for block in self.blocks:
            assert isinstance(block, RelationBlock)
            block.start()

    def forward(self, layers: Sequence[torch.Tensor]) -> torch.Tensor:
        """Outputs of the layers, each [videos, frames, 1 + patches, width] -> the video token, [videos, 1, width]."""
        token = self.token.expand(len(layers[0]), -1, -1)
        for block, frames in zip(self.blocks, layers, strict=True):
            token = block(token, frames)
        return token
