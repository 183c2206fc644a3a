"""Chance: values drawn from those of training, or options drawn uniformly; fixed for each instance."""

from __future__ import annotations

import zlib

import numpy as np
import polars as pl

from benchmark.metrics import Array
from benchmark.references.base import Reference, ValueLists, asked_values, is_choice, targets
from corpus.files.scatter import GOLDEN, splitmix64


def draw_uniform(names: list[str], counts: list[int]) -> Array:
    """Draw `counts` numbers in [0, 1) for each instance, end to end, from its name alone (SplitMix64 of its CRC)."""
    keys = np.repeat(np.array([zlib.crc32(name.encode()) for name in names], np.uint64), np.array(counts, np.int64))
    first = np.repeat(np.cumsum(counts, dtype=np.int64) - np.array(counts, np.int64), np.array(counts, np.int64))
    mixed = (keys << np.uint64(32)) + (np.arange(len(keys)) - first).astype(np.uint64) * GOLDEN
    return (splitmix64(mixed) >> np.uint64(11)).astype(np.float64) / 2.0**53


def split_lists(flat: Array, counts: list[int]) -> ValueLists:
    """Split values that lie end to end into a list for each instance."""
    values, ends = flat.tolist(), np.cumsum(counts).tolist()
    return [values[end - count : end] for count, end in zip(counts, ends, strict=True)]


def random(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Draw values from those of training, or options uniformly; the same for the same instance."""
    counts = asked_values(test)
    numbers = draw_uniform(test["instance_id"].to_list(), counts)
    if is_choice(test):
        return split_lists(np.floor(numbers * test["options"].list.len().to_numpy()), counts)
    pool = targets(train)
    return split_lists(pool[(numbers * len(pool)).astype(np.int64)], counts)


RANDOM = Reference(
    "random", "values drawn from those of the training split, options drawn evenly", "every task", random
)
