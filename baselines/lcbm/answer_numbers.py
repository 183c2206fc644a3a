"""Numbers as answers of a single token each, so that a model gives a distribution over them in one step.

A question about a whole message is answered by one of its task's numbers: quantiles of the training answers, of which
each answer becomes the nearest, without restating the message. The token's text is the answer (" = 82.6 thousand"), so
that any program can read it. A model's folder keeps them in numbers.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmark.answers.values import Values
from benchmark.tasks.registry import task_named
from corpus.files.atomic import write_json
from corpus.verbalize.number_words import read_number

FILE = "numbers.json"
AT_END = "( = [^=\n]*)$"
"""The number that ends an answer, with its sign."""
DIGITS = re.compile(r"([0-9]+)(\.[0-9]*)?")
SCENE_VALUES = tuple(f" {value}" for value in range(101))
SCENE_TEXTS = tuple(f" ={value}" for value in SCENE_VALUES)
"""What stands after a scene: no number of a whole message, so that each keeps a token of its own."""
Numbers = Mapping[str, Sequence[str]]
"""The texts of each task's numbers, ascending."""


def asks_one_number(task: str) -> bool:
    """Whether a task asks for a number of the whole message."""
    definition = task_named(task)
    return isinstance(definition.answer, Values) and not definition.asks_curve


def number_texts(answers: pl.Series) -> pl.DataFrame:
    """The numbers in answers, ascending: columns text (with its sign), value and count."""
    numbers = answers.str.extract(AT_END).drop_nulls().value_counts(name="count")
    numbers = numbers.rename({numbers.columns[0]: "text"})
    values = [read_number(text) for text in numbers["text"]]
    return numbers.with_columns(value=pl.Series(values, dtype=pl.Float64)).drop_nulls("value").sort("value", "text")


def choose_numbers(answers: pl.Series, count: int, taken: Sequence[str] = ()) -> list[str]:
    """Choose `count` numbers at the quantiles of training answers, fewer where answers repeat.

    One whose text is taken gets another of the same value (" = 87.0").
    """
    numbers = number_texts(answers)
    reached = numbers["count"].cast(pl.Int64).cum_sum().to_numpy()  # levels are compared as integers, to be exact
    levels = (2 * np.arange(count) + 1) * int(numbers["count"].sum())
    places = np.unique(np.searchsorted(2 * count * reached, levels))
    chosen = numbers["text"].gather(places).to_list() if len(numbers) else []
    return [free_text(text, taken) for text in chosen]


def free_text(text: str, taken: Collection[str]) -> str:
    """A number's text with as many decimals, zeros, as it needs not to be one of those taken."""
    while text in taken:
        text = DIGITS.sub(lambda digits: f"{digits[1]}{digits[2] or '.'}0", text, count=1)
    return text


def with_nearest(frame: pl.DataFrame, numbers: Sequence[str], restate: bool = False) -> pl.DataFrame:
    """Replace each answer by the nearest of the numbers; answers without one are left as they are.

    With `restate` only the number at the answer's end is replaced.
    """
    if not numbers:
        return frame
    written, values = number_texts(frame["answer"]), values_of(numbers)
    places = np.searchsorted((values[1:] + values[:-1]) / 2, written["value"].to_numpy())
    nearest = pl.Series([numbers[place] for place in places], dtype=pl.String)
    own = pl.col("answer").str.extract(AT_END)
    changed = own.replace_strict(written["text"], nearest, default=None)
    head = pl.col("answer").str.replace(AT_END, "") if restate else pl.lit("")
    return frame.with_columns(answer=pl.coalesce((head + changed).str.strip_chars_start(), "answer"))


def values_of(numbers: Sequence[str]) -> np.ndarray:
    """The value of each number."""
    return np.array([read_number(text) for text in numbers], dtype=np.float64)


def number_tokens(tokenizer: Any, numbers: Sequence[str]) -> list[int]:
    """The token of each number. Raises ValueError for a number of several tokens."""
    spelled = tokenizer(list(numbers), add_special_tokens=False)["input_ids"] if numbers else []
    return [token for (token,) in spelled]


def write_numbers(folder: Path, numbers: Numbers) -> None:
    """Write the numbers of a model."""
    write_json(folder / FILE, {family: list(texts) for family, texts in numbers.items()})


def has_number_tokens(folder: Path) -> bool:
    """Whether a model was trained to answer with distributions over numbers, its own or those of scenes."""
    return (folder / FILE).is_file()


def read_numbers(folder: Path) -> dict[str, list[str]]:
    """Read the numbers of a model; empty where it has none."""
    path = folder / FILE
    if not path.is_file():
        return {}
    content: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return content
