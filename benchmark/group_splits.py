"""Which split each group is in: a seeded hash gives the order in which groups are dealt to test, validation, training.

Groups are dealt by what they have messages of, so that what few groups have is in every split.
"""

from __future__ import annotations

import hashlib

import polars as pl

from benchmark.folds import Fold

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
LEAST_GROUPS = 3
"""Fewer groups of a kind cannot be split: all of them are for training."""


def split_groups(facts: pl.DataFrame, seed: int, fold: Fold | None = None) -> pl.DataFrame:
    """The split of each group: of those whose rarest fact is the same, a fifth (or the fold) is test, a tenth
    validation.

    So also what few groups have is in every split; facts of fewer groups than can be split do not count where a group
    has others. The order is that of a seeded hash.
    """
    counted = facts.with_columns(groups=pl.len().over("fact"))
    counted = counted.with_columns(too_few=pl.col("groups") < LEAST_GROUPS).sort("group", "too_few", "groups", "fact")
    rarest = counted.unique("group", keep="first", maintain_order=True)
    digest = [hashlib.sha256(f"{seed}:{name}".encode()).hexdigest() for name in rarest["group"]]
    ordered = rarest.with_columns(pl.Series("digest", digest, pl.String)).sort("digest")
    if fold:
        return split_by_fold(ordered.select("group", "fact"), fold)
    count, place = pl.len().over("fact"), pl.int_range(pl.len()).over("fact")
    tests = pl.max_horizontal(1, (TEST_SHARE * count).round())
    validations = pl.max_horizontal(1, (VALIDATION_SHARE * count).round())
    split = (
        pl.when(count < LEAST_GROUPS)
        .then(pl.lit("train"))
        .when(place < tests)
        .then(pl.lit("test"))
        .when(place < tests + validations)
        .then(pl.lit("validation"))
        .otherwise(pl.lit("train"))
    )
    return ordered.select("group", split=split).sort("group")


def split_by_fold(ordered: pl.DataFrame, fold: Fold) -> pl.DataFrame:
    """The split of each group where a fold is the test part.

    ordered: columns group and fact, in the order of dealing. Groups are dealt fact by fact, so that the folds differ by
    one group at most, of each fact and in all. Validation is a tenth of each fact's groups, where three or more have
    it: the first of those that the next folds test, so that it moves with the fold.
    """
    dealt = ordered.sort("fact", maintain_order=True).with_columns(fold=pl.int_range(pl.len()) % fold.folds)
    ahead = dealt.with_columns(ahead=(pl.col("fold") - fold.number) % fold.folds)
    ahead = ahead.sort("fact", "ahead", maintain_order=True)
    count, others = pl.len().over("fact"), (pl.col("ahead") > 0).cast(pl.Int64)
    validations = pl.max_horizontal(1, (VALIDATION_SHARE * count).round())
    is_next = (others.cum_sum().over("fact") <= validations) & (others.sum().over("fact") > 1)
    split = (
        pl.when(pl.col("ahead") == 0)
        .then(pl.lit("test"))
        .when((count >= LEAST_GROUPS) & is_next)
        .then(pl.lit("validation"))
        .otherwise(pl.lit("train"))
    )
    return ahead.select("group", split=split).sort("group")
