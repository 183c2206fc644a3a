"""Replay values from all that is known of a video but its words: a scene's place, visible values, and all numbers.

Long videos rise and fall elsewhere than short ones, and a curve of few scenes reaches its own lowest and highest value
with fewer of them, so one mean curve for all lengths is easy to beat without reading anything. Where some values stay
visible they tell more than their mean: where all curves reach from 0 to 100, as in the simulated world, one that shows
no 100 has it among the masked scenes, and if only one is masked there is nothing to guess.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmark.message_numbers import message_numbers
from benchmark.metrics import Array, Flags, Index
from benchmark.references.base import Reference, ValueLists, group_numbers, targets
from benchmark.references.curves import complete_curves
from benchmark.references.trees import grow_trees

LEAST_CURVES = 30  # from fewer, trees learn less than a mean curve
MOST_SCENES = 50_000  # that trees are grown from
NEIGHBOURS = 2  # visible scenes on either side
NEARLY_ALL = 0.99  # of curves: a scene that nobody measured may hide an end


def curve_by_trees(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Answer each asked scene by boosted trees on its place, visible values of the video and the message's numbers."""
    asked = test["asked"].list.len().to_list()
    learned = np.concatenate([*(np.array(values, dtype=np.float64) for values in train["target"]), np.zeros(0)])
    kept = kept_scenes(np.isfinite(learned))
    video = np.repeat(np.arange(len(train)), train["asked"].list.len())[kept]
    videos, numbered = np.unique(video, return_inverse=True)
    if len(videos) < LEAST_CURVES:
        return [[float(targets(train).mean())] * count for count in asked]
    fitted = grow_trees(
        scene_numbers(train)[kept],
        learned[kept],
        np.unique(group_numbers(train)[video], return_inverse=True)[1],
        numbered,
        max_iter=200,
        learning_rate=0.1,
        max_leaf_nodes=7,
        min_samples_leaf=30,
    )
    ends = common_ends(complete_curves(train))
    values = np.split(fitted(scene_numbers(test)), np.cumsum(asked)[:-1]) if asked else []
    return [
        missing_end(replay, ends, part.tolist()) for replay, part in zip(test["replay"].to_list(), values, strict=True)
    ]


def common_ends(curves: list[Array]) -> list[float]:
    """The highest and the lowest value of a curve, as far as nearly all curves have the same one."""
    measured = [curve for curve in curves if np.isfinite(curve).any()]
    ends = []
    for end in (np.nanmax, np.nanmin):
        values, counts = np.unique([end(curve) for curve in measured], return_counts=True)
        if counts.max(initial=0) >= NEARLY_ALL * len(measured) > 0:
            ends.append(float(values[counts.argmax()]))
    return ends


def missing_end(replay: list[float | None], ends: list[float], values: list[float]) -> list[float]:
    """The end that all visible values lack, where a single value is missing and asked; else the values as they are."""
    if len(values) != 1 or sum(value is None or not np.isfinite(value) for value in replay) != 1:
        return values
    missing = [end for end in ends if end not in replay]
    return missing if len(missing) == 1 else values


def kept_scenes(measured: Flags) -> Index:
    """The places of at most MOST_SCENES measured scenes, always the same ones."""
    places = np.flatnonzero(measured)
    if len(places) <= MOST_SCENES:
        return places
    return np.sort(np.random.default_rng(0).choice(places, MOST_SCENES, replace=False))


def scene_numbers(frame: pl.DataFrame) -> Array:
    """Numbers of all asked scenes, video by video: [scenes, 16 + numbers of the message], nan where unknown."""
    asked = frame["asked"].list.len().to_numpy()
    of_videos = [curve_numbers(*row) for row in frame.select("replay", "asked").iter_rows()]
    return np.hstack(
        [np.concatenate([*of_videos, np.zeros((0, 16))]), np.repeat(message_numbers(frame), asked, axis=0)]
    )


def curve_numbers(replay: list[float | None], asked: list[int]) -> Array:
    """Numbers of a video's asked scenes: [asked, 16]. The place of a scene, the visible values nearest before and
    after it and their distances in scenes, and of all visible values the mean, spread, lowest, highest, and number.
    """
    curve = np.array([np.nan if value is None else value for value in replay], dtype=np.float64)
    scenes, shown = np.array(asked, dtype=np.int64), np.flatnonzero(np.isfinite(curve))
    place = np.stack([(scenes + 0.5) / len(curve), scenes, np.full(len(scenes), len(curve))], axis=1)
    if not len(shown):
        return np.hstack([place, np.full((len(scenes), 13), np.nan)])
    padded = np.concatenate([np.full(NEIGHBOURS, np.nan), shown, np.full(NEIGHBOURS, np.nan)])
    near = padded[np.searchsorted(shown, scenes)[:, None] + np.arange(2 * NEIGHBOURS)]
    heights = np.where(np.isfinite(near), curve[np.nan_to_num(near).astype(np.int64)], np.nan)
    visible = curve[shown]
    whole = [visible.mean(), visible.std(), visible.min(), visible.max(), len(shown)]
    return np.hstack([place, heights, near - scenes[:, None], np.tile(whole, (len(scenes), 1))])


CURVE_BY_TREES = Reference(
    "curve_by_trees",
    "boosted trees on the place of a scene, the visible replay values and all numbers of a message, without its words",
    "replay values",
    curve_by_trees,
    "shift",
)
