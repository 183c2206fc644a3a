"""Inspect a corpus: status, validation, explanation, datasheet."""
