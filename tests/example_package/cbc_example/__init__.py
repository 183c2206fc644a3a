"""A task, a source and a predictor that cbc finds by entry points."""
