"""What a table of a release is: its key and columns, the rows it holds, and how Croissant describes them.

Each kind of table is one file: factors.py (the five factors and their provenance), published.py (the columns of the
public release) and flat.py (one row a message); tables.py lists them all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.store import Corpus


@dataclass(frozen=True)
class Field:
    """A field as Croissant describes it: the column that holds it, the path in a struct, its type, whether a list."""

    name: str
    column: str
    path: str | None
    type: str
    many: bool
    doc: str


def column_field(name: str, type_: str, doc: str) -> Field:
    """The field of a column that holds a value or a list of values."""
    return Field(name, name, None, type_.removesuffix("[]"), type_.endswith("[]"), doc)


@dataclass(frozen=True)
class Selection:
    """Which rows are written: those of one split of a corpus (by _message_split and _communicator_split).

    `folder` holds the files that the release has already.
    """

    corpus: Corpus
    folder: Path
    split: str


class ReleasedTable(ABC):
    """A table of a release, one parquet file a split."""

    name: str
    key: Sequence[str]
    columns: Mapping[str, str]
    """Column -> DuckDB type."""

    @property
    @abstractmethod
    def fields(self) -> list[Field]:
        """The fields as Croissant describes them."""

    @abstractmethod
    def full_sql(self, selection: Selection) -> str:
        """SQL of the rows with everything in them, ordered and scrubbed."""

    def ids_sql(self, selection: Selection) -> str | None:
        """SQL of the rows with ids alone; None where a release of ids lacks the table."""
        return None
