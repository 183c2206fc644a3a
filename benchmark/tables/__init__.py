"""The tables of the paper, assembled from the tasks: compare runs and write the tables."""

from benchmark.tables.make import make_tables

__all__ = ["make_tables"]
