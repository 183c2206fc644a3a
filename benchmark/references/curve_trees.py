"""Replay values from all that is known of a video but its words: a scene's place, and the numbers of the whole message.

Long videos rise and fall elsewhere than short ones, and a curve of few scenes reaches its own lowest and highest value
with fewer of them, so one mean curve for all lengths is easy to beat without reading anything.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmark.message_numbers import message_numbers
from benchmark.metrics import Array, Index
from benchmark.references.base import Reference, ValueLists, group_numbers, targets
from benchmark.references.curves import complete_curves
from benchmark.references.trees import grow_trees

LEAST_CURVES = 30  # from fewer, trees learn less than a mean curve
MOST_SCENES = 50_000  # that trees are grown from


def curve_by_trees(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Answer each asked scene by boosted trees on its place in the video and the message's numbers."""
    asked = test["asked"].list.len().to_list()
    curves = complete_curves(train)
    learned = np.concatenate([*curves, np.zeros(0)])
    known = thinned(np.flatnonzero(np.isfinite(learned)))
    lengths = [len(curve) for curve in curves]
    video = np.repeat(np.arange(len(curves)), lengths)[known]
    if len(np.unique(video)) < LEAST_CURVES:
        return [[float(targets(train).mean())] * count for count in asked]
    scene = np.concatenate([np.arange(length) for length in lengths])[known]
    fitted = grow_trees(
        scene_numbers(train, video, scene),
        learned[known],
        np.unique(group_numbers(train)[video], return_inverse=True)[1],
        max_iter=600,
        learning_rate=0.03,
        max_leaf_nodes=7,
        min_samples_leaf=100,
    )
    asked_video = np.repeat(np.arange(len(test)), asked)
    asked_scene = np.array([scene for scenes in test["asked"] for scene in scenes], dtype=np.int64)
    predicted = fitted(scene_numbers(test, asked_video, asked_scene))
    return [part.tolist() for part in np.split(predicted, np.cumsum(asked)[:-1])] if asked else []


def thinned(places: Index) -> Index:
    """At most MOST_SCENES of some places, always the same ones."""
    if len(places) <= MOST_SCENES:
        return places
    return np.sort(np.random.default_rng(0).choice(places, MOST_SCENES, replace=False))


def scene_numbers(frame: pl.DataFrame, video: Index, scene: Index) -> Array:
    """Numbers of scenes, given by the row of their video and their number in it: [scenes, 3 + numbers of the message],
    nan where unknown.
    """
    lengths = frame["replay"].list.len().to_numpy().astype(np.float64)[video]
    places = np.stack([(scene + 0.5) / lengths, scene, lengths], axis=1)
    return np.hstack([places, message_numbers(frame)[video]])


CURVE_BY_TREES = Reference(
    "curve_by_trees",
    "boosted trees on the place of a scene and all numbers of a message, without its words",
    "replay values where none is visible",
    curve_by_trees,
    "shift",
)
