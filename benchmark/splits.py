"""Which messages train, validate and test: by cluster (nobody in two splits) or by time (test begins after train)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
MIN_CLUSTERS = 3


def by_cluster(frame: pl.DataFrame, seed: int, column: str = "cluster") -> pl.DataFrame:
    """Adds `split`: clusters in the order of a seeded hash, the first fifth tests, the next tenth validates.

    At least one cluster each; tasks built with one seed over the same clusters split them alike.
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


def capped(frame: pl.DataFrame, sizes: Mapping[str, int], seed: int) -> pl.DataFrame:
    """At most `sizes[split]` rows a split, those whose seeded hash of message_id comes first; rows keep their order."""
    digest = [hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8] for name in frame["message_id"]]
    rank = pl.Series("rank", digest, pl.Binary).to_frame().with_columns(frame["split"])
    kept = rank.select(pl.col("rank").rank("ordinal").over("split"), "split")
    limit = kept["split"].replace_strict(dict(sizes), return_dtype=pl.Int64)
    return frame.filter(kept["rank"] <= limit)
