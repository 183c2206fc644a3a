"""Gradient-boosted trees with fixed settings, on one thread so that equal seeds give equal trees."""

from __future__ import annotations

from typing import Any

from baselines.learned import fitted

LEAVES = (6, 63)
"""Sizes of the trees of whole messages, of which the best on validation is used: few messages, or many."""


def make_trees(seed: int, classify: bool = False, **changes: Any) -> Any:
    """Make an untrained LightGBM model."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    settings = {
        "n_estimators": 300,
        "learning_rate": 0.08,
        "num_leaves": 6,
        "min_child_samples": 20,
        "subsample": 0.8,
        "subsample_freq": 1,
        "colsample_bytree": 0.8,
        "n_jobs": 1,
        "random_state": seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbose": -1,
    }
    return (LGBMClassifier if classify else LGBMRegressor)(**{**settings, **changes})


def best_trees(matrix: Any, learned: Any, tried: Any, tried_learned: Any, seed: int, classify: bool = False) -> Any:
    """Trees of the size that is best on the tried rows; of the smallest where there are none."""
    models = [fitted(make_trees(seed, classify, num_leaves=leaves), matrix, learned) for leaves in LEAVES]
    if not len(tried_learned):
        return models[0]
    if classify:
        return max(models, key=lambda model: float(model.score(tried, tried_learned)))
    return min(models, key=lambda model: float(((model.predict(tried) - tried_learned) ** 2).mean()))
