"""A comment with its likes and its sentiment, where the corpus keeps what receivers wrote.

Of a message that has comments with text, the others are counted here too, as comments without text.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl

from corpus.verbalize.kinds.base import Behavior, Kind, all_null, first_reason
from corpus.verbalize.mask_counts import mask_counts
from corpus.verbalize.message_frames import PART_ROWS, parts, safe_body, safe_title
from corpus.verbalize.number_words import count_in_three_digits, read_number
from corpus.verbalize.safe_text import mask_links, sanitize
from corpus.verbalize.template import Template

COMMENT = Template(
    "comment-text",
    1,
    "[company: {company}\n][about: {about}\n]comment: {text}[\nlikes: {likes}][\nsentiment: {sentiment}]",
)
CHARACTERS = 300
WITH_TEXT = "(SELECT DISTINCT message_id FROM comment WHERE text IS NOT NULL)"
"""Messages whose comments are written one by one; those of the others are written in aggregate."""
COMMENTS = f"""
SELECT comment.message_id, comment_id, text, likes, sentiment, speaker.company, message.title, message.body
FROM comment SEMI JOIN {WITH_TEXT} USING (message_id)
LEFT JOIN message USING (message_id) LEFT JOIN _speaker speaker USING (communicator_id)
ORDER BY comment.message_id, comment_id
"""


class Comment(Kind):
    """Comments with text; what they answer is told by its title, else by its body."""

    name = "comment"
    templates = (COMMENT,)
    of_comments = True

    def present(self, connection: duckdb.DuckDBPyConnection) -> bool:
        return bool(connection.execute("SELECT 1 FROM comment WHERE text IS NOT NULL LIMIT 1").fetchall())

    def parts(self, connection: duckdb.DuckDBPyConnection) -> Iterator[pl.DataFrame]:
        return parts(connection, COMMENTS, PART_ROWS)

    def texts(self, frame: pl.DataFrame) -> pl.DataFrame:
        frame = frame.with_columns(
            about=pl.coalesce(safe_title(), safe_body()),
            text=sanitize(mask_counts(mask_links(pl.col("text"))), CHARACTERS),
            likes=count_in_three_digits(pl.col("likes")),
            sentiment=sanitize(pl.col("sentiment"), 40),
        )
        return frame.select(
            "message_id",
            "comment_id",
            template=pl.lit(COMMENT.label),
            reason=first_reason(no_text=all_null("text"), no_behavior=all_null("likes", "sentiment")),
            text=COMMENT.fill(),
        )

    def read(self, text: str) -> Behavior:
        """Likes and sentiment."""
        fields = COMMENT.read(text) or {}
        likes = {"likes": read_number(fields["likes"])} if "likes" in fields else {}
        return likes | {name: fields[name] for name in ("sentiment",) if name in fields}
