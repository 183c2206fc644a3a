"""SplitMix64: hash numbers to 64 bits, equal on every machine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
Words = npt.NDArray[np.uint64]


def splitmix64(values: Words) -> Words:
    """Finalizer of SplitMix64 on each value: similar inputs get unrelated outputs."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
