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
        self.relations = RelationAggregator(
            config.relation_layers, width, config.relation_heads, mlp_width, config.relation_dropout
        )
        self.qformer = Blip2QFormerModel(config.qformer_config)
        self.queries = nn.Parameter(torch.zeros(1, config.queries, query_width))
        self.extra_queries = nn.Parameter(torch.zeros(1, config.extra_queries, query_width))
        self.frame_times = None if config.layout == "video" else nn.Linear(TIME_FEATURES, width)

    def start(self) -> None:
        """Set what its own parts begin with: extra queries at zero, the others as BLIP-2 draws them."""
        init.normal_(self.queries, std=self.config.qformer_config.initializer_range)
        init.zeros_(self.extra_queries)
        if self.frame_times is not None:
            init.zeros_(self.frame_times.weight)
            init.zeros_(self.frame_times.bias)

    def forward(self, frames: torch.Tensor, times: torch.Tensor | None = None) -> torch.Tensor:
        """[sets, frames, 3, height, width] and shares of the length, [sets, frames] -> [sets, visual tokens, width].

        A set is a video, or in the layout `scene` one scene of one.
        """
        last, layers = self.layers(frames)
        seen = last[:, :, 1:]  # patches of all frames are one set: without frame_times nothing in them carries time
        if self.frame_times is not None:
            if times is None:
                raise ValueError(f"the layout {self.config.layout} needs the times of the frames")
            seen = seen + self.frame_times(time_features(times).to(seen.dtype)).unsqueeze(2)
        token = self.relations(layers)
        read = self.tower.post_layernorm(torch.cat([seen.flatten(1, 2), token], 1))
        return self.ask(read)

    def layers(self, frames: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The tower's last output before its final norm, and those that the relations read.

        Each [sets, frames, 1 + patches, width].
        """
        sets, count = frames.shape[:2]
        with kept_outputs(self.tower.encoder.layers[-self.config.relation_layers :]) as outputs:
            self.tower(frames.flatten(0, 1))
        shaped = [output.reshape(sets, count, *output.shape[1:]) for output in outputs]
        return shaped[-1], shaped

    def ask(self, read: torch.Tensor) -> torch.Tensor:
        """[sets, tokens, width] -> features of the queries, [sets, visual tokens, width of the Q-Former]."""
        queries = torch.cat([self.queries, self.extra_queries], 1)[:, : self.config.visual_tokens]
        asked = queries.expand(len(read), -1, -1)
        features: torch.Tensor = self.qformer(query_embeds=asked, encoder_hidden_states=read).last_hidden_state
        return features


TIME_FEATURES = 16


def time_features(times: torch.Tensor) -> torch.Tensor:
    """Shares of a video's length, 0 to 1 -> sines and cosines of growing pitch, [..., TIME_FEATURES]."""
    pitches = torch.pi * 2.0 ** torch.arange(TIME_FEATURES // 2, device=times.device)
    angles = times.unsqueeze(-1).float() * pitches
    return torch.cat([angles.sin(), angles.cos()], -1)


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
