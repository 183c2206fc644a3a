"""Split messages into train, validation and test: by cluster (none in two splits) or by time (test comes last)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
MIN_CLUSTERS = 3


def by_cluster(frame: pl.DataFrame, seed: int, column: str = "cluster") -> pl.DataFrame:
    """Add `split`: of the clusters in the order of a seeded hash, the first fifth is test, the next tenth validation.

    Each has at least one cluster; tasks with equal seed and clusters split them alike.
    """
    names = frame[column].unique().to_list()
    order = sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    test_count = max(1, round(TEST_SHARE * len(order)))
    validation_count = max(1, round(VALIDATION_SHARE * len(order)))
    split = dict.fromkeys(order[:test_count], "test")
    split |= dict.fromkeys(order[test_count : test_count + validation_count], "validation")
    return frame.with_columns(split=pl.col(column).replace_strict(split, default="train", return_dtype=pl.String))


def by_time(frame: pl.DataFrame, column: str = "published_at") -> pl.DataFrame:
    """Add `split`: the last fifth by time is test, the tenth before it validation; equal times stay together."""
    first_test = frame[column].quantile(1 - TEST_SHARE, "higher")
    first_validation = frame[column].quantile(1 - TEST_SHARE - VALIDATION_SHARE, "higher")
    split = (
        pl.when(pl.col(column) >= first_test)
        .then(pl.lit("test"))
        .when(pl.col(column) >= first_validation)
        .then(pl.lit("validation"))
        .otherwise(pl.lit("train"))
    )
    return frame.with_columns(split=split)


def capped(frame: pl.DataFrame, sizes: Mapping[str, int], seed: int) -> pl.DataFrame:
    """Keep at most `sizes[split]` rows of each split: the first by a seeded hash of message_id; the order is kept."""
    digest = [hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8] for name in frame["message_id"]]
    rank = pl.Series("rank", digest, pl.Binary).to_frame().with_columns(frame["split"])
    ranked = rank.select(pl.col("rank").rank("ordinal").over("split"), "split")
    limit = ranked["split"].replace_strict(dict(sizes), return_dtype=pl.Int64)
    return frame.filter(ranked["rank"] <= limit)
