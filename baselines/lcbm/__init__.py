"""LCBM and the models it is compared with: recipes, tokenizer, training data, model, training loop."""
