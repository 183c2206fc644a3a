"""The tables of a release by name, in the order in which they are written."""

from __future__ import annotations

from corpus.release.factors import FACTORS
from corpus.release.flat import FLAT
from corpus.release.published import PublishedTable
from corpus.release.table import ReleasedTable

RELEASED: dict[str, ReleasedTable] = {
    table.name: table
    for table in (PublishedTable(), *FACTORS, FLAT)  # flat comes last: it reads the files of the others
}
