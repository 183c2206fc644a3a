"""Configuration of an LCBM with eyes: that of its tower, its Q-Former and its language model, and what joins them."""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, PretrainedConfig
from transformers.models.blip_2.configuration_blip_2 import Blip2QFormerConfig, Blip2VisionConfig

LAYOUTS = ("video", "timed", "scene")
"""Where visual tokens stand: `video`: one set for the whole, as in the paper, which carries no time; `timed`: the same
with an embedding of each frame's time; `scene`: a few in each scene's own line, in prompt and answer. There a frame is
read at a time, as in BLIP-2, and a token is what a query says of each frame of the scene, side by side in their order.
"""


class LcbmVisionConfig(PretrainedConfig):  # type: ignore[misc]
    """Sizes of the parts; by default those of the paper (SPEC 6), but for the language model, which must be given."""

    model_type = "lcbm-vision"
    sub_configs = {"vision_config": Blip2VisionConfig, "qformer_config": Blip2QFormerConfig, "text_config": AutoConfig}

    def __init__(
        self,
        vision_config: dict[str, Any] | None = None,
        qformer_config: dict[str, Any] | None = None,
        text_config: dict[str, Any] | None = None,
        relation_layers: int = 8,
        relation_heads: int = 16,
        relation_mlp_factor: float = 4.3637,
        relation_dropout: float = 0.5,
        queries: int = 32,
        extra_queries: int = 64,
        scene_queries: int = 4,
        scene_frames: int = 2,
        layout: str = "video",
        frames: int = 8,
        visual_token_id: int = -1,
        **others: Any,
    ) -> None:
        if layout not in LAYOUTS:
            raise ValueError(f"layout {layout!r} is none of {', '.join(LAYOUTS)}")
        vision, qformer = vision_config or {}, qformer_config or {}
        self.vision_config = vision if isinstance(vision, Blip2VisionConfig) else Blip2VisionConfig(**vision)
        self.qformer_config = qformer if isinstance(qformer, Blip2QFormerConfig) else Blip2QFormerConfig(**qformer)
        self.text_config = text_config if isinstance(text_config, PretrainedConfig) else text_model(text_config or {})
        self.relation_layers = relation_layers
        self.relation_heads = relation_heads
        self.relation_mlp_factor = relation_mlp_factor
        self.relation_dropout = relation_dropout
        self.queries = queries
        self.extra_queries = extra_queries
        self.scene_queries = scene_queries
        self.scene_frames = scene_frames
        self.layout = layout
        self.frames = frames
        self.visual_token_id = visual_token_id
        super().__init__(**others)

    @property
    def visual_tokens(self) -> int:
        """How many visual tokens a set has: of a video, or in the layout `scene` of a scene."""
        return self.scene_queries if self.layout == "scene" else self.queries + self.extra_queries

    @property
    def seen_width(self) -> int:
        """Width of the features of a visual token, before they are projected."""
        width = int(self.qformer_config.hidden_size)
        return width * self.scene_frames if self.layout == "scene" else width

    @property
    def frames_seen(self) -> int:
        """How many frames a set has."""
        return self.scene_frames if self.layout == "scene" else self.frames


def text_model(config: dict[str, Any]) -> PretrainedConfig:
    """The configuration of a language model, of the type that it names."""
    return AutoConfig.for_model(**{"model_type": "llama", **config})
