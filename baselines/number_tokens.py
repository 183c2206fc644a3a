"""Tokens that are numbers: where a model answers with one, all numbers of its family share the probability.

A model of `cbc baselines train` may have numbers of its own (baselines/lcbm/answer_numbers.py); for any other model
they are the integers 0 to 100 after an =, if its tokenizer has a token for each.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from baselines.base import PredictorError
from baselines.lcbm.answer_numbers import number_tokens, values_of
from benchmark.metrics import QUANTILES, Array

HIGHEST = 100
SPACES = str.maketrans({"Ġ": " ", "▁": " ", "Ċ": "\n"})


class SplitNumbers(PredictorError):
    """Distributions need a tokenizer in which each integer 0..100 is a single token."""


@dataclass(frozen=True)
class Family:
    """Numbers among which a model chooses, ascending. tokens: [numbers] ids; values: [numbers]."""

    tokens: torch.Tensor
    values: Array


@dataclass(frozen=True)
class Distribution:
    """What a model answers at a place: the number that it wrote, and the mean and the quantiles over its family."""

    written: float
    mean: float
    quantiles: list[float]


class NumberTokens(ABC):
    """The families of numbers of a model. family: [vocabulary], the index of a token's family, -1 for none."""

    def __init__(self, families: Sequence[Family], vocabulary: int, device: torch.device) -> None:
        self.families = families
        self.family = torch.full((vocabulary,), -1, device=device)
        self.written = np.zeros(vocabulary)
        for number, family in enumerate(families):
            self.family[family.tokens] = number
            self.written[family.tokens.cpu().numpy()] = family.values

    @abstractmethod
    def find_values(self, tokens: torch.Tensor) -> torch.Tensor:
        """[texts, length] -> mask of the tokens that are answers."""

    def distribution(self, token: int, logits: torch.Tensor) -> Distribution:
        """The distribution over the family of a token, from the logits of its place, [vocabulary]."""
        family = self.families[int(self.family[token])]
        shares = logits[family.tokens].double().softmax(0).cpu().numpy()
        middles = shares.cumsum() - shares / 2
        quantiles = np.interp(QUANTILES, middles, family.values)
        return Distribution(float(self.written[token]), float(shares @ family.values), quantiles.tolist())


class OwnNumbers(NumberTokens):
    """Numbers that a model was trained with; they are answers wherever they stand."""

    def __init__(self, numbers: Mapping[str, Sequence[str]], tokenizer: Any, vocabulary: int, device: Any) -> None:
        families = []
        for texts in filter(None, numbers.values()):
            families.append(Family(torch.tensor(number_tokens(tokenizer, texts), device=device), values_of(texts)))
        super().__init__(families, vocabulary, device)

    def find_values(self, tokens: torch.Tensor) -> torch.Tensor:
        is_value: torch.Tensor = self.family[tokens] >= 0
        return is_value


class Integers(NumberTokens):
    """The integers 0..100 of any tokenizer; a family holds all with the same white space before them.

    ends_with_equals: whether a token ends with =; blank: whether it is white space; continues_number: whether after an
    integer it would continue the number. Each: [vocabulary].
    """

    def __init__(self, tokenizer: Any, vocabulary: int, device: torch.device) -> None:
        tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        texts = [(token or "").translate(SPACES) for token in tokens] + [""] * (vocabulary - len(tokens))
        by_space: dict[str, dict[int, int]] = {}
        for index, text in enumerate(texts):
            if match := re.fullmatch(r"(\s*)(0|[1-9]\d?|100)", text):
                by_space.setdefault(match[1], {})[int(match[2])] = index
        values = np.arange(HIGHEST + 1.0)
        complete = [family for family in by_space.values() if len(family) == len(values)]
        if not complete:
            raise SplitNumbers("the model's tokenizer splits numbers up to 100", "leave --decode distribution out")
        ids = [torch.tensor([family[i] for i in range(len(values))], device=device) for family in complete]
        super().__init__([Family(tokens, values) for tokens in ids], vocabulary, device)
        self.ends_with_equals = flags(device, (text.rstrip().endswith("=") for text in texts))
        self.blank = flags(device, (text.strip() == "" for text in texts))
        self.continues_number = flags(device, (re.match(r"\d|[.,]\d|[.,]$", text) is not None for text in texts))

    def find_values(self, tokens: torch.Tensor) -> torch.Tensor:
        previous, second_previous = tokens.roll(1, 1), tokens.roll(2, 1)
        after_sign = self.ends_with_equals[previous] | (self.blank[previous] & self.ends_with_equals[second_previous])
        is_value: torch.Tensor = (self.family[tokens] >= 0) & after_sign & ~self.continues_number[tokens.roll(-1, 1)]
        return is_value


def flags(device: torch.device, values: Iterable[bool]) -> torch.Tensor:
    """Truth values as a tensor."""
    return torch.tensor(list(values), device=device)
