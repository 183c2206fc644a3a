"""What a kind of message needs to be written as text, and the common case: a message with whole-message counts.

Every message of a kind ends as one text or with one reason why it could not be written.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import duckdb
import polars as pl

from corpus.verbalize.media import Media
from corpus.verbalize.message_frames import PART_ROWS, parts, safe_body, safe_title
from corpus.verbalize.number_words import count_in_three_digits, read_number
from corpus.verbalize.safe_text import sanitize
from corpus.verbalize.template import Template

Behavior = dict[str, Any]
NO_TEXT, NO_BEHAVIOR = "no text", "no behavior"
SPEAKER = "[company: {company}\n][account: {account}\n][published: {date}\n][language: {language}\n]"

MESSAGES = """
WITH newest AS ({newest})
SELECT message.message_id, message.campaign, message.title, message.body, message.published_at, message.language,
       message.duration_s, speaker.company, speaker.account, newest.* EXCLUDE (message_id)
FROM message LEFT JOIN newest USING (message_id) LEFT JOIN _speaker speaker USING (communicator_id)
WHERE message.kind = '{kind}' ORDER BY message.message_id
"""


class Kind(ABC):
    """How one kind of message is written."""

    name: ClassVar[str]
    """Its name in `message.kind`, and in what is printed."""
    templates: ClassVar[tuple[Template, ...]]
    of_comments: ClassVar[bool] = False
    """Whether it is about comments instead of messages."""

    def present(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Whether the corpus holds any."""
        return bool(connection.execute("SELECT 1 FROM message WHERE kind = ? LIMIT 1", [self.name]).fetchall())

    @abstractmethod
    def parts(self, connection: duckdb.DuckDBPyConnection) -> Iterator[pl.DataFrame]:
        """All messages of the kind, some thousand a frame."""

    @abstractmethod
    def texts(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Columns message_id, template, text, reason (why there is no text, else null).

        One whose rows are about many comments each gives their numbers in a further column, comments.
        """

    @abstractmethod
    def read(self, text: str) -> Behavior:
        """The behavior that a text of this kind shows, by metric."""


def newest_sql(metrics: tuple[str, ...], key: str = "message_id", where: str = "receiver IS NULL") -> str:
    """A query for the newest value of each metric, a column each, one row a key."""
    columns = ", ".join(
        f"arg_max(value, coalesce(observed_at, '-infinity'::TIMESTAMP)) FILTER (metric = '{metric}') AS \"{metric}\""
        for metric in metrics
    )
    named = ", ".join(f"'{metric}'" for metric in metrics)
    return f"SELECT {key}, {columns} FROM effect WHERE scene IS NULL AND {where} AND metric IN ({named}) GROUP BY {key}"


def first_reason(**reasons: pl.Expr) -> pl.Expr:
    """The name of the first condition that is true (its underscores are spaces), else null."""
    return pl.coalesce(
        *(pl.when(condition).then(pl.lit(name.replace("_", " "))) for name, condition in reasons.items())
    )


def all_null(*columns: str) -> pl.Expr:
    """Whether a row has none of the columns."""
    return pl.all_horizontal(pl.col(column).is_null() for column in columns)


def safe_content(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with title, body, language and date made safe for templates."""
    return frame.with_columns(
        title=safe_title(),
        body=safe_body(),
        language=sanitize(pl.col("language"), 40),
        date=pl.col("published_at").dt.strftime("%Y-%m-%d"),
    )


class CountedKind(Kind):
    """A kind whose behavior is counts of the whole message; a message with any of them is written."""

    metrics: ClassVar[tuple[str, ...]]
    template: ClassVar[Template]
    content: ClassVar[tuple[str, ...]] = ("title", "body")

    def parts(self, connection: duckdb.DuckDBPyConnection) -> Iterator[pl.DataFrame]:
        return parts(connection, MESSAGES.format(newest=newest_sql(self.metrics), kind=self.name), PART_ROWS)

    def texts(self, frame: pl.DataFrame) -> pl.DataFrame:
        frame = safe_content(frame)
        counts = {metric: count_in_three_digits(pl.col(metric)) for metric in self.metrics}
        return frame.select(
            "message_id",
            template=pl.lit(self.template.label),
            text=self.template.fill(**counts, **self.fields()),
            reason=self.reason(),
        )

    def reason(self) -> pl.Expr:
        """Why a message cannot be written."""
        return first_reason(no_text=all_null(*self.content), no_behavior=all_null(*self.metrics))

    def fields(self) -> dict[str, pl.Expr]:
        """Fields of the template beside its columns and counts."""
        return {}

    def read(self, text: str) -> Behavior:
        fields = self.template.read(text) or {}
        return {metric: read_number(fields[metric]) for metric in self.metrics if metric in fields}


class MediaKind(CountedKind):
    """A kind that shows or plays something, described in `media`."""

    content = ("title", "body", "media")

    def parts(self, connection: duckdb.DuckDBPyConnection) -> Iterator[pl.DataFrame]:
        yield from map(Media(connection).added_to, super().parts(connection))


def behavior_lines(*metrics: str) -> str:
    """The end of a template: a line for each metric that a message has."""
    return "".join(f"[\n{metric}: {{{metric}}}]" for metric in metrics)
