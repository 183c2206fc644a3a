"""Whether predictions vary as the truth does, and whether distributions are as wide as they should be.

A model that always answers near the mean has small errors and says little; beside its errors stands how much its
answers vary. Nothing is ranked by these.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.answers.values import Values
from benchmark.metrics import QUANTILES, Array, Judged
from benchmark.tasks.base import Task

LOW, HIGH = (int(np.argmin(np.abs(QUANTILES - level))) for level in (0.1, 0.9))


def spread_row(judged: Judged, task: Task) -> dict[str, Any]:
    """Standard deviations of the answers that were read and of the truth, and the coverage of the distributions.

    Counts are taken in decades (those below one as one). coverage_80: percent of values between the predicted quantiles
    of 10 and 90 %, of those with a distribution; 80 is right. None where there is nothing, and for choices.
    """
    if not isinstance(task.answer, Values):
        return {"spread_predicted": None, "spread_true": None, "coverage_80": None}
    logarithms = task.spans_decades
    truth, predicted = judged.truth[judged.parsed], judged.predicted[judged.parsed]
    return {
        "spread_predicted": deviation(predicted, logarithms),
        "spread_true": deviation(truth, logarithms),
        "coverage_80": coverage_80(judged),
    }


def deviation(values: Array, logarithms: bool) -> float | None:
    """Standard deviation; None for fewer than two values."""
    if len(values) < 2:
        return None
    return float(np.std(np.log10(np.maximum(values, 1)) if logarithms else values))


def coverage_80(judged: Judged) -> float | None:
    """Percent of values between the predicted quantiles of 10 and 90 %; None without distributions."""
    if judged.quantiles is None:
        return None
    has_quantiles = np.isfinite(judged.quantiles[:, 0])
    low, high = judged.quantiles[has_quantiles, LOW], judged.quantiles[has_quantiles, HIGH]
    truth = judged.truth[has_quantiles]
    return float(100 * np.mean((low <= truth) & (truth <= high))) if len(truth) else None
