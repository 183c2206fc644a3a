"""Groups of near duplicates: messages joined by pairs over any number of steps, and the first of each group."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from corpus.filters.pool import Pool

CLOSEST = """
CREATE OR REPLACE TABLE grouped AS SELECT place, first, similarity FROM joined JOIN (
    SELECT place, max(similarity) AS similarity FROM (
        SELECT earlier AS place, similarity FROM near UNION ALL SELECT later, similarity FROM near) GROUP BY place
) USING (place) WHERE place <> first
"""


def group(pool: Pool) -> None:
    """Fill `grouped` (place, first, similarity to the most similar) from `near`: all of a group but its first."""
    pairs = pool.connection.execute("SELECT earlier, later FROM near").fetchnumpy()
    places, numbers = np.unique(np.concatenate([pairs["earlier"], pairs["later"]]), return_inverse=True)
    earlier, later = np.split(numbers, 2)
    graph = coo_array((np.ones(len(earlier), np.int8), (earlier, later)), shape=(len(places), len(places)))
    labels = connected_components(graph, directed=False)[1] if len(places) else numbers
    first = places[np.unique(labels, return_index=True)[1]]  # places are in order
    pool.connection.execute("CREATE OR REPLACE TABLE joined (place BIGINT, first BIGINT)")
    pool.insert("joined", {"place": places, "first": first[labels]})
    pool.connection.execute(CLOSEST)
