"""Run a model that sees inside lm-eval: each prompt is about a message, of which the model gets what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from baselines.lcbm.vision.eyes import FEATURES, StoreEyes
from baselines.lcbm.vision.model import LcbmVision
from baselines.number_tokens import NumberTokens
from baselines.reader import Reader


class AboutMessage(str):
    """A prompt that knows which message it is about, and whether it is asked blind: too long, or nothing to see.

    Equal texts about different messages are different prompts, of which different answers are kept.
    """

    message_id: str
    blind: bool = False

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.message_id == getattr(other, "message_id", None)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((str(self), self.message_id))

    @classmethod
    def of(cls, prompt: str, message_id: str) -> AboutMessage:
        """A prompt about a message."""
        about = cls(prompt)
        about.message_id = message_id
        return about


class SeeingReader(Reader):
    """Reader whose prompts have visual tokens in their places, and whose model gets the features for them."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        batch_size: int,
        numbers: NumberTokens | None,
        eyes: StoreEyes,
    ) -> None:
        self.eyes = eyes
        self.seeing: Sequence[AboutMessage] = ()
        super().__init__(model, tokenizer, batch_size, numbers)
        self.keeps_logits = "logits_to_keep" in signature(model.llm.forward).parameters

    def generate_until(self, requests: list[Any], disable_tqdm: bool = True) -> list[str]:
        """Decode greedily."""
        for request in requests:
            context, *others = request.arguments
            request.arguments = (AboutMessage.of(context, request.doc["message_id"]), *others)
        return super().generate_until(requests, disable_tqdm)

    def tok_encode(self, string: Any, *args: Any, **kwargs: Any) -> list[int]:
        """Tokens of a text, with visual ones if it is a prompt about a message."""
        if not isinstance(string, AboutMessage):
            tokens: list[int] = super().tok_encode(string, *args, **kwargs)
            return tokens
        if not self.eyes.sees(string.message_id):
            return list(super().tok_encode(str(string), *args, **kwargs))
        return self.eyes.prompt_tokens(self.tokenizer, str(string), string.message_id)

    def tok_batch_encode(
        self, strings: Sequence[Any], padding_side: str = "left", left_truncate_len: int | None = None, **_: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode the prompts of a batch, padded on the left; one that is too long loses its beginning and sight."""
        self.batch_contexts = self.seeing = strings
        texts = [self.tok_encode(string) for string in strings]
        for row, string in enumerate(strings):
            too_long = left_truncate_len is not None and len(texts[row]) > left_truncate_len
            string.blind = too_long or not self.eyes.sees(string.message_id)
            if too_long:
                texts[row] = super().tok_encode(str(string), left_truncate_len=left_truncate_len)
        width = max(map(len, texts))
        ids = torch.full((len(texts), width), self.tokenizer.pad_token_id)
        mask = torch.zeros_like(ids)
        for row, tokens in enumerate(texts):
            ids[row, width - len(tokens) :] = torch.tensor(tokens)
            mask[row, width - len(tokens) :] = 1
        return ids, mask

    def _model_generate(self, context: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        messages = [None if string.blind else string.message_id for string in self.seeing]
        look = LcbmVision.see if self.memory is None else self.memory.look
        seen = self.eyes.to_write(self.model, self.tokenizer, messages, context.shape[1], look)
        shown = {"shown": seen[FEATURES].flatten(0, 1)} if FEATURES in seen else {}
        return super()._model_generate(context, *args, **kwargs, **shown, **seen)
