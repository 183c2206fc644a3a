"""Convert parquet rows to JSON text, for searching."""

from __future__ import annotations

import duckdb
import polars as pl
import pyarrow as pa


def rows_as_json(batch: pa.RecordBatch) -> pl.Series:
    """Convert each row of a batch to JSON text, including nested values; bytes, which hold no text, are left out."""
    names = [field.name for field in batch.schema if field.type not in (pa.binary(), pa.list_(pa.binary()))]
    batch = batch.select(names)
    connection = duckdb.connect()
    connection.execute("SET threads=1")
    table = pa.Table.from_batches([batch])
    connection.register("_rows", table)
    rows = connection.execute("SELECT to_json(_rows)::VARCHAR FROM _rows").fetchall()
    return pl.Series([row[0] for row in rows], dtype=pl.String)
