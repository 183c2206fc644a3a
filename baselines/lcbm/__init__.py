"""LCBM: the model, its data, its training."""
