"""Distributions of a point predictor: its errors on validation, around each prediction."""

from __future__ import annotations

import numpy as np
import polars as pl

from baselines.features import Array
from benchmark.metrics import QUANTILES

LEAST_ERRORS = 50
LISTS = pl.List(pl.Float64)


def residual_quantiles(
    test: pl.DataFrame, predicted: Array, errors: Array, logarithms: bool, low: float, high: float
) -> pl.DataFrame:
    """Columns instance_id, values and quantiles; `predicted` and `errors` may be base-10 logarithms.

    Fewer than 50 errors give no distribution.
    """

    def legal(values: Array) -> Array:
        return np.clip(10**values if logarithms else values, low, high)

    values = pl.Series(legal(predicted)[:, None].tolist(), dtype=LISTS)
    quantiles = pl.Series([None] * len(test), dtype=LISTS)
    if len(errors) >= LEAST_ERRORS:
        around = predicted[:, None] + np.quantile(errors, QUANTILES)
        quantiles = pl.Series(legal(around).tolist(), dtype=LISTS)
    return test.select("instance_id", values=values, quantiles=quantiles)
