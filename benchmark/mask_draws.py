"""Ask about a video with several draws of masks, where test videos are few: which scenes are masked then matters less.

Each video of a split has equally many draws, so a mean over questions is the mean over videos of the mean over draws.
Training has one draw; the panel, which language models answer, holds the first draw alone.
"""

from __future__ import annotations

from math import ceil

import polars as pl

from benchmark.tasks.base import Task

ENOUGH_QUESTIONS = 600
"""Questions of a split from which another draw of each video adds little."""
MOST_DRAWS = 20
DRAWN_SPLITS = ("validation", "test")


def draws_of(videos: int, most: int) -> int:
    """How many draws of masks each of so many videos has: 1 to `most`."""
    return min(max(ceil(ENOUGH_QUESTIONS / max(videos, 1)), 1), most)


def with_mask_draws(task: Task, frame: pl.DataFrame, most: int, seed: int) -> pl.DataFrame:
    """Add the column `draw`, and the further draws of validation and test behind the first; other tasks stay as is."""
    if not task.draws_masks:
        return frame
    frames = [frame.with_columns(draw=pl.lit(0, pl.Int64))]
    for split in DRAWN_SPLITS:
        videos = frame.filter(pl.col("split") == split)
        for draw in range(1, draws_of(videos.height, most)) if videos.height else ():
            frames.append(task.mask_again(videos, seed, draw).with_columns(draw=pl.lit(draw, pl.Int64)))
    return pl.concat(frames)


def draws_in(questions: pl.DataFrame) -> int:
    """How many draws of masks the questions about a video have at most; 1 where there are no draws."""
    if "draw" not in questions.columns or questions.is_empty():
        return 1
    return questions["draw"].n_unique()
