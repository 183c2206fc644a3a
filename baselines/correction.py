"""What a model of the content adds to the best reference: nothing, unless it helps groups that it was not trained on.

Judged on validation, or where that is absent on folds of training, each predicted by a model of the others. A model
that is not better by more than the standard error of its gain would mostly add noise, so that zeros are answered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from baselines.features import Array
from benchmark.intervals import effective_groups
from benchmark.stored_references import folds_by

LEAST_GROUPS = 5  # two or three agree by luck too often
Fit = Callable[[Any, Array, Any, Array], Any]
"""Features and values of training, and of what settings are tried on (none, empty) -> a model with `predict`."""


@dataclass(frozen=True)
class Gaps:
    """What the best reference leaves. features: sparse [rows, features]; gaps: [rows]; groups: of each row."""

    features: Any
    gaps: Array
    groups: pl.Series

    def part(self, rows: npt.NDArray[np.bool_]) -> Gaps:
        """Some of the rows."""
        return Gaps(self.features[rows], self.gaps[rows], self.groups.filter(pl.Series(rows)))


class Nothing:
    """A model that answers zeros."""

    def predict(self, features: Any) -> Array:
        """Zeros: [rows]."""
        return np.zeros(features.shape[0])


def learn_correction(fit: Fit, known: Gaps, tried: Gaps) -> tuple[Any, Array]:
    """A model of the gaps and its errors on the tried rows; where there are none, on folds of the known ones."""
    if len(tried.gaps):
        model = fit(known.features, known.gaps, tried.features, tried.gaps)
        judged, errors = tried, tried.gaps - model.predict(tried.features)
    else:
        model, judged, errors = fit(known.features, known.gaps, None, np.zeros(0)), known, errors_in_folds(fit, known)
    if is_less_by_groups(errors**2, judged.gaps**2, judged.groups):
        return model, errors
    return Nothing(), judged.gaps


def errors_in_folds(fit: Fit, known: Gaps) -> Array:
    """The errors on each fold of models of the others; of a single fold the gaps themselves."""
    fold, errors = folds_by(known.groups), known.gaps.copy()
    for number in np.unique(fold):
        outside = known.part(fold != number)
        if len(outside.gaps):
            model = fit(outside.features, outside.gaps, None, np.zeros(0))
            errors[fold == number] -= model.predict(known.features[fold == number])
    return errors


def is_less_by_groups(errors: Array, others: Array, groups: pl.Series) -> bool:
    """Whether the errors of questions are clearly less than others, when groups are drawn; errors, others: [questions].

    A question counts alike in a large group and a small one, as it does in the metrics.
    """
    frame = pl.DataFrame({"group": groups, "error": errors, "other": others})
    of_groups = frame.group_by("group", maintain_order=True).agg(pl.col("error", "other").sum(), size=pl.len())
    sizes = of_groups["size"].cast(pl.Float64).to_numpy()
    return is_clearly_less(of_groups["error"].to_numpy(), of_groups["other"].to_numpy(), sizes)


def is_clearly_less(errors: Array, others: Array, sizes: Array) -> bool:
    """Whether the errors of groups are less than others by more than the standard error of the gain.

    Never of fewer than 5 effective groups; sizes: [groups].
    """
    if effective_groups(sizes) < LEAST_GROUPS:
        return False
    gains = others - errors
    return bool(gains.mean() > gains.std(ddof=1) / np.sqrt(len(gains)))
