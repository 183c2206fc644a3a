"""Rows of a source become deduplicated, published tables."""
