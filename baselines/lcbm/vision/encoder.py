"""From frames to visual features: tower, relations over all frames, final norm, Q-Former (SPEC 6)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import initialization as init
from transformers.models.blip_2.modeling_blip_2 import Blip2QFormerModel, Blip2VisionModel

from baselines.lcbm.vision.configuration import LcbmVisionConfig
from baselines.lcbm.vision.gmhra import RelationAggregator


class VisualEncoder(nn.Module):
    """Frames -> features of the queries. The Q-Former and its queries are kept in float32, as in BLIP-2."""

    def __init__(self, config: LcbmVisionConfig) -> None:
        super().__init__()
        width, query_width = config.vision_config.hidden_size, config.qformer_config.hidden_size
        mlp_width = int(width * config.relation_mlp_factor)
        self.config = config
        self.tower = Blip2VisionModel(config.vision_config)
        self.relations = (
            RelationAggregator(config.relation_layers, width, config.relation_heads, mlp_width, config.relation_dropout)
            if config.relation_layers
            else None
        )
        self.qformer = Blip2QFormerModel(config.qformer_config)
        self.queries = nn.Parameter(torch.zeros(1, config.queries, query_width))
        self.extra_queries = nn.Parameter(torch.zeros(1, config.extra_queries, query_width))
        self.frame_times = nn.Linear(TIME_FEATURES, width) if config.layout == "timed" else None

    def start(self) -> None:
        """Set what its own parts begin with: extra queries at zero, the others as BLIP-2 draws them.

        A new tower's places begin as sines and cosines, as large as its patches: small random ones are learned late.
        """
        places = self.tower.embeddings.position_embedding
        init.copy_(places, place_features(places.shape[1] - 1, places.shape[2]).to(places))
        init.normal_(self.queries, std=self.config.qformer_config.initializer_range)
        init.zeros_(self.extra_queries)
        if self.frame_times is not None:
            init.zeros_(self.frame_times.weight)
            init.zeros_(self.frame_times.bias)

    def forward(self, frames: torch.Tensor, times: torch.Tensor | None = None) -> torch.Tensor:
        """[sets, frames, 3, height, width] and shares of the length, [sets, frames] -> [sets, visual tokens, width].

        A set is a video, or in the layout `scene` one scene of one, whose width is that of its frames together, so that
        what reads it has weights for each frame.
        """
        last, layers = self.layers(frames)
        seen = last[:, :, 1:]  # patches of all frames are one set: without frame_times nothing in them carries time
        if self.frame_times is not None:
            if times is None:
                raise ValueError(f"the layout {self.config.layout} needs the times of the frames")
            seen = seen + self.frame_times(time_features(times).to(seen.dtype)).unsqueeze(2)
        by_frame = self.config.layout == "scene"
        groups = seen if by_frame else seen.flatten(1, 2).unsqueeze(1)  # [sets, groups, patches, width]
        if self.relations is not None:
            token = self.relations(layers).unsqueeze(1).expand(-1, groups.shape[1], -1, -1)
            groups = torch.cat([groups, token], 2)
        answers = self.ask(self.tower.post_layernorm(groups.flatten(0, 1)))
        if not by_frame:
            return answers
        return answers.reshape(*frames.shape[:2], *answers.shape[1:]).transpose(1, 2).flatten(2)

    def layers(self, frames: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The tower's last output before its final norm, and those that the relations read, or the last.

        Each [sets, frames, 1 + patches, width].
        """
        sets, count = frames.shape[:2]
        with kept_outputs(self.tower.encoder.layers[-max(1, self.config.relation_layers) :]) as outputs:
            self.tower(frames.flatten(0, 1))
        shaped = [output.reshape(sets, count, *output.shape[1:]) for output in outputs]
        return shaped[-1], shaped

    def ask(self, read: torch.Tensor) -> torch.Tensor:
        """[groups, tokens, width] -> features of the queries, [groups, queries, width of the Q-Former]."""
        queries = torch.cat([self.queries, self.extra_queries], 1)
        if self.config.layout == "scene":
            queries = queries[:, : self.config.scene_queries]
        asked = queries.expand(len(read), -1, -1)
        features: torch.Tensor = self.qformer(query_embeds=asked, encoder_hidden_states=read).last_hidden_state
        return features


TIME_FEATURES = 16
SLOWEST = 100.0  # how much slower the slowest wave of places is than the fastest


def time_features(times: torch.Tensor) -> torch.Tensor:
    """Shares of a video's length, 0 to 1 -> sines and cosines of growing pitch, [..., TIME_FEATURES]."""
    pitches = torch.pi * 2.0 ** torch.arange(TIME_FEATURES // 2, device=times.device)
    angles = times.unsqueeze(-1).float() * pitches
    return torch.cat([angles.sin(), angles.cos()], -1)


def place_features(patches: int, width: int) -> torch.Tensor:
    """What the places of a class token and of the patches of a square begin with, [1, 1 + patches, width].

    Sines and cosines of falling pitch, the first half of the row and the second of the column; zeros for the class
    token, and at the end where the width is no multiple of four.
    """
    side, pitches = round(patches**0.5), width // 4
    angles = torch.arange(side).float().unsqueeze(1) * SLOWEST ** -(torch.arange(pitches) / pitches)
    waves = torch.cat([angles.sin(), angles.cos()], 1)
    rows, columns = waves.repeat_interleave(side, 0), waves.repeat(side, 1)
    return nn.functional.pad(torch.cat([rows, columns], 1), (0, width - 4 * pitches, 1, 0)).unsqueeze(0)


@contextmanager
def kept_outputs(layers: Any) -> Iterator[list[torch.Tensor]]:
    """Keep the outputs of layers while the block runs, in their order."""
    outputs: list[torch.Tensor] = []

    def keep(_: nn.Module, __: Any, output: Any) -> None:
        outputs.append(output[0] if isinstance(output, tuple) else output)

    hooks = [layer.register_forward_hook(keep) for layer in layers]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()
