"""The tables of the five factors in a release, and the provenance of their rows.

In a release of ids they hold every message and communicator with its medium, kind, source and licence; all other
columns are null.
"""

from __future__ import annotations

from dataclasses import dataclass

from corpus.release.scrub import scrubbed_sql
from corpus.release.table import Field, ReleasedTable, Selection, column_field
from corpus.schema import TABLES

OF_MESSAGE = "SELECT {columns} FROM {table} t JOIN _message_split s USING (message_id) WHERE s.split = '{split}'"
OF_COMMUNICATOR = """SELECT {columns} FROM communicator_observation t JOIN _communicator_split s USING (communicator_id)
    WHERE s.split = '{split}'"""
OF_PROVENANCE = """SELECT {columns} FROM provenance t
    LEFT JOIN _message_split m ON table_name = 'message' AND row_key = m.message_id
    LEFT JOIN _communicator_split c ON table_name = 'communicator' AND row_key = c.communicator_id
    WHERE coalesce(m.split, c.split) = '{split}'"""


@dataclass(frozen=True)
class FactorTable(ReleasedTable):
    """A table of the corpus in a release.

    `rows` is the SQL of the rows of a split, `scrubbed` the columns with words of communicators, `ids` the columns that
    a release of ids shows (none: it lacks the table), `order` the SQL of what rows are ordered by after the key.
    """

    name: str
    rows: str
    scrubbed: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    order: str = ""

    @property
    def key(self) -> tuple[str, ...]:  # type: ignore[override]
        """Columns that identify a row."""
        return TABLES[self.name].key

    @property
    def columns(self) -> dict[str, str]:  # type: ignore[override]
        """Column -> DuckDB type, from the schema."""
        return {column.name: column.type for column in TABLES[self.name].columns}

    @property
    def fields(self) -> list[Field]:
        """Fields, one per column."""
        return [column_field(column.name, column.type, column.doc) for column in TABLES[self.name].columns]

    def full_sql(self, selection: Selection) -> str:
        """SQL of the rows, with the words of communicators scrubbed."""
        replaced = ", ".join(f"{scrubbed_sql(name, self.columns[name])} AS {name}" for name in self.scrubbed)
        rows = self._ordered(selection)
        return f"SELECT * REPLACE ({replaced}) FROM ({rows})" if replaced else rows

    def ids_sql(self, selection: Selection) -> str | None:
        """SQL of the rows with `ids` alone, each once; None without `ids`."""
        if not self.ids:
            return None
        columns = ", ".join(
            f'"{name}"' if name in self.ids else f'NULL::{type_} AS "{name}"' for name, type_ in self.columns.items()
        )
        return f"SELECT DISTINCT {columns} FROM ({self._ordered(selection)}) ORDER BY ALL"

    def _ordered(self, selection: Selection) -> str:
        keys = ", ".join([*(f't."{name}"' for name in self.key), *([self.order] if self.order else [])])
        columns = ", ".join(f't."{name}"' for name in self.columns)
        return f"{self.rows.format(table=self.name, split=selection.split, columns=columns)} ORDER BY {keys}"


FACTORS: tuple[FactorTable, ...] = (
    FactorTable("communicator", OF_COMMUNICATOR, ids=("communicator_id", "channel")),
    FactorTable("message", OF_MESSAGE, ("title", "body"), ("message_id", "communicator_id", "channel", "kind")),
    FactorTable("scene", OF_MESSAGE, ("speech", "screen_text")),
    FactorTable("effect", OF_MESSAGE),
    FactorTable("provenance", OF_PROVENANCE, ids=("table_name", "row_key", "source", "licence"), order="t.*"),
)
