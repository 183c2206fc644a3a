"""LCBM and its comparisons: recipes, tokenizer, training data, model and training."""
