"""Make the model that a recipe starts from: a new Llama, or an existing causal LM, with adapters if asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, set_seed
from transformers.modeling_outputs import CausalLMOutputWithPast

from baselines.lcbm.packing import IGNORED
from baselines.lcbm.recipe import Lora, Recipe, Scratch
from baselines.lcbm.soft_labels import SoftLabels
from baselines.lcbm.tokenizer import load_tokenizer
from corpus.errors import CbcError, first_line


class NoSuchBase(CbcError):
    """The base of a recipe cannot be loaded."""


def start_model(recipe: Recipe, tokenizer: Any, seed: int, soft_labels: SoftLabels | None = None) -> Any:
    """Make the model before its first step; its random weights follow from the seed. Raises NoSuchBase."""
    set_seed(seed)
    if recipe.scratch is not None:
        model = LlamaForCausalLM(llama_config(recipe.scratch, tokenizer, recipe.context_tokens))
    else:
        dtype = torch.bfloat16 if recipe.lora and recipe.precision == "bf16" else torch.float32
        model = _load_base(str(recipe.base), dtype, recipe.random_weights)
    new_tokens = make_room(model, tokenizer, str(recipe.base)) if recipe.base and recipe.numbers else []
    learn_labels_only(model, soft_labels)
    return add_adapters(model, recipe.lora, new_tokens) if recipe.lora else model


def llama_config(size: Scratch, tokenizer: Any, context: int) -> LlamaConfig:
    """The configuration of a Llama of a recipe's size."""
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden_size,
        intermediate_size=size.intermediate_size,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def _load_base(base: str, dtype: torch.dtype, random_weights: bool) -> Any:
    """Load a causal LM by path or hub name, from safetensors alone, or only its size. Raises NoSuchBase."""
    try:
        if random_weights:
            return AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base), dtype=dtype)
        return AutoModelForCausalLM.from_pretrained(base, dtype=dtype, use_safetensors=True)
    except (OSError, ValueError) as error:
        mend = "give a folder or a hub name with safetensors in `base`"
        raise NoSuchBase(f"cannot load {base}: {first_line(error)}", mend) from None


def make_room(model: Any, tokenizer: Any, base: str) -> list[int]:
    """Make room for the tokens that were added to the base's; each begins as the mean of those that spelled it."""
    old = load_tokenizer(base)
    new_tokens = list(range(len(old), len(tokenizer)))
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    spelled = [old(tokenizer.decode([token]), add_special_tokens=False)["input_ids"] for token in new_tokens]
    with torch.no_grad():
        for embedding in (model.get_input_embeddings(), model.get_output_embeddings()):
            for token, pieces in zip(new_tokens, spelled, strict=True):
                embedding.weight[token] = embedding.weight[pieces].mean(0)
    return new_tokens


def add_adapters(model: Any, lora: Lora, new_tokens: Sequence[int]) -> Any:
    """Add low-rank adapters to a model; its own weights are frozen, but for the embeddings of new tokens."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets,
        trainable_token_indices=list(new_tokens) or None,
    )
    return get_peft_model(model, config)


def learn_labels_only(model: Any, soft_labels: SoftLabels | None = None) -> None:
    """Compute logits only at positions whose next token has a label: the same loss in two thirds of the time.

    Logits then have the shape [1, tokens with a label, vocabulary]. A call without labels is unchanged.
    """
    full_forward = model.forward

    def forward(
        input_ids: Any = None,
        position_ids: Any = None,
        labels: Any = None,
        num_items_in_batch: Any = None,
        inputs_embeds: Any = None,
        **others: Any,
    ) -> Any:
        inputs = {"input_ids": input_ids, "inputs_embeds": inputs_embeds, "position_ids": position_ids}
        if labels is None:
            return full_forward(**inputs, **others)
        # No cache: with a cache the examples of a packed row would attend to each other.
        hidden = model.base_model(**inputs, use_cache=False).last_hidden_state
        next_tokens = next_labels(labels)
        labeled = torch.nonzero(next_tokens != IGNORED).squeeze(1)
        logits = model.get_output_embeddings()(hidden.flatten(0, 1).index_select(0, labeled)).float()
        truth = next_tokens[labeled]
        total = soft_labels.loss(logits, truth) if soft_labels else cross_entropy(logits, truth, reduction="sum")
        loss = total / (len(labeled) if num_items_in_batch is None else num_items_in_batch)
        return CausalLMOutputWithPast(loss=loss, logits=logits.unsqueeze(0))

    model.forward = forward


def next_labels(labels: torch.Tensor) -> torch.Tensor:
    """Label of the next token, for each position of the flattened batch."""
    return torch.nn.functional.pad(labels[:, 1:], (0, 1), value=IGNORED).flatten()


def save_model(model: Any, folder: Path) -> None:
    """Save a model folder for AutoModelForCausalLM; adapters are merged into the base and also saved in adapter/."""
    if hasattr(model, "merge_and_unload"):
        model.save_pretrained(folder / "adapter")
        model = model.merge_and_unload()
    model.save_pretrained(folder)
