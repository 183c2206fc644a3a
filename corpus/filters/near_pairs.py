"""Pairs that may be near duplicates, set-wise: bands as columns of a table, a join for each, then the true similarity.

Memory does not grow with the messages: their bands and the pairs lie in the pool's database.
"""

from __future__ import annotations

import numpy as np

from corpus.filters.minhash import Unit, banding, bands_of, similarities
from corpus.filters.pool import Pool

COMPARED = 10_000  # characters of a text: what a page of hostile ones can ask for is bounded
SMALL = 8  # a bucket up to this size gives all its pairs

BUCKETS = """
INSERT INTO found
WITH member AS (
    SELECT alike, key, place, row_number() OVER bucket AS number, count(*) OVER (PARTITION BY alike, key) AS size FROM (
        SELECT alike, place, band_{n} AS key FROM signed
        WHERE band_{n} IN (SELECT band_{n} FROM signed GROUP BY band_{n} HAVING count(*) > 1))
    WINDOW bucket AS (PARTITION BY alike, key ORDER BY place)
), asked AS (
    SELECT alike, key, place, unnest(
        CASE WHEN size <= {small} THEN range(1, number) ELSE list_distinct([1, number - 1]) END) AS number
    FROM member WHERE number > 1
)
SELECT DISTINCT member.place, asked.place FROM asked JOIN member USING (alike, key, number)
"""
"""Pairs of a band. A large bucket gives a star and a chain, not its square: each member with the first and the last."""


def sign(pool: Pool, alike: str, unit: Unit, size: int, threshold: float) -> None:
    """Fill `signed` (place, alike, band_0 ...) for the messages looked at that say something.

    `alike` is the SQL of what two messages must have in common to be compared at all.
    """
    bands, _ = banding(threshold)
    columns = ", ".join(f"band_{n} UBIGINT" for n in range(bands))
    pool.connection.execute(f"CREATE OR REPLACE TABLE signed (place BIGINT, alike VARCHAR, {columns})")
    texts = f"""SELECT place, {alike} AS alike, left(text, {COMPARED}) AS text
    FROM looked JOIN {pool.text} USING (place) WHERE text <> ''"""
    for batch in pool.rows(texts):
        keys = bands_of(batch["text"], unit, size, threshold)
        named = {f"band_{n}": np.ascontiguousarray(keys[:, n]) for n in range(bands)}
        pool.insert("signed", {"place": batch["place"], "alike": batch["alike"], **named})


def find_candidates(pool: Pool, threshold: float) -> None:
    """Fill `candidate` (one, other): the places of messages that share a band, the earlier first."""
    pool.connection.execute("CREATE OR REPLACE TABLE found (one BIGINT, other BIGINT)")
    for n in range(banding(threshold)[0]):
        pool.connection.execute(BUCKETS.format(n=n, small=SMALL))
    pool.connection.execute("CREATE OR REPLACE TABLE candidate AS SELECT DISTINCT one, other FROM found")
    pool.connection.execute("DROP TABLE found; DROP TABLE signed")


def verify(pool: Pool, unit: Unit, size: int, threshold: float) -> None:
    """Fill `near` (one, other, similarity): the candidates whose true similarity reaches the threshold."""
    pool.connection.execute("CREATE OR REPLACE TABLE near (one BIGINT, other BIGINT, similarity DOUBLE)")
    pairs = f"""SELECT one, other, left(a.text, {COMPARED}) AS one_text, left(b.text, {COMPARED}) AS other_text
    FROM candidate JOIN {pool.text} AS a ON a.place = one JOIN {pool.text} AS b ON b.place = other"""
    for batch in pool.rows(pairs):
        similarity = similarities(batch["one_text"], batch["other_text"], unit, size)
        near = similarity >= threshold
        one, other = np.array(batch["one"])[near], np.array(batch["other"])[near]
        pool.insert("near", {"one": one, "other": other, "similarity": similarity[near]})
