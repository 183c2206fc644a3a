"""Run a causal LM inside lm-eval: count truncated prompts, and optionally answer with expected values.

Expected values: after greedy decoding, a second pass over the text gives, at each token that is an integer 0..100 after
an =, the probabilities of all those integers; their rounded mean replaces the most likely integer. The mean minimizes
squared error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import signature
from typing import Any

import torch
from lm_eval.models.huggingface import HFLM
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase
from transformers.cache_utils import DynamicLayer

from baselines.base import PredictorError

HIGHEST = 100
CACHE_STEP = 256  # tokens
ROWS_AT_ONCE = 8  # texts in the second pass; its logits take the most memory
SPACES = str.maketrans({"Ġ": " ", "▁": " ", "Ċ": "\n"})


class SplitNumbers(PredictorError):
    """Expected values need a tokenizer in which each integer 0..100 is a single token."""


class NumberTokens:
    """The tokens that are integers 0..100, and the tokens that may stand before and after them.

    families: [families, 101] token ids; a family holds all integers with the same white space before them.
    family: [vocabulary], -1 if the token is no such integer. ends_with_equals: the token ends with =. blank: the token
    is white space. continues_number: after an integer the token would continue the number.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, vocabulary: int, device: torch.device) -> None:
        tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        texts = [(token or "").translate(SPACES) for token in tokens] + [""] * (vocabulary - len(tokens))
        by_space: dict[str, dict[int, int]] = {}
        for index, text in enumerate(texts):
            if match := re.fullmatch(r"(\s*)(0|[1-9]\d?|100)", text):
                by_space.setdefault(match[1], {})[int(match[2])] = index
        complete = [family for family in by_space.values() if len(family) == HIGHEST + 1]
        if not complete:
            raise SplitNumbers("the model's tokenizer splits numbers up to 100", "leave --decode expected out")
        self.families = torch.tensor([[family[i] for i in range(HIGHEST + 1)] for family in complete], device=device)
        self.family = torch.full((len(texts),), -1, device=device)
        for number, ids in enumerate(self.families):
            self.family[ids] = number
        self.ends_with_equals = torch.tensor([text.rstrip().endswith("=") for text in texts], device=device)
        self.blank = torch.tensor([text.strip() == "" for text in texts], device=device)
        self.continues_number = torch.tensor(
            [re.match(r"\d|[.,]\d|[.,]$", text) is not None for text in texts], device=device
        )

    def find_values(self, tokens: torch.Tensor) -> torch.Tensor:
        """[texts, length] -> mask of the integers of a single token that follow an =."""
        previous, second_previous = tokens.roll(1, 1), tokens.roll(2, 1)
        after_sign = self.ends_with_equals[previous] | (self.blank[previous] & self.ends_with_equals[second_previous])
        is_value: torch.Tensor = (self.family[tokens] >= 0) & after_sign & ~self.continues_number[tokens.roll(-1, 1)]
        return is_value


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
    """lm-eval's model, with `truncated` (the prompts that were cut) and `expect` (whether to answer expected values).

    It gives the same answers as HFLM in less time: a prompt is tokenized once for all its options, logits are computed
    only for the options, and the cache is not copied at each token.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch_size: int, expected: bool = False
    ) -> None:
        super().__init__(pretrained=model, tokenizer=tokenizer, batch_size=batch_size)
        self.truncated: set[str] = set()
        self.on_answer: Callable[[], None] = lambda: None
        self.cache_hook = self
        self.expect = False
        self.options: dict[tuple[str, str], list[int]] = {}
        self.last_context: tuple[str, list[int]] = ("", [])
        self.longest_option = 1
        self.keeps_logits = "logits_to_keep" in signature(model.forward).parameters
        self.numbers = NumberTokens(self.tokenizer, model.config.vocab_size, self.device) if expected else None

    def add_partial(self, *answer: Any) -> None:
        """Count an answer; lm-eval calls this to cache each answer, and nothing is cached here."""
        self.on_answer()

    def generate_until(self, requests: list[Any], disable_tqdm: bool = True) -> list[str]:
        """Decode greedily; records the prompts that do not fit beside the longest answer."""
        for request in requests:
            context, options = request.args
            if len(self.tok_encode(context)) > self.max_length - options["max_gen_toks"]:
                self.truncated.add(context)
        answers: list[str] = super().generate_until(requests, disable_tqdm)
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

    def _model_generate(self, context: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Generate [texts, context + answer] tokens."""
        tokens: torch.Tensor = super()._model_generate(
            context, *args, past_key_values=growing_cache(self.model), **kwargs
        )
        if not self.expect or self.numbers is None:
            return tokens
        parts = [slice(i, i + ROWS_AT_ONCE) for i in range(0, len(tokens), ROWS_AT_ONCE)]
        mask = kwargs["attention_mask"]
        return torch.cat([self.expected(tokens[part], mask[part], context.shape[1]) for part in parts])

    def expected(self, tokens: torch.Tensor, mask: torch.Tensor, start: int) -> torch.Tensor:
        """Replace each integer after an = from `start` on with its expected value."""
        assert self.numbers is not None
        answer = tokens.shape[1] - start
        mask = torch.cat([mask, mask.new_ones(len(mask), answer)], 1)
        with torch.no_grad():
            logits = self.model(
                input_ids=tokens,
                attention_mask=mask,
                position_ids=(mask.cumsum(1) - 1).clamp(min=0),
                logits_to_keep=answer + 1,
            ).logits[:, :-1]
        rows, columns = torch.nonzero(self.numbers.find_values(tokens)[:, start:], as_tuple=True)
        ids = self.numbers.families[self.numbers.family[tokens[rows, start + columns]]]
        probabilities = logits[rows, columns].float().gather(1, ids).softmax(1)
        means = (probabilities * torch.arange(HIGHEST + 1, device=probabilities.device)).sum(1).round().long()
        changed = tokens.clone()
        changed[rows, start + columns] = ids.gather(1, means[:, None])[:, 0]
        return changed
