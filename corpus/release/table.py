"""Base class of the tables of a release: key, columns, rows, and their description for Croissant.

Each kind of table has a file: factors.py (the five factors and their provenance), published.py (the columns of the
public release) and flat.py (a row per message); tables.py lists them all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.store import Corpus


@dataclass(frozen=True)
class Field:
    """A field as Croissant describes it: its column, JSON path in a struct, type, whether it is a list, and meaning."""

    name: str
    column: str
    path: str | None
    type: str
    many: bool
    doc: str


def column_field(name: str, type_: str, doc: str) -> Field:
    """Make the field of a column that holds a value or a list of values."""
    return Field(name, name, None, type_.removesuffix("[]"), type_.endswith("[]"), doc)


@dataclass(frozen=True)
class Selection:
    """The rows to write: those of a split of a corpus (by _message_split and _communicator_split).

    `folder` holds the files of the release that are already written.
    """

    corpus: Corpus
    folder: Path
    split: str


class ReleasedTable(ABC):
    """A table of a release, with one parquet file per split."""

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
        """SQL of the complete rows, ordered and scrubbed."""

    def ids_sql(self, selection: Selection) -> str | None:
        """SQL of the rows with ids alone; None if a release of ids lacks the table."""
        return None
