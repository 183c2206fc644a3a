"""Chance: values drawn from those of training, options drawn evenly, always the same for the same instance."""

from __future__ import annotations

import zlib

import numpy as np
import polars as pl

from benchmark.metrics import Array
from benchmark.references.base import Reference, ValueLists, asked_values, is_choice, targets
from corpus.files.scatter import GOLDEN, splitmix64


def uniforms(names: list[str], counts: list[int]) -> Array:
    """So many numbers in [0, 1) an instance, end to end; they depend on its name alone (SplitMix64 of its CRC)."""
    keys = np.repeat(np.array([zlib.crc32(name.encode()) for name in names], np.uint64), np.array(counts, np.int64))
    first = np.repeat(np.cumsum(counts, dtype=np.int64) - np.array(counts, np.int64), np.array(counts, np.int64))
    mixed = (keys << np.uint64(32)) + (np.arange(len(keys)) - first).astype(np.uint64) * GOLDEN
    return (splitmix64(mixed) >> np.uint64(11)).astype(np.float64) / 2.0**53


def in_lists(flat: Array, counts: list[int]) -> ValueLists:
    """Values end to end as one list an instance."""
    values, ends = flat.tolist(), np.cumsum(counts).tolist()
    return [values[end - count : end] for count, end in zip(counts, ends, strict=True)]


def random(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Values drawn from those of the training part, options drawn evenly; always the same for the same instance."""
    counts = asked_values(test)
    drawn = uniforms(test["instance_id"].to_list(), counts)
    if is_choice(test):
        return in_lists(np.floor(drawn * test["options"].list.len().to_numpy()), counts)
    pool = targets(train)
    return in_lists(pool[(drawn * len(pool)).astype(np.int64)], counts)


RANDOM = Reference(
    "random", "values drawn from those of the training split, options drawn evenly", "every task", random
)
