"""Tokens that are numbers: where a model answers with one, all numbers of its family share the probability.

A model of `cbc baselines train` may have numbers of its own (baselines/lcbm/answer_numbers.py); for any other model
they are the integers 0 to 100 after an =, if its tokenizer has a token for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessor

from baselines.base import PredictorError
from baselines.lcbm.answer_numbers import number_tokens, values_of
from benchmark.metrics import QUANTILES, Array
from benchmark.tasks.registry import task_named

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
    """What a model answers at a place: mean and quantiles over a family, and the number that is written for it."""

    written: float
    mean: float
    quantiles: list[float]


class NumberTokens:
    """The families of numbers of a model: those that it was trained with, and its tokenizer's integers 0..100 after =.

    A family of integers holds all with the same white space before them. family: [vocabulary], the index of a token's
    family, -1 for none; own: [vocabulary], whether a token is an answer wherever it stands; ends_with_equals: whether a
    token ends with =; blank: whether it is white space; continues_number: whether after an integer it would continue
    the number. Raises SplitNumbers if there is no family.
    """

    def __init__(self, own: Mapping[str, Sequence[str]], tokenizer: Any, vocabulary: int, device: torch.device) -> None:
        tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        texts = [(token or "").translate(SPACES) for token in tokens] + [""] * (vocabulary - len(tokens))
        tasks = [task for task, numbers in own.items() if numbers]
        own_tokens = [(number_tokens(tokenizer, own[task]), values_of(own[task])) for task in tasks]
        integers = [(ids, np.arange(HIGHEST + 1.0)) for ids in integer_tokens(texts)]
        self.families = [Family(torch.tensor(ids, device=device), values) for ids, values in (*integers, *own_tokens)]
        if not self.families:
            raise SplitNumbers("the model's tokenizer splits numbers up to 100", "leave --decode distribution out")
        self.family = torch.full((vocabulary,), -1, device=device)
        for number, family in enumerate(self.families):
            self.family[family.tokens] = number
        self.own = self.family >= len(integers)
        self.of_task = dict(zip(tasks, self.families[len(integers) :], strict=True))
        self.expected: Family | None = None
        self.takes_integers = True
        self.ends_with_equals = flags(device, (text.rstrip().endswith("=") for text in texts))
        self.blank = flags(device, (text.strip() == "" for text in texts))
        self.continues_number = flags(device, (re.match(r"\d|[.,]\d|[.,]$", text) is not None for text in texts))

    def expect(self, task: str) -> None:
        """Expect answers to a task: where it has numbers of its own, a model writes no others.

        Integers are whole answers only where values of scenes are asked: elsewhere decimals or a unit may follow.
        """
        self.expected = self.of_task.get(task)
        self.takes_integers = self.expected is None and task_named(task).asks_curve

    def find_values(self, tokens: torch.Tensor) -> torch.Tensor:
        """[texts, length] -> mask of the tokens that are answers."""
        is_value: torch.Tensor = self.own[tokens]
        if self.takes_integers:
            is_integer = (self.family[tokens] >= 0) & self.after_equals(tokens)
            is_value = is_value | (is_integer & ~self.continues_number[tokens.roll(-1, 1)])
        return is_value

    def after_equals(self, tokens: torch.Tensor) -> torch.Tensor:
        """[texts, length] -> mask of the tokens that an = stands before, perhaps with white space between."""
        previous, second_previous = tokens.roll(1, 1), tokens.roll(2, 1)
        after: torch.Tensor = self.ends_with_equals[previous] | (
            self.blank[previous] & self.ends_with_equals[second_previous]
        )
        return after

    def family_of(self, token: int) -> Family | None:
        """The numbers among which a model chooses where a token is its likeliest; None for a token of no family."""
        number = int(self.family[token])
        return None if number < 0 else self.expected or self.families[number]


class WriteMeans(LogitsProcessor):  # type: ignore[misc]
    """While a model writes: where it is about to write a number, it writes the one next to the mean of its family.

    The most likely number of a spread distribution is often an extreme, and all later scenes would be told from it.
    `distributions` keeps what it wrote at (text, place).
    """

    def __init__(self, numbers: NumberTokens) -> None:
        self.numbers = numbers
        self.distributions: dict[tuple[int, int], Distribution] = {}

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """[texts, length] tokens and [texts, vocabulary] scores -> scores."""
        likeliest = scores.argmax(1, keepdim=True)
        texts = torch.cat([input_ids[:, -2:], likeliest], 1)
        is_answer = self.numbers.own[likeliest[:, 0]]
        if self.numbers.takes_integers or self.numbers.expected:
            is_answer = is_answer | self.numbers.after_equals(texts)[:, -1]
        answers = is_answer.nonzero()[:, 0]
        for row in answers.tolist():
            family = self.numbers.family_of(int(likeliest[row, 0]))
            if family is not None:
                token, distribution = nearest_to_mean(family, scores[row])
                scores[row, token] = scores[row, likeliest[row, 0]] + 1
                self.distributions[row, input_ids.shape[1]] = distribution
        return scores


def nearest_to_mean(family: Family, logits: torch.Tensor) -> tuple[int, Distribution]:
    """The token of the number next to the mean over a family, and the distribution; logits: [vocabulary]."""
    shares = logits[family.tokens].double().softmax(0).cpu().numpy()
    mean = float(shares @ family.values)
    nearest = int(np.abs(family.values - mean).argmin())
    middles = shares.cumsum() - shares / 2
    quantiles = np.interp(QUANTILES, middles, family.values)
    return int(family.tokens[nearest]), Distribution(float(family.values[nearest]), mean, quantiles.tolist())


def integer_tokens(texts: Sequence[str]) -> list[list[int]]:
    """The tokens of the integers 0..100, for each white space before them with which all are a token."""
    by_space: dict[str, dict[int, int]] = {}
    for index, text in enumerate(texts):
        if match := re.fullmatch(r"(\s*)(0|[1-9]\d?|100)", text):
            by_space.setdefault(match[1], {})[int(match[2])] = index
    complete = [family for family in by_space.values() if len(family) == HIGHEST + 1]
    return [[family[number] for number in range(HIGHEST + 1)] for family in complete]


def flags(device: torch.device, values: Iterable[bool]) -> torch.Tensor:
    """Truth values as a tensor."""
    return torch.tensor(list(values), device=device)
