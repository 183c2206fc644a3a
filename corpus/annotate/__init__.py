"""Annotators, one per file: they derive columns from messages, which overlay those of the sources."""
