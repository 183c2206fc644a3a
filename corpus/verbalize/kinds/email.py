"""A marketing email: subject, body, campaign, time of sending, and a line of behavior for each segment.

A sender's export holds no texts and a mailbox no behavior: an email without behavior of its own has that of the one
email of its campaign that has some.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl

from corpus.verbalize.kinds.base import Behavior, Kind, all_null, first_reason, newest_sql
from corpus.verbalize.message_frames import PART_ROWS, parts, safe_body, safe_title
from corpus.verbalize.number_words import count_in_three_digits, percent_in_three_digits, read_number
from corpus.verbalize.safe_text import sanitize
from corpus.verbalize.template import Template
from corpus.verbalize.video import joined, lines

EMAIL = Template(
    "email-text",
    1,
    "[company: {company}\n][account: {account}\n][campaign: {campaign}\n][sent: {sent}\n][language: {language}\n]"
    "[subject: {title}\n][body: {body}\n]{segments}",
)
SEGMENT = Template(
    "email-segment", 1, "[sends: {sends}; ][opens: {opens}; ][clicks: {clicks}; ]segment: {receiver}[ = {rate} %]"
)
EVERYONE = "everyone"
BODY_CHARACTERS = 1_000
COUNTS = ("sends", "opens", "clicks")
EMAILS = f"""
WITH segment AS ({newest_sql((*COUNTS, "click_through_rate"), "message_id, receiver", "true")}), own AS (
    SELECT message_id, list(segment ORDER BY receiver NULLS FIRST) AS segments FROM segment
    WHERE coalesce(opens, clicks, click_through_rate) IS NOT NULL GROUP BY message_id
), of_campaign AS (
    SELECT campaign, any_value(segments) AS segments FROM message JOIN own USING (message_id)
    WHERE kind = 'email' GROUP BY campaign HAVING count(*) = 1
)
SELECT message.message_id, campaign, title, body, published_at, language, speaker.company, speaker.account,
       coalesce(own.segments, of_campaign.segments) AS segments
FROM message LEFT JOIN own USING (message_id) LEFT JOIN of_campaign USING (campaign)
LEFT JOIN _speaker speaker USING (communicator_id) WHERE kind = 'email' ORDER BY message.message_id
"""


class Email(Kind):
    """Emails with opens, clicks or a click-through rate of any segment."""

    name = "email"
    templates = (EMAIL, SEGMENT)

    def parts(self, connection: duckdb.DuckDBPyConnection) -> Iterator[pl.DataFrame]:
        return parts(connection, EMAILS, PART_ROWS)

    def texts(self, frame: pl.DataFrame) -> pl.DataFrame:
        frame = frame.with_columns(
            title=safe_title(),
            body=safe_body(BODY_CHARACTERS),
            campaign=sanitize(pl.col("campaign"), 80),
            language=sanitize(pl.col("language"), 40),
            sent=pl.col("published_at").dt.strftime("%Y-%m-%d %H:%M"),
        )
        reason = first_reason(no_text=all_null("title", "body"), no_behavior=all_null("segments"))
        return joined(frame, lines(_segment_rows(frame), SEGMENT, "_lines")).select(
            "message_id",
            template=pl.lit(EMAIL.label),
            text=EMAIL.fill(segments=pl.col("_lines").fill_null("")),
            reason=reason,
        )

    def read(self, text: str) -> Behavior:
        """Segments, each with its receiver, sends, opens, clicks and click_through_rate as far as they are known."""
        shown = (EMAIL.read(text, many_lines=("segments",)) or {}).get("segments", "")
        return {"segments": [_read_segment(SEGMENT.read(line) or {}) for line in shown.splitlines()]}


def _segment_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """One row a segment of an email: row (which email) and the fields of SEGMENT."""
    rows = frame.select("segments", row=pl.int_range(pl.len(), dtype=pl.Int64)).drop_nulls().explode("segments")
    rows = rows.unnest("segments")
    return rows.with_columns(
        *(count_in_three_digits(pl.col(name)).alias(name) for name in COUNTS),
        receiver=sanitize(pl.col("receiver"), 80).fill_null(EVERYONE),
        rate=percent_in_three_digits(pl.col("click_through_rate")),
    )


def _read_segment(fields: dict[str, str]) -> Behavior:
    counts = {name: read_number(fields[name]) for name in COUNTS if name in fields}
    rate = read_number(fields["rate"]) if "rate" in fields else None
    return {"receiver": fields.get("receiver")} | counts | ({} if rate is None else {"click_through_rate": rate / 100})
