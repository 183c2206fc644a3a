"""The messages that filters look at, in a database that spills to disk: which are still kept, and what they say.

`message`, `scene`, `effect` are the corpus' views; `placed` holds all messages, `selected` those that the filter at
work looks at, `dropped` those removed so far; `text` what each message says, made when a filter first asks for it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from corpus.files.sql import quote
from corpus.store import Corpus

MEMORY = "1GB"
READ = 50_000  # characters of a message that are compared, counted and looked at for its language
BLOCK = 50_000  # messages whose texts are made at once
BATCH = 1_000  # texts that are held at once
INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

TEXTS = f"""
WITH wanted AS (SELECT message_id, place FROM placed WHERE place BETWEEN $first AND $last),
spoken AS (
    SELECT message_id, string_agg(array_to_string(speech, ' '), ' ' ORDER BY scene) AS speech
    FROM scene SEMI JOIN wanted USING (message_id) WHERE speech IS NOT NULL GROUP BY message_id
), joined AS (
    SELECT place, concat_ws(' ', title, body, speech) AS words
    FROM message JOIN wanted USING (message_id) LEFT JOIN spoken USING (message_id)
)
SELECT place, left(words, {READ}) AS head, CASE WHEN length(words) > {READ} THEN md5(words) ELSE '' END AS rest
FROM joined
"""
"""Title, body and speech of the messages of a block, cut after READ characters, and a digest of texts that were cut."""


def normalised(text: str) -> str:
    """A text as it is compared: compatible forms, case, white space and what cannot be seen make no difference."""
    folded = unicodedata.normalize("NFKC", INVISIBLE.sub("", unicodedata.normalize("NFKC", text).casefold()))
    return " ".join(folded.split())


class Pool:
    """The messages of a corpus while filters are at work, each with its `place`: earliest published first."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.steps = 0
        connection.execute(
            """CREATE TABLE placed AS SELECT message_id, kind, round(duration_s) AS whole_s,
            row_number() OVER (ORDER BY published_at NULLS LAST, message_id) AS place FROM message"""
        )
        connection.execute(
            """CREATE TABLE dropped (step INTEGER, message_id VARCHAR, filter VARCHAR, reason VARCHAR, value VARCHAR,
            duplicate_of VARCHAR)"""
        )

    @classmethod
    @contextmanager
    def open(cls, corpus: Corpus, folder: Path) -> Iterator[Pool]:
        """The pool of a corpus; what does not fit MEMORY lies in `folder` meanwhile. Raises BrokenTable."""
        with corpus.connect() as connection:
            connection.execute(f"SET memory_limit='{MEMORY}'; SET temp_directory={quote(folder / 'spill')}")
            yield cls(connection)

    def select(self, kinds: Sequence[str] | None) -> int:
        """Fill `selected` with the messages of these kinds (None: all) that are still kept; gives their number."""
        self.connection.execute(
            """CREATE OR REPLACE TABLE selected AS SELECT * FROM placed ANTI JOIN dropped USING (message_id)
            WHERE $kinds IS NULL OR list_contains($kinds, kind)""",
            {"kinds": None if kinds is None else list(kinds)},
        )
        return self.count("SELECT count(*) FROM selected")

    def remove(self, name: str, sql: str) -> int:
        """Add what a filter's query selects to `dropped`; gives the number of its step."""
        self.steps += 1
        self.connection.execute(
            f"""INSERT INTO dropped SELECT {self.steps}, message_id, '{name}', reason, value, duplicate_of
            FROM ({sql})"""
        )
        return self.steps

    def count(self, sql: str) -> int:
        """The whole number that a query gives."""
        return int(self.connection.execute(sql).fetchall()[0][0])

    def counts(self, sql: str) -> dict[str, int]:
        """The names and numbers that a query gives."""
        return dict(self.connection.execute(sql).fetchall())

    def rows(self, sql: str) -> Iterator[dict[str, list[Any]]]:
        """The columns of a query's result, some rows at a time; meanwhile `insert` may be called."""
        with self.connection.cursor() as reader:
            for batch in reader.sql(sql).to_arrow_reader(BATCH):
                yield batch.to_pydict()

    def insert(self, table: str, columns: dict[str, Any]) -> None:
        """Append columns (arrays or lists) to a table by name."""
        self.connection.register("_batch", pa.table(columns))
        self.connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM _batch")
        self.connection.unregister("_batch")

    @cached_property
    def text(self) -> str:
        """The table of texts, made now: place, text (normalised), digest (null where nothing is said)."""
        self.connection.execute("CREATE TABLE text (place BIGINT, text VARCHAR, digest VARCHAR)")
        total = self.count("SELECT count(*) FROM placed")
        for first in range(1, total + 1, BLOCK):
            bounds = TEXTS.replace("$first", str(first)).replace("$last", str(first + BLOCK - 1))
            for batch in self.rows(bounds):
                texts = [normalised(head) for head in batch["head"]]
                digests = [_digest(text, rest) for text, rest in zip(texts, batch["rest"], strict=True)]
                self.insert("text", {"place": batch["place"], "text": texts, "digest": pa.array(digests, pa.string())})
        return "text"


def _digest(text: str, rest: str) -> str | None:
    return hashlib.blake2b((text + rest).encode(), digest_size=16).hexdigest() if text else None
