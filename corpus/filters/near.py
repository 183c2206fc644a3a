"""Near duplicates: messages of one kind whose shingles mostly agree (Jaccard similarity, MinHash with LSH bands).

Bands find candidates, the true similarity decides. Messages that are joined by near duplicates, one after the other,
are one group: the earliest published is kept.
"""

from __future__ import annotations

from pydantic import Field

from corpus.filters.base import Filter
from corpus.filters.minhash import Unit
from corpus.filters.near_groups import group
from corpus.filters.near_pairs import find_candidates, sign, verify
from corpus.filters.pool import Pool


class NearDuplicates(Filter):
    """Remove messages whose text is nearly that of an earlier one.

    `threshold`: Jaccard similarity from which two messages are near duplicates; `shingle` and `size`: of how many
    characters (for posts) or words (for long texts) the pieces are that are compared; `same_duration`: only videos
    of one length in seconds are compared. `value` is the similarity to the most similar message of the group.
    """

    name = "near_duplicates"

    threshold: float = Field(default=0.8, ge=0.3, le=1)
    shingle: Unit = "character"
    size: int = Field(default=5, ge=1, le=20)
    same_duration: bool = False

    def find(self, pool: Pool) -> str:
        """SQL of each message of a group but its first."""
        alike = "concat_ws(' ', kind, whole_s)" if self.same_duration else "kind"
        sign(pool, alike, self.shingle, self.size, self.threshold)
        find_candidates(pool, self.threshold)
        verify(pool, self.shingle, self.size, self.threshold)
        group(pool)
        return """SELECT selected.message_id, 'near duplicate of an earlier one' AS reason,
        format('{:.2f}', similarity) AS value, kept.message_id AS duplicate_of
        FROM grouped JOIN selected USING (place) JOIN placed AS kept ON kept.place = grouped.first"""
