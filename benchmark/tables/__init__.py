"""The tables of the paper: one file a table, and what compares runs and writes them."""

from benchmark.tables.make import make_tables

__all__ = ["make_tables"]
