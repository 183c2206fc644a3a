"""Merging of "most replayed" markers into scenes (paper, section on replay values; SPEC 3).

YouTube gives 100 markers of equal length T/100 for a video of T seconds. A scene merges k = ceil(100/T) markers (at
least one), so that it lasts a second or more, and takes the largest of their values; the floor(100/k) whole scenes are
kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MERGE_SQL = """
CREATE OR REPLACE MACRO merge_multiplier(markers, duration_s) AS
    greatest(1, ceil(markers / duration_s))::BIGINT;
CREATE OR REPLACE MACRO merge_markers(marker_values, duration_s) AS
    list_transform(
        range(0, len(marker_values) // merge_multiplier(len(marker_values), duration_s)),
        lambda i: list_max(marker_values[
            i * merge_multiplier(len(marker_values), duration_s) + 1 :
            (i + 1) * merge_multiplier(len(marker_values), duration_s)]));
"""
"""The same two formulas as DuckDB macros, for whole tables."""


def multiplier(markers: int, duration_s: float) -> int:
    """How many markers make a scene of at least one second."""
    return max(1, math.ceil(markers / duration_s))


def merge_markers(values: Sequence[float], duration_s: float) -> list[float]:
    """The replay value of each scene: the largest of its k markers; markers left over at the end are dropped.

    Raises ValueError when the duration is not a positive finite number.
    """
    if not (math.isfinite(duration_s) and duration_s > 0):
        raise ValueError(f"duration of {duration_s} s")
    k = multiplier(len(values), duration_s)
    return [max(values[i * k : (i + 1) * k]) for i in range(len(values) // k)]


def scene_spans(markers: int, duration_s: float) -> list[tuple[float, float]]:
    """Start and end in seconds of each merged scene."""
    k = multiplier(markers, duration_s)
    marker_s = duration_s / markers
    return [(i * k * marker_s, (i + 1) * k * marker_s) for i in range(markers // k)]
