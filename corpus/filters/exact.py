"""Exact duplicates: messages of one kind whose texts differ only by case, white space and compatible characters.

The earliest published is kept, the first id among those of one time. A message without text is no duplicate.
"""

from __future__ import annotations

from corpus.filters.base import Filter
from corpus.filters.pool import Pool


class ExactDuplicates(Filter):
    """Remove repetitions of an earlier message's text; with `same_duration`, only those of the same whole seconds."""

    name = "exact_duplicates"

    same_duration: bool = False

    def find(self, pool: Pool) -> str:
        """SQL of every message but the first of those with its digest."""
        alike = "kind, digest" + (", whole_s" if self.same_duration else "")
        return f"""SELECT message_id, 'the same text as an earlier one' AS reason, NULL AS value, duplicate_of
        FROM (SELECT message_id, first_value(message_id) OVER (PARTITION BY {alike} ORDER BY place) AS duplicate_of
              FROM selected JOIN {pool.text} USING (place) WHERE digest IS NOT NULL)
        WHERE message_id <> duplicate_of"""
