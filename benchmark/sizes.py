"""How many questions a task asks of a split, and which of them are the panel: both the first by a seeded hash.

So a smaller bench asks about messages of a larger one, and a smaller panel is part of a larger one. The panel is what
expensive models answer: as many groups as there are, and short videos alone where a bench is built so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class PanelSize:
    """The number of questions of a panel, and the most scenes of a video that it asks about (None: any)."""

    questions: int = 600
    most_scenes: int | None = None


def hashed(names: pl.Series, seed: int) -> pl.Series:
    """A seeded hash of each name."""
    digests = [hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8] for name in names]
    return pl.Series("hashed", digests, pl.Binary)


def capped(frame: pl.DataFrame, sizes: Mapping[str, int], seed: int) -> pl.DataFrame:
    """Keep at most `sizes[split]` rows of each split: the first by a seeded hash of message_id; the order is kept."""
    rank = hashed(frame["message_id"], seed).to_frame().with_columns(frame["split"])
    ranked = rank.select(pl.col("hashed").rank("ordinal").over("split"), "split")
    limit = ranked["split"].replace_strict(dict(sizes), return_dtype=pl.Int64)
    return frame.filter(ranked["hashed"] <= limit)


def like_panel(questions: pl.DataFrame, size: PanelSize) -> pl.DataFrame:
    """The questions that a panel can ask: of videos with few enough scenes, and of several draws of masks the first."""
    if size.most_scenes is not None and "scene_seen" in questions.columns:
        questions = questions.filter(pl.col("scene_seen").list.len().fill_null(0) <= size.most_scenes)
    return questions.filter(pl.col("draw") == 0) if "draw" in questions.columns else questions


def panel_ranks(questions: pl.DataFrame, size: PanelSize, seed: int) -> pl.Series:
    """The rank of each question in the panel, null outside of it: first a question of each group, then a second."""
    asked = like_panel(questions.with_row_index("row"), size)
    order = asked.select("group", pl.col("row").cast(pl.Int64)).with_columns(hashed(asked["message_id"], seed))
    turn = pl.col("hashed").rank("ordinal").over("group")
    order = order.with_columns(hashed(order["group"], seed).alias("hashed_group"), turn=turn)
    ranked = order.sort("turn", "hashed_group").head(size.questions)
    ranks = ranked.select("row", panel_rank=pl.int_range(pl.len()))
    rows = questions.select(row=pl.int_range(pl.len()))
    return rows.join(ranks, on="row", how="left", maintain_order="left")["panel_rank"]
