"""Reject withdrawn messages that new files bring again (reason "withdrawn"), and find their records to blank."""

from __future__ import annotations

import duckdb

from corpus.schema import DATA_TABLES
from corpus.sources.base import Staging
from corpus.sources.registry import paged_sources
from corpus.withdrawn.search_terms import SearchTerms
from corpus.withdrawn.tombstones import Ids, list_withdrawn

REASON = "withdrawn"
RECORDS = """SELECT DISTINCT _record, id FROM (
    SELECT _record, message_id AS id FROM message
        WHERE message_id IN (SELECT id FROM _withdrawn_ids WHERE kind = 'message')
        OR communicator_id IN (SELECT id FROM _withdrawn_ids WHERE kind = 'communicator')
    UNION ALL SELECT _record, message_id FROM scene SEMI JOIN _message USING (message_id)
    UNION ALL SELECT _record, message_id FROM effect SEMI JOIN _message USING (message_id)
    UNION ALL SELECT _record, message_id FROM comment SEMI JOIN _message USING (message_id)
    UNION ALL SELECT _record, communicator_id FROM communicator
        WHERE communicator_id IN (SELECT id FROM _withdrawn_ids WHERE kind = 'communicator'))"""


def reject_withdrawn(connection: duckdb.DuckDBPyConnection, gone: Ids, staging: Staging) -> SearchTerms | None:
    """Turn staged records of withdrawn ids into rejects; returns search terms for raw files, None if there are none.

    A withdrawn comment becomes a record of its own, since its video is kept.
    """
    list_withdrawn(connection, gone)
    messages = "SELECT id AS message_id FROM _withdrawn_ids WHERE kind = 'message'"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _message AS {messages}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _withdrawn AS {RECORDS}")
    ids = {row[0] for row in connection.execute("SELECT id FROM _withdrawn").fetchall()}
    lines = connection.execute(
        """SELECT substring(raw_sha256, 1, 16), list(DISTINCT coalesce(raw_line, 0))
        FROM provenance SEMI JOIN _withdrawn USING (_record)
        WHERE raw_sha256 IS NOT NULL AND NOT list_contains(?, split_part(source, '@', 1)) GROUP BY 1""",
        [paged_sources()],
    ).fetchall()
    connection.execute(
        f"""INSERT INTO rejects BY NAME SELECT ? AS source, any_value(p.raw_line) AS record, '{REASON}' AS reason,
            min(w.id) AS value, _record
        FROM _withdrawn w LEFT JOIN provenance p USING (_record) GROUP BY _record""",
        [staging.source],
    )
    for table in (*DATA_TABLES, "provenance", *staging.annotations.values()):
        connection.execute(f'DELETE FROM "{table}" WHERE _record IN (SELECT _record FROM _withdrawn)')
    comments = _reject_comments(connection, staging)
    if not ids and not comments:
        return None
    numbers = {digits: frozenset(records) for digits, records in lines}
    return SearchTerms(frozenset(ids | comments), frozenset(), numbers, frozenset(numbers))


def _reject_comments(connection: duckdb.DuckDBPyConnection, staging: Staging) -> set[str]:
    """Reject withdrawn comments; returns their ids."""
    condition = "comment_id IN (SELECT id FROM _withdrawn_ids WHERE kind = 'comment')"
    rows = connection.execute(
        f"SELECT comment_id FROM comment WHERE {condition} ORDER BY _record, comment_id"
    ).fetchall()
    connection.execute(f"DELETE FROM comment WHERE {condition}")
    for (name,) in rows:
        staging.rows_read += 1
        staging.add("rejects", [{"source": staging.source, "reason": REASON, "value": name}])
    staging.flush()
    return {name for (name,) in rows}
