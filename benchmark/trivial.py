"""What needs no model: the predictors every table shows, since a model that does not beat them has learned nothing.

Each is a function of a task's public training and test frames and gives one list of values a test question, in the
order of the questions (for choices the index of an option). Nothing of the test answers is looked at.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Protocol

import numpy as np
import polars as pl
import pyarrow as pa

from benchmark.metrics import Array
from corpus.files.scatter import GOLDEN, scattered

Values = list[list[float]]
Trivial = Callable[[pl.DataFrame, pl.DataFrame], Values]


class Asked(Protocol):
    """What of a task says who can answer it."""

    @property
    def table(self) -> str: ...
    @property
    def condition(self) -> str: ...
    @property
    def kind(self) -> str: ...


GRID = (np.arange(100) + 0.5) / 100  # where in a video the mean curve is kept
WORD = re.compile(r"\w{3,}")


def targets(train: pl.DataFrame) -> Array:
    """All the right values of a training frame, end to end. Zero alone where there are none."""
    found = train["target"].drop_nulls().explode().drop_nulls().cast(pl.Float64).to_numpy()
    return found if len(found) else np.zeros(1)


def is_choice(questions: pl.DataFrame) -> bool:
    """Whether the questions have options."""
    return questions["options"].null_count() < len(questions)


def asked_values(questions: pl.DataFrame) -> list[int]:
    """How many values each question asks: one a masked scene, one elsewhere."""
    if "asked" not in questions.columns or is_choice(questions):
        return [1] * len(questions)
    return questions["asked"].list.len().to_list()


def uniforms(names: list[str], counts: list[int]) -> Array:
    """So many numbers in [0, 1) an instance, end to end; they depend on its name alone (SplitMix64 of its CRC)."""
    keys = np.repeat(np.array([zlib.crc32(name.encode()) for name in names], np.uint64), np.array(counts, np.int64))
    first = np.repeat(np.cumsum(counts, dtype=np.int64) - np.array(counts, np.int64), np.array(counts, np.int64))
    mixed = (keys << np.uint64(32)) + (np.arange(len(keys)) - first).astype(np.uint64) * GOLDEN
    return (scattered(mixed) >> np.uint64(11)).astype(np.float64) / 2.0**53


def in_lists(flat: Array, counts: list[int]) -> Values:
    """Values end to end as one list an instance."""
    values, ends = flat.tolist(), np.cumsum(counts).tolist()
    return [values[end - count : end] for count, end in zip(counts, ends, strict=True)]


def random(train: pl.DataFrame, test: pl.DataFrame) -> Values:
    """Values drawn from those of the training part, options drawn evenly; always the same for the same instance."""
    counts = asked_values(test)
    drawn = uniforms(test["instance_id"].to_list(), counts)
    if is_choice(test):
        return in_lists(np.floor(drawn * test["options"].list.len().to_numpy()), counts)
    pool = targets(train)
    return in_lists(pool[(drawn * len(pool)).astype(np.int64)], counts)


def mean(train: pl.DataFrame, test: pl.DataFrame) -> Values:
    """The mean of the training values."""
    value = float(targets(train).mean())
    return [[value] * n for n in asked_values(test)]


def median(train: pl.DataFrame, test: pl.DataFrame) -> Values:
    """The median of the training values."""
    value = float(np.median(targets(train)))
    return [[value] * n for n in asked_values(test)]


def majority(train: pl.DataFrame, test: pl.DataFrame) -> Values:
    """The option whose text was right most often in the training part; the first of equals."""
    right = train.select(pl.col("options").list.get(pl.col("target").list.first().cast(pl.Int64)).alias("right"))
    often = dict(right.drop_nulls().group_by("right").len().iter_rows())
    return [[float(np.argmax([often.get(option, 0) for option in options]))] for options in test["options"]]


def curve_of(replay: list[float | None], asked: list[int], target: list[float]) -> Array:
    """A training video's whole replay curve: the visible values and the asked ones; nan where none was measured."""
    curve = np.array([np.nan if value is None else value for value in replay], dtype=np.float64)
    curve[asked] = target
    return curve


def relative_positions(scenes: int) -> Array:
    """The middle of each scene as a share of the video."""
    return (np.arange(scenes) + 0.5) / scenes


def mean_curve(train: pl.DataFrame, test: pl.DataFrame) -> Values:
    """The mean replay curve of the training videos at the relative position of each asked scene."""
    total, videos = np.zeros(len(GRID)), 0
    for replay, asked, target in train.select("replay", "asked", "target").iter_rows():
        curve = curve_of(replay, asked, target)
        known = np.isfinite(curve)
        if known.any():
            total += np.interp(GRID, relative_positions(len(curve))[known], curve[known])
            videos += 1
    average = total / max(videos, 1)
    return [
        np.interp(relative_positions(len(replay))[asked], GRID, average).tolist()
        for replay, asked in test.select("replay", "asked").iter_rows()
    ]


def interpolate(train: pl.DataFrame, test: pl.DataFrame) -> Values:
    """Linear between the nearest visible values, the nearest one beyond the ends; the mean if none is visible."""
    fallback = float(targets(train).mean())
    values: Values = []
    for replay, asked in test.select("replay", "asked").iter_rows():
        seen = [(scene, value) for scene, value in enumerate(replay) if value is not None]
        scenes, heights = zip(*seen, strict=True) if seen else ((0,), (fallback,))
        values.append(np.interp(asked, scenes, heights).tolist())
    return values


def words(text: str) -> set[str]:
    """Distinct words of three letters or more."""
    return set(WORD.findall(text.lower()))


def overlap(train: pl.DataFrame, test: pl.DataFrame) -> Values:
    """The option that shares the largest part of its words with the question's visible text; the first of equals.

    Only the prompt is looked at, less its options: columns of a message's whole content hold the masked speech too.
    """
    values: Values = []
    told = "option_texts" if "option_texts" in test.columns else "options"
    for prompt, options in test.select("prompt", told).iter_rows():
        for option in options:
            prompt = prompt.replace(option, " ")
        visible = words(prompt)
        shares = [len(words(option) & visible) / max(len(words(option)), 1) for option in options]
        values.append([float(np.argmax(shares))])
    return values


TRIVIAL: dict[str, Trivial] = {
    "random": random,
    "mean": mean,
    "median": median,
    "majority": majority,
    "mean_curve": mean_curve,
    "interpolate": interpolate,
    "overlap": overlap,
}


def applicable(name: str, task: Asked) -> bool:
    """Whether a trivial predictor can answer a task."""
    replay = task.table == "replay_values"
    return {
        "random": True,
        "mean": task.kind == "values",
        "median": task.kind == "values",
        "majority": task.kind == "choice" and task.table != "content_simulation",
        "mean_curve": replay,
        "interpolate": replay and task.condition != "all_masked",
        "overlap": task.table == "content_simulation",
    }[name]


def predictions(name: str, train: pl.DataFrame, test: pl.DataFrame) -> pl.DataFrame:
    """A trivial predictor's answers as a run would hold them: instance_id and values."""
    values = pa.array(TRIVIAL[name](train, test), pa.list_(pa.float64()))
    return test.select("instance_id").with_columns(values=pl.Series(values, dtype=pl.List(pl.Float64)))
