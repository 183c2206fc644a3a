"""Predictors, from chance to LCBM."""
