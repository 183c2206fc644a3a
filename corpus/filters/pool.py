"""The messages that filters look at, in a database that spills to disk: which are still kept, and what they say.

`message`, `scene`, `effect` are the corpus' views; `looked` holds what the filter at work looks at, `gone` what was
removed so far; `text` what each message says, made when a filter first asks for it.
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
), said AS (
    SELECT place, concat_ws(' ', title, body, speech) AS said
    FROM message JOIN wanted USING (message_id) LEFT JOIN spoken USING (message_id)
)
SELECT place, left(said, {READ}) AS head, CASE WHEN length(said) > {READ} THEN md5(said) ELSE '' END AS more FROM said
"""
"""What the messages of a block say: title, body, and the speech of their scenes; a digest of what is too long."""


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
            """CREATE TABLE gone (step INTEGER, message_id VARCHAR, filter VARCHAR, reason VARCHAR, value VARCHAR,
            duplicate_of VARCHAR)"""
        )

    @classmethod
    @contextmanager
    def open(cls, corpus: Corpus, folder: Path) -> Iterator[Pool]:
        """The pool of a corpus; what does not fit MEMORY lies in `folder` meanwhile. Raises BrokenTable."""
        with corpus.connect() as connection:
            connection.execute(f"SET memory_limit='{MEMORY}'; SET temp_directory={quote(folder / 'spill')}")
            yield cls(connection)

    def look(self, kinds: Sequence[str] | None) -> int:
        """Fill `looked` with the messages of these kinds (None: all) that are still kept; gives their number."""
        self.connection.execute(
            """CREATE OR REPLACE TABLE looked AS SELECT * FROM placed ANTI JOIN gone USING (message_id)
            WHERE $kinds IS NULL OR list_contains($kinds, kind)""",
            {"kinds": None if kinds is None else list(kinds)},
        )
        return self.one("SELECT count(*) FROM looked")

    def gone(self, name: str, sql: str) -> int:
        """Add what a filter's query finds; gives the number of its step."""
        self.steps += 1
        self.connection.execute(
            f"""INSERT INTO gone SELECT {self.steps}, message_id, '{name}', reason, value, duplicate_of FROM ({sql})"""
        )
        return self.steps

    def one(self, sql: str) -> int:
        """The whole number that a query gives."""
        return int(self.connection.execute(sql).fetchall()[0][0])

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
        total = self.one("SELECT count(*) FROM placed")
        for first in range(1, total + 1, BLOCK):
            bounds = TEXTS.replace("$first", str(first)).replace("$last", str(first + BLOCK - 1))
            for batch in self.rows(bounds):
                texts = [normalised(head) for head in batch["head"]]
                digests = [_digest(text, more) for text, more in zip(texts, batch["more"], strict=True)]
                self.insert("text", {"place": batch["place"], "text": texts, "digest": pa.array(digests, pa.string())})
        return "text"


def _digest(text: str, more: str) -> str | None:
    return hashlib.blake2b((text + more).encode(), digest_size=16).hexdigest() if text else None
