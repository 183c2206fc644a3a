"""The tables of the paper, put together from the tasks, and what compares runs and writes them."""

from benchmark.tables.make import make_tables

__all__ = ["make_tables"]
