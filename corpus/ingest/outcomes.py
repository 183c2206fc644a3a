"""Count what became of each record read: kept, repeated, enriched, contradicting or rejected, exactly one of them.

kept           it brought a message, or without one a comment or a communicator, that was not there
repeated       all it says is there already
enriched       what it names is there; it fills empty cells or adds an observation
contradicting  the same, and a value of its differs from the one that is there, which stays; named among the rejects
rejected       nothing of it can be kept; the reason is among the rejects
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from corpus.errors import CbcError
from corpus.files.sql import quote, quote_file
from corpus.ingest.merge import CONTRADICTS, count
from corpus.schema import DATA_TABLES
from corpus.store import Corpus

OUTCOMES = ("rejected", "kept", "contradicting", "enriched", "repeated")
"""The first that holds counts."""
CONTRADICTION = f"starts_with(reason, {quote(CONTRADICTS)})"


class BrokenSource(CbcError):
    """A source staged what it should have rejected, or nothing for a record."""


def name_contradictions(connection: duckdb.DuckDBPyConnection, corpus: Corpus, names: Mapping[str, str]) -> None:
    """Put contradictions among the rejects, each once for the corpus; `names` are those of files by their digest."""
    connection.execute("CREATE TEMP TABLE _file_name (raw_sha256 VARCHAR, file VARCHAR)")
    if names:
        connection.executemany("INSERT INTO _file_name VALUES (?, ?)", list(names.items()))
    held = ", ".join(map(quote_file, sorted(corpus.root.glob("tables/*/rejects.parquet"))))
    known = f"ANTI JOIN read_parquet([{held}], union_by_name = true) USING (reason, value)" if held else ""
    connection.execute(
        f"""INSERT INTO rejects BY NAME
        SELECT any_value(p.source) AS source, any_value(file) AS file, any_value(p.raw_line) AS record, reason,
            value, c._record
        FROM (SELECT reason, value, min(_record) AS _record FROM _contradiction {known} GROUP BY ALL) c
            LEFT JOIN provenance p USING (_record) LEFT JOIN _file_name USING (raw_sha256)
        GROUP BY ALL ORDER BY c._record, reason, value"""
    )


def count_outcomes(
    connection: duckdb.DuckDBPyConnection, corpus: Corpus, annotations: Sequence[str], rows_read: int
) -> dict[str, int]:
    """Make `_outcome` (_record, outcome) and count each; every record read has exactly one. Raises BrokenSource."""
    connection.execute(
        f"""CREATE TEMP VIEW _of_message AS
        SELECT _record FROM message UNION ALL SELECT _record FROM _known WHERE place = 'message';
        CREATE TEMP TABLE _outcome AS SELECT _record, min(rank) AS rank FROM (
            SELECT _record, 0 AS rank FROM rejects WHERE NOT {CONTRADICTION}
            UNION ALL SELECT _record, 1 FROM message
            UNION ALL SELECT _record, 1 FROM comment ANTI JOIN _of_message USING (_record)
            UNION ALL SELECT _record, 1 FROM ({_new_communicators(corpus)}) ANTI JOIN _of_message USING (_record)
        ) GROUP BY _record"""
    )
    if count(connection, "FROM _outcome") < rows_read:
        brought = " ".join(f'UNION ALL SELECT _record, 3 FROM "{table}"' for table in (*DATA_TABLES, *annotations))
        connection.execute(
            f"""INSERT INTO _outcome SELECT _record, min(rank) FROM (
                SELECT _record, 2 AS rank FROM rejects WHERE {CONTRADICTION}
                UNION ALL SELECT _record, 3 FROM _filled {brought}
                UNION ALL SELECT _record, 4 FROM _known
            ) ANTI JOIN _outcome USING (_record) GROUP BY _record"""
        )
    rows_by_rank = dict(connection.execute("SELECT rank, count(*) FROM _outcome GROUP BY rank").fetchall())
    counts = {name: int(rows_by_rank.get(rank, 0)) for rank, name in enumerate(OUTCOMES)}
    if sum(counts.values()) != rows_read:
        raise BrokenSource(
            f"{rows_read:,} records were read, and something became of {sum(counts.values()):,}",
            "mend the source: each record has rows or a reject",
        )
    return counts


def _new_communicators(corpus: Corpus) -> str:
    """SQL of the records that first name a communicator."""
    held = ", ".join(map(quote_file, sorted(corpus.root.glob("tables/*/communicator.parquet"))))
    known = f"ANTI JOIN read_parquet([{held}]) USING (communicator_id)" if held else ""
    return f"SELECT min(_record) AS _record FROM communicator {known} GROUP BY communicator_id"


def rejected_by_reason(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Records rejected, by the reason of each."""
    each = f"SELECT _record, min(reason) AS reason FROM rejects WHERE NOT {CONTRADICTION} GROUP BY _record"
    return dict(connection.execute(f"SELECT reason, count(*) FROM ({each}) GROUP BY reason ORDER BY reason").fetchall())


def contradicted(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Contradictions by what was contradicted."""
    column = f"substring(reason, {len(CONTRADICTS) + 1})"
    counts_sql = f"SELECT {column}, count(*) FROM rejects WHERE {CONTRADICTION} GROUP BY 1 ORDER BY 1"
    return dict(connection.execute(counts_sql).fetchall())
