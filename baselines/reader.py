"""Run a causal LM inside lm-eval: count truncated prompts, and optionally give the distribution of each number.

Distributions: the model writes the mean of each number (baselines/number_tokens.py), and what it thought of all numbers
of the family at that moment is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import torch
from lm_eval.models.huggingface import HFLM
from transformers import DynamicCache, LogitsProcessorList, PreTrainedModel, PreTrainedTokenizerBase
from transformers.cache_utils import DynamicLayer

from baselines.number_tokens import Distribution, NumberTokens, WriteMeans
from baselines.prompt_memory import PromptMemory

CACHE_STEP = 256  # tokens


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """A cache layer that writes into a growing buffer: equal values, without a copy of all of them at each token."""

    keys: torch.Tensor
    values: torch.Tensor
    buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(self, keys: torch.Tensor, values: torch.Tensor, *_: Any, **__: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Append keys and values [texts, heads, new, width]; gives all so far."""
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
        start = self.get_seq_length()
        stop = start + keys.shape[-2]
        if self.buffers is None or self.buffers[0].shape[-2] < stop:
            shape = (*keys.shape[:-2], stop + CACHE_STEP)
            grown = keys.new_empty(*shape, keys.shape[-1]), values.new_empty(*shape, values.shape[-1])
            if start:
                grown[0][..., :start, :], grown[1][..., :start, :] = self.keys, self.values
            self.buffers = grown
        self.buffers[0][..., start:stop, :], self.buffers[1][..., start:stop, :] = keys, values
        self.keys, self.values = self.buffers[0][..., :stop, :], self.buffers[1][..., :stop, :]
        return self.keys, self.values


def growing_cache(model: PreTrainedModel) -> DynamicCache:
    """The model's default cache, with growing layers in place of those that keep all tokens."""
    cache = DynamicCache(config=model.config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


class Reader(HFLM):  # type: ignore[misc]
    """lm-eval's model, with `truncated` (the prompts that were cut) and `distributions` (of a prompt's numbers).

    It gives the same answers as HFLM in less time: a prompt is tokenized once for all its options, logits are computed
    only for the options, and the cache is not copied at each token.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        batch_size: int,
        numbers: NumberTokens | None = None,
    ) -> None:
        super().__init__(pretrained=model, tokenizer=tokenizer, batch_size=batch_size)
        self.truncated: set[str] = set()
        self.on_answer: Callable[[], None] = lambda: None
        self.cache_hook = self
        self.distributions: dict[str, list[Distribution]] = {}
        self.batch_contexts: Sequence[str] = ()
        self.options: dict[tuple[str, str], list[int]] = {}
        self.last_context: tuple[str, list[int]] = ("", [])
        self.longest_option = 1
        self.keeps_logits = "logits_to_keep" in signature(model.forward).parameters
        self.numbers = numbers
        self.memory: PromptMemory | None = None
        """Where it is set, prompts are asked one by one, and their common beginnings are read once."""

    def forget(self) -> None:
        """Forget what was recorded of prompts, before those of another task."""
        self.truncated.clear()
        self.distributions.clear()

    def add_partial(self, *answer: Any) -> None:
        """Count an answer; lm-eval calls this to cache each answer, and nothing is cached here."""
        self.on_answer()

    def generate_until(self, requests: list[Any], disable_tqdm: bool = True) -> list[str]:
        """Decode greedily; records the prompts that do not fit beside the longest answer."""
        for request in requests:
            context, options = request.args
            if len(self.tok_encode(context)) > self.max_length - options["max_gen_toks"]:
                self.truncated.add(context)
        answers: list[str] = []
        for part in [requests] if self.memory is None else [[request] for request in requests]:
            answers += super().generate_until(part, disable_tqdm)
        return answers

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """Score options, without lm-eval's own progress bar."""
        scores: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
        return scores

    def _loglikelihood_tokens(self, requests: list[Any], **settings: Any) -> list[tuple[float, bool]]:
        """Score options; records the prompts that do not fit."""
        self.longest_option = max(len(option_tokens) for _, _, option_tokens in requests)
        for (context, _), context_tokens, option_tokens in requests:
            if len(context_tokens) + len(option_tokens) > self.max_length + 1:
                self.truncated.add(context)
        scores: list[tuple[float, bool]] = super()._loglikelihood_tokens(requests, **{**settings, "disable_tqdm": True})
        return scores

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Tokens of a prompt and of an option; the option's depend only on the prompt's last line."""
        stripped = context.rstrip()
        context, continuation = stripped, context[len(stripped) :] + continuation
        line = context[context.rfind("\n") + 1 :], continuation
        if line not in self.options:
            self.options[line] = super()._encode_pair(context, continuation)[1]
        if context != self.last_context[0]:
            self.last_context = context, self.tok_encode(context)
        return self.last_context[1], self.options[line]

    def _model_call(self, inps: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Logits of the last positions: those of the options and of the padding (zeros) to their right."""
        if args or kwargs or not self.keeps_logits:
            return torch.as_tensor(super()._model_call(inps, *args, **kwargs))
        padding = int((inps.flip(1).cumsum(1) == 0).sum(1).max())
        with torch.no_grad():
            logits: torch.Tensor = self.model(inps, logits_to_keep=padding + self.longest_option).logits
        return logits

    def tok_batch_encode(self, strings: Any, *args: Any, **kwargs: Any) -> Any:
        """Encode the prompts of a batch; records them."""
        self.batch_contexts = strings
        return super().tok_batch_encode(strings, *args, **kwargs)

    def _model_generate(
        self, context: torch.Tensor, *args: Any, shown: torch.Tensor | None = None, **kwargs: Any
    ) -> torch.Tensor:
        """Generate [texts, context + answer] tokens; shown: what stands in the visual places of texts."""
        write = WriteMeans(self.numbers) if self.numbers is not None else None
        processors = LogitsProcessorList([*([] if write is None else [write]), *kwargs.pop("logits_processor", ())])
        cache = growing_cache(self.model)
        if self.memory is not None and all(type(layer) is GrowingLayer for layer in cache.layers):
            last_alone = {"logits_to_keep": 1} if self.keeps_logits else {}
            cache = self.memory.read(self.model, context[0], cache, shown, **last_alone)
        tokens: torch.Tensor = super()._model_generate(
            context, *args, past_key_values=cache, logits_processor=processors, **kwargs
        )
        if write is not None:
            of_texts = answer_distributions(write, tokens, context.shape[1])
            self.distributions.update(zip(self.batch_contexts, of_texts, strict=True))
        return tokens


def answer_distributions(write: WriteMeans, tokens: torch.Tensor, start: int) -> list[list[Distribution]]:
    """The distributions of the numbers in each answer, which begins at `start`; tokens: [texts, length]."""
    distributions: list[list[Distribution]] = [[] for _ in tokens]
    for row, column in torch.nonzero(write.numbers.find_values(tokens)[:, start:]).tolist():
        distributions[row].append(write.distributions[row, start + column])
    return distributions
