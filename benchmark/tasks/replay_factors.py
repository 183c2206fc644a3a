"""What the replay of a scene follows from in the simulated world: its shot, its text on screen, its place, the tone."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmark.tasks.planted import Factor
from corpus.simulate import law as rules
from corpus.simulate.named_levels import named_level

NO_TEXT = "no text"
TENTHS = 10


def scene_factors(questions: pl.DataFrame) -> list[Factor]:
    """The factors of every scene of videos whose scenes are all asked, in the order of the asked scenes."""
    scenes = questions.select(
        "scene_seen", tone=named_level(questions["title"], rules.TONES), last=pl.col("scene_seen").list.len() - 1
    ).with_columns(scene=pl.int_ranges(0, pl.col("last") + 1))
    rows = scenes.explode("scene_seen", "scene", empty_as_null=False)
    position = (rows["scene"] / rows["last"].clip(1)).to_numpy()
    return [
        Factor("shot", named_level(rows["scene_seen"], rules.SHOTS)),
        Factor("screen text", named_level(rows["scene_seen"], rules.SCREEN_TEXTS).fill_null(NO_TEXT)),
        Factor("place", places(rows["scene"].to_numpy(), position)),
        Factor("tone by place", rows["tone"], position - 0.5, "from the first scene to the last"),
    ]


def places(scene: np.ndarray, position: np.ndarray) -> pl.Series:
    """Where a scene stands in its video: the first scene, else the tenth of the video, by its position from 0 to 1."""
    tenth = np.minimum((position * TENTHS).astype(np.int64), TENTHS - 1) + 1
    names = [f"tenth {number:02}" for number in range(1, TENTHS + 1)]
    return pl.Series(np.where(scene == 0, "first scene", np.array(names)[tenth - 1]))
