"""The benchmark: the questions put to a model, and how its answers are judged."""
