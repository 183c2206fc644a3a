"""Pairs that may be near duplicates, set-wise: bands as columns of a table, a join for each, then the true similarity.

Memory does not grow with the messages: their bands and the pairs lie in the pool's database.
"""

from __future__ import annotations

import numpy as np

from corpus.filters.minhash import Unit, banding, bands_of, similarities
from corpus.filters.pool import Pool

COMPARED = 10_000  # characters of a text: bounds the work that hostile texts can cause
SMALL = 8  # a bucket up to this size gives all its pairs
MOST_ASKED = 500  # places of a bucket with which all others in it are compared

BUCKETS = """
INSERT INTO pair
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

BETWEEN = """
INSERT INTO pair
WITH asked AS (
    SELECT alike, band_{n} AS key, place FROM signed SEMI JOIN ({places}) USING (place)
    QUALIFY row_number() OVER (PARTITION BY alike, band_{n} ORDER BY place) <= {most}
)
SELECT DISTINCT asked.place, other.place FROM asked
JOIN (FROM signed ANTI JOIN ({places}) USING (place)) other ON other.alike = asked.alike AND other.band_{n} = asked.key
"""
"""Pairs of a band between asked places and all others; of a very large bucket only the first of the asked."""


def sign(pool: Pool, alike: str, unit: Unit, size: int, threshold: float) -> None:
    """Fill `signed` (place, alike, band_0 ...) for the selected messages that have a text.

    `alike` is the SQL of what two messages must have in common to be compared at all.
    """
    bands, _ = banding(threshold)
    columns = ", ".join(f"band_{n} UBIGINT" for n in range(bands))
    pool.connection.execute(f"CREATE OR REPLACE TABLE signed (place BIGINT, alike VARCHAR, {columns})")
    texts = f"""SELECT place, {alike} AS alike, left(text, {COMPARED}) AS text
    FROM selected JOIN {pool.text} USING (place) WHERE text <> ''"""
    for batch in pool.rows(texts):
        keys = bands_of(batch["text"], unit, size, threshold)
        named = {f"band_{n}": np.ascontiguousarray(keys[:, n]) for n in range(bands)}
        pool.insert("signed", {"place": batch["place"], "alike": batch["alike"], **named})


def find_candidates(pool: Pool, threshold: float) -> None:
    """Fill `candidate` (earlier, later): the places of messages that share a band."""
    pool.connection.execute("CREATE OR REPLACE TABLE pair (earlier BIGINT, later BIGINT)")
    for n in range(banding(threshold)[0]):
        pool.connection.execute(BUCKETS.format(n=n, small=SMALL))
    pool.connection.execute("CREATE OR REPLACE TABLE candidate AS SELECT DISTINCT earlier, later FROM pair")
    pool.connection.execute("DROP TABLE pair; DROP TABLE signed")


def find_candidates_between(pool: Pool, threshold: float, places: str) -> None:
    """Fill `candidate` (earlier, later): one of the places that the SQL `places` gives, and another sharing a band."""
    pool.connection.execute("CREATE OR REPLACE TABLE pair (earlier BIGINT, later BIGINT)")
    for n in range(banding(threshold)[0]):
        pool.connection.execute(BETWEEN.format(n=n, most=MOST_ASKED, places=places))
    pool.connection.execute("CREATE OR REPLACE TABLE candidate AS SELECT DISTINCT earlier, later FROM pair")
    pool.connection.execute("DROP TABLE pair; DROP TABLE signed")


def verify(pool: Pool, unit: Unit, size: int, threshold: float) -> None:
    """Fill `near` (earlier, later, similarity): the candidates whose true similarity reaches the threshold."""
    pool.connection.execute("CREATE OR REPLACE TABLE near (earlier BIGINT, later BIGINT, similarity DOUBLE)")
    pairs = f"""SELECT earlier, later, left(a.text, {COMPARED}) AS earlier_text, left(b.text, {COMPARED}) AS later_text
    FROM candidate JOIN {pool.text} AS a ON a.place = earlier JOIN {pool.text} AS b ON b.place = later"""
    for batch in pool.rows(pairs):
        similarity = similarities(batch["earlier_text"], batch["later_text"], unit, size)
        near = similarity >= threshold
        earlier, later = np.array(batch["earlier"])[near], np.array(batch["later"])[near]
        pool.insert("near", {"earlier": earlier, "later": later, "similarity": similarity[near]})
