"""Duplicates and noise: filters that say which messages are not kept, and why."""
