"""Replay values from all that is known of a video but its words: a scene's place, and the numbers of the whole message.

Long videos rise and fall elsewhere than short ones, and a curve of few scenes reaches its own lowest and highest value
with fewer of them, so one mean curve for all lengths is easy to beat without reading anything.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from benchmark.message_numbers import message_numbers
from benchmark.metrics import Array, Index
from benchmark.references.base import Reference, ValueLists, targets
from benchmark.references.curves import complete_curves, relative_positions

LEAST_CURVES = 30  # from fewer, trees learn less than a mean curve
MOST_SCENES = 50_000  # that trees are grown from


def curve_by_trees(train: pl.DataFrame, test: pl.DataFrame) -> ValueLists:
    """Answer each asked scene by boosted trees on its place in the video and the message's numbers."""
    asked = test["asked"].list.len().to_list()
    curves = complete_curves(train)
    video = np.repeat(np.arange(len(curves)), [len(curve) for curve in curves])
    learned = np.concatenate([*curves, np.zeros(0)])
    known = thinned(np.flatnonzero(np.isfinite(learned)))
    if len(set(video[known].tolist())) < LEAST_CURVES or not len(test):
        return [[float(targets(train).mean())] * count for count in asked]
    numbers = scene_numbers(train, [np.arange(len(curve)) for curve in curves])[known]
    fitted = grown_trees(numbers, learned[known], np.unique(video[known], return_inverse=True)[1])
    predicted = fitted(scene_numbers(test, [np.asarray(scenes, dtype=np.int64) for scenes in test["asked"]]))
    return [part.tolist() for part in np.split(predicted, np.cumsum(asked)[:-1])]


def thinned(places: Index) -> Index:
    """At most MOST_SCENES of some places, always the same ones."""
    if len(places) <= MOST_SCENES:
        return places
    return np.sort(np.random.default_rng(0).choice(places, MOST_SCENES, replace=False))


def grown_trees(numbers: Array, learned: Array, video: Index) -> Callable[[Array], Array]:
    """Boosted trees, as many as help on a tenth of the videos, which is left out: [scenes, numbers] -> [scenes].

    video: [scenes], the number of each scene's video, from 0 without gaps.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    left_out = video % 10 == 0
    varied = [
        place for place, column in enumerate(numbers[~left_out].T) if len(np.unique(column[np.isfinite(column)])) > 1
    ]
    model = HistGradientBoostingRegressor(
        max_iter=600,
        learning_rate=0.03,
        max_leaf_nodes=7,
        min_samples_leaf=100,
        early_stopping=True,
        n_iter_no_change=20,
        random_state=0,
    )
    model.fit(
        numbers[~left_out][:, varied], learned[~left_out], X_val=numbers[left_out][:, varied], y_val=learned[left_out]
    )

    def fitted(asked: Array) -> Array:
        values: Array = model.predict(asked[:, varied])
        return values

    return fitted


def scene_numbers(frame: pl.DataFrame, scenes: list[Index]) -> Array:
    """Numbers of some scenes of each video, end to end: [scenes, 3 + numbers of the message], nan where unknown."""
    lengths = frame["replay"].list.len().to_list()
    places = [
        np.stack([relative_positions(length)[chosen], chosen, np.full(len(chosen), length)], axis=1)
        for length, chosen in zip(lengths, scenes, strict=True)
    ]
    video = np.repeat(np.arange(len(frame)), [len(chosen) for chosen in scenes])
    return np.hstack([np.concatenate(places), message_numbers(frame)[video]])


CURVE_BY_TREES = Reference(
    "curve_by_trees",
    "boosted trees on the place of a scene and all numbers of a message, without its words",
    "replay values where none is visible",
    curve_by_trees,
    "shift",
)
