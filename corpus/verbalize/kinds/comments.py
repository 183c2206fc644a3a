"""The comments under a message in aggregate: how many, and how many of each sentiment."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl

from corpus.verbalize.kinds.base import Behavior, Kind
from corpus.verbalize.kinds.comment import WITH_TEXT
from corpus.verbalize.message_frames import PART_ROWS, parts, safe_body, safe_title
from corpus.verbalize.number_words import count_in_three_digits, read_number
from corpus.verbalize.safe_text import sanitize
from corpus.verbalize.template import Template
from corpus.verbalize.video import joined, lines

COMMENTS = Template("comments-text", 1, "[company: {company}\n][about: {about}\n]comments: {comments}[\n{sentiments}]")
SENTIMENT = Template("comments-sentiment", 1, "sentiment: {label} = {count}")
WITHOUT_TEXT = f"FROM comment ANTI JOIN {WITH_TEXT} USING (message_id)"
AGGREGATES = f"""
WITH labelled AS (
    SELECT message_id, sentiment AS label, count(*) AS count {WITHOUT_TEXT} GROUP BY ALL
), counted AS (
    SELECT message_id, sum(count)::BIGINT AS comments,
           list({{'label': label, 'count': count}} ORDER BY label) FILTER (label IS NOT NULL) AS sentiments
    FROM labelled GROUP BY message_id
)
SELECT counted.*, speaker.company, message.title, message.body FROM counted LEFT JOIN message USING (message_id)
LEFT JOIN _speaker speaker USING (communicator_id) ORDER BY counted.message_id
"""


class Comments(Kind):
    """Comments of messages of which the corpus keeps no comment's text, a text a message."""

    name = "comments in aggregate"
    templates = (COMMENTS, SENTIMENT)
    of_comments = True

    def present(self, connection: duckdb.DuckDBPyConnection) -> bool:
        return bool(connection.execute(f"SELECT 1 {WITHOUT_TEXT} LIMIT 1").fetchall())

    def parts(self, connection: duckdb.DuckDBPyConnection) -> Iterator[pl.DataFrame]:
        return parts(connection, AGGREGATES, PART_ROWS)

    def texts(self, frame: pl.DataFrame) -> pl.DataFrame:
        rows = frame.select("sentiments", row=pl.int_range(pl.len(), dtype=pl.Int64)).drop_nulls().explode("sentiments")
        rows = rows.unnest("sentiments").with_columns(
            label=sanitize(pl.col("label"), 40), count=count_in_three_digits(pl.col("count"))
        )
        frame = joined(frame, lines(rows.drop_nulls("label"), SENTIMENT, "_lines")).with_columns(
            about=pl.coalesce(safe_title(), safe_body()),
            number=pl.col("comments"),
            comments=count_in_three_digits(pl.col("comments")),
        )
        text = COMMENTS.fill(sentiments=pl.col("_lines"))
        none = pl.lit(None, pl.String)
        return frame.select("message_id", template=pl.lit(COMMENTS.label), text=text, reason=none, comments="number")

    def read(self, text: str) -> Behavior:
        """Comments, and sentiments by label."""
        fields = COMMENTS.read(text, many_lines=("sentiments",)) or {}
        lines_read = [SENTIMENT.read(line) or {} for line in fields.get("sentiments", "").splitlines()]
        sentiments = {line["label"]: read_number(line["count"]) for line in lines_read if line}
        counts = {"comments": read_number(fields["comments"])} if "comments" in fields else {}
        return counts | ({"sentiments": sentiments} if sentiments else {})
