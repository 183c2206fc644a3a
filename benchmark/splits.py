"""Which messages train, validate and test: by cluster (nobody in two splits) or by time (test begins after the last train message)."""

from __future__ import annotations

import hashlib

import polars as pl

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
MIN_CLUSTERS = 3


def by_cluster(frame: pl.DataFrame, seed: int, column: str = "cluster") -> pl.DataFrame:
    """Adds `split`: clusters in the order of a seeded hash, the first fifth tests, the next tenth validates.

    At least one cluster each; the same cluster is in the same split of every task built with this seed and these clusters.
    """
    names = frame[column].unique().to_list()
    order = sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    tests = max(1, round(TEST_SHARE * len(order)))
    validates = max(1, round(VALIDATION_SHARE * len(order)))
    split = dict.fromkeys(order[:tests], "test") | dict.fromkeys(order[tests : tests + validates], "validation")
    return frame.with_columns(split=pl.col(column).replace_strict(split, default="train", return_dtype=pl.String))


def by_time(frame: pl.DataFrame, column: str = "published_at") -> pl.DataFrame:
    """Adds `split`: the last fifth by time tests, the tenth before it validates; equal times stay together."""
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
