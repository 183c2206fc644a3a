"""References: predictors without content, the fixed yardstick of each task. A task names its own.

A model that does not beat them has learned nothing, so every table shows them.
"""
