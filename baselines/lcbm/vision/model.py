"""LCBM with eyes: visual features are projected into a language model, in the places of a token of their own.

    model = LcbmVision.from_parts(tower_and_qformer="Salesforce/blip2-opt-2.7b", llm="lmsys/vicuna-13b-v1.5")
    model(input_ids, frames=frames, labels=labels).loss

It saves and loads as any model of transformers. In place of frames, stored features of the Q-Former can be given: in
stage 2 all before them is frozen (SPEC 6), so the loss is the same.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.models.blip_2.modeling_blip_2 import Blip2Model

from baselines.lcbm.vision.configuration import LcbmVisionConfig
from baselines.lcbm.vision.encoder import VisualEncoder
from baselines.lcbm.vision.gmhra import RelationAggregator
from baselines.lcbm.vision.restating import Restating

STAGE_1 = (
    "visual.relations.",
    "visual.tower.post_layernorm.",
    "visual.extra_queries",
    "visual.frame_times.",
    "project.",
)
"""What alignment on captions trains; tower, Q-Former, its own queries and the language model are frozen (SPEC 6)."""


class WrongVisuals(ValueError):
    """The text has other places for visual tokens than there are features."""


class LcbmVision(PreTrainedModel, GenerationMixin):  # type: ignore[misc]
    """A visual encoder, a projection, and any causal language model."""

    config_class = LcbmVisionConfig
    base_model_prefix = "llm"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _keep_in_fp32_modules_strict = ["qformer", "queries", "extra_queries"]
    _no_split_modules = ["Blip2EncoderLayer", "LlamaDecoderLayer"]
    _supports_sdpa = True

    def __init__(self, config: LcbmVisionConfig) -> None:
        super().__init__(config)
        self.visual = VisualEncoder(config)
        self.project = nn.Linear(config.seen_width, config.text_config.hidden_size)
        self.llm = AutoModelForCausalLM.from_config(config.text_config)
        self.post_init()
        if config.visual_token_id >= 0:  # a place for what is seen cannot be written
            self.generation_config.suppress_tokens = [config.visual_token_id]

    def _init_weights(self, module: Any) -> None:
        super()._init_weights(module)
        if isinstance(module, VisualEncoder | RelationAggregator):  # transformers visits modules with own parameters
            module.start()

    @classmethod
    def from_parts(cls, tower_and_qformer: str, llm: str, visual_token_id: int, **settings: Any) -> LcbmVision:
        """Join a BLIP-2 model and a causal language model, by folder or hub name; both from safetensors."""
        blip = Blip2Model.from_pretrained(tower_and_qformer, use_safetensors=True)
        language = AutoModelForCausalLM.from_pretrained(llm, use_safetensors=True)
        config = LcbmVisionConfig(
            vision_config=blip.config.vision_config,
            qformer_config=blip.config.qformer_config,
            text_config=language.config,
            queries=blip.query_tokens.shape[1],
            visual_token_id=visual_token_id,
            **settings,
        )
        model = cls(config)
        model.visual.tower.load_state_dict(blip.vision_model.state_dict())
        model.visual.qformer.load_state_dict(blip.qformer.state_dict())
        with torch.no_grad():
            model.visual.queries.copy_(blip.query_tokens)
        model.llm = language
        return model

    def get_input_embeddings(self) -> Any:
        return self.llm.get_input_embeddings()

    def set_input_embeddings(self, value: Any) -> None:
        self.llm.set_input_embeddings(value)

    def get_output_embeddings(self) -> Any:
        return self.llm.get_output_embeddings()

    def train_stage_1(self) -> None:
        """Let alignment train its parts alone."""
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name.startswith(STAGE_1))

    def train_stage_2(self) -> None:
        """Let behavior fine-tuning train the language model and the projection; all that sees is frozen."""
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name.startswith(("llm.", "project.")))

    def see(self, frames: torch.Tensor, times: torch.Tensor | None = None) -> torch.Tensor:
        """Features of the Q-Former, [sets, visual tokens, width]: what stage 2 may store."""
        needs_gradient = any(parameter.requires_grad for parameter in self.visual.parameters())
        with torch.set_grad_enabled(torch.is_grad_enabled() and needs_gradient):
            features: torch.Tensor = self.visual(frames, times)
        return features

    def embed(self, input_ids: torch.Tensor, features: torch.Tensor | None) -> torch.Tensor:
        """Embeddings of a text, with features of the Q-Former, in their order, in the places of the visual token.

        Raises WrongVisuals.
        """
        places = input_ids == self.config.visual_token_id
        embedded: torch.Tensor = self.get_input_embeddings()(input_ids.masked_fill(places, 0))
        feature_count = 0 if features is None else features.shape[0] * features.shape[1]
        if int(places.sum()) != feature_count:
            raise WrongVisuals(f"{int(places.sum())} places for visual tokens and {feature_count} features")
        if features is None:
            return embedded
        projected = self.project(features.to(self.project.weight.dtype)).flatten(0, 1)
        return embedded.masked_scatter(places.unsqueeze(-1), projected.to(embedded.dtype))

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        frames: torch.Tensor | None = None,
        times: torch.Tensor | None = None,
        features: torch.Tensor | None = None,
        shown: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        past_key_values: Any = None,
        **others: Any,
    ) -> CausalLMOutputWithPast:
        """Loss and logits of a text with what it shows.

        frames: [sets, frames, 3, height, width] with times [sets, frames] as shares of the length, or features
        [sets, visual tokens, width]; shown: the set that stands in each place for one, in the order of the texts of the
        batch; by default each set once, in their order.
        """
        if inputs_embeds is None:
            if frames is not None:
                features = self.see(frames, times)
            if features is not None and shown is not None:
                features = features.index_select(0, shown)
            assert input_ids is not None
            inputs_embeds = self.embed(input_ids, features)
        cached = {} if past_key_values is None else {"past_key_values": past_key_values}
        output: CausalLMOutputWithPast = self.llm(
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            labels=labels,
            **cached,
            **others,
        )
        return output

    def prepare_inputs_for_generation(
        self, input_ids: torch.Tensor, restating: Restating | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Give what is seen with the text once; later steps read it from the cache, but for what is seen again."""
        seen = {name: kwargs.pop(name, None) for name in ("frames", "times", "features")}
        inputs: dict[str, Any] = super().prepare_inputs_for_generation(input_ids, **kwargs)
        first = kwargs.get("past_key_values") is None or kwargs["past_key_values"].get_seq_length() == 0
        if not first:
            seen = {"features": restating.written(input_ids[:, -1]) if restating else None}
        return {**inputs, **seen}


AutoConfig.register(LcbmVisionConfig.model_type, LcbmVisionConfig)
AutoModel.register(LcbmVisionConfig, LcbmVision)
AutoModelForCausalLM.register(LcbmVisionConfig, LcbmVision)
