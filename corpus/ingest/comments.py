"""Comments in aggregate: what a corpus keeps of what receivers wrote, unless its curator asks for their words.

By default a comment leaves no text: its id stays (so that it is counted once and can be taken down), its likes, label
and time, and a keyed hash for its author. The view `comment_aggregate` is what is meant for use and for release.
`--comments text`, or CBC_COMMENTS=text for a crawl, keeps the words, scrubbed. A corpus holds comments in one way.
"""

from __future__ import annotations

import os
from enum import StrEnum

import duckdb

from corpus.errors import CbcError
from corpus.store import Corpus

VARIABLE = "CBC_COMMENTS"


class Comments(StrEnum):
    """What is kept of comments."""

    aggregate = "aggregate"
    text = "text"


class OtherComments(CbcError):
    """A corpus keeps comments in one way and is asked for another."""


def comments_wanted(choice: str | None = None) -> Comments:
    """How comments are kept: by the choice, else by the environment, else in aggregate. Raises OtherComments."""
    choice = choice or os.environ.get(VARIABLE) or Comments.aggregate
    try:
        return Comments(choice)
    except ValueError:
        raise OtherComments(f"comments cannot be kept as {choice!r}", f"say {' or '.join(Comments)}") from None


def check_comments(corpus: Corpus, comments: Comments) -> None:
    """Assert that the corpus keeps comments in this way or has none. Raises OtherComments."""
    held = {m.get("comments", Comments.text) for m in corpus.ingests() if m.get("tables", {}).get("comment")}
    if held - {comments}:
        raise OtherComments(
            f"{corpus.root} holds comments as {', '.join(sorted(held))}, asked for is {comments}",
            "ask for the same, or build another corpus from its raw files",
        )


def forget_words(connection: duckdb.DuckDBPyConnection) -> None:
    """Leave the staged comments without their text."""
    connection.execute("UPDATE comment SET text = NULL WHERE text IS NOT NULL")
