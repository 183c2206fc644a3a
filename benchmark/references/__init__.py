"""References: predictors without content, the fixed baseline of each task. Each task names its own.

A model that does not beat them has learned nothing, so every table shows them.
"""
