"""How many questions a task asks of a split: the first by a seeded hash, so a smaller bench is part of a larger one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl


def capped(frame: pl.DataFrame, sizes: Mapping[str, int], seed: int) -> pl.DataFrame:
    """Keep at most `sizes[split]` rows of each split: the first by a seeded hash of message_id; the order is kept."""
    digest = [hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8] for name in frame["message_id"]]
    rank = pl.Series("rank", digest, pl.Binary).to_frame().with_columns(frame["split"])
    ranked = rank.select(pl.col("rank").rank("ordinal").over("split"), "split")
    limit = ranked["split"].replace_strict(dict(sizes), return_dtype=pl.Int64)
    return frame.filter(ranked["rank"] <= limit)
