"""Interpolation: each masked replay value from the visible ones nearest to it, with no look at the content."""

from __future__ import annotations

from baselines.trivial import Trivial

INTERPOLATE = Trivial(
    "interpolate",
    "linear between the nearest visible replay values, the nearest one beyond the ends",
    "replay values where some stay visible",
)
