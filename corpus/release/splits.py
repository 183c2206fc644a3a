"""Assign the rows of a release to splits, by a hash of their company, or of a communicator without one.

Nobody is in two splits, and a message keeps its split when others disappear, even in a corpus that was fetched again.
"""

from __future__ import annotations

SPLITS = ("train", "validation", "test")
VALIDATION_FROM, TEST_FROM = 0.7, 0.8  # of the range of hashes: 70, 10 and 20 %, as a bench has them


def split_sql(cluster: str, seed: int) -> str:
    """SQL of the split of a cluster, which is an SQL expression."""
    share = f"('0x' || substring(sha256('{int(seed)}:' || {cluster}), 1, 8))::UBIGINT / 4294967296.0"
    held_out = f"WHEN {share} < {TEST_FROM} THEN 'validation' ELSE 'test'"
    return f"CASE WHEN {share} < {VALIDATION_FROM} THEN 'train' {held_out} END"


def tables_sql(seed: int) -> str:
    """SQL that makes _message_split (message_id, split) and _communicator_split (communicator_id, split)."""
    speaker = "lower(coalesce(speaker.company, communicator_id))"
    return f"""
CREATE OR REPLACE TEMP TABLE _communicator_split AS
SELECT communicator_id, {split_sql(speaker, seed)} AS split FROM communicator AS speaker;
CREATE OR REPLACE TEMP TABLE _message_split AS
SELECT message_id, {split_sql("lower(coalesce(speaker.company, communicator_id, message_id))", seed)} AS split
FROM message LEFT JOIN communicator AS speaker USING (communicator_id);
"""
