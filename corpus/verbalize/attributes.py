"""What sources tell of a message beside its text: the number of its tags, and which flags are set.

They stand in the sources' annotations, each with the columns that it has.
"""

from __future__ import annotations

import duckdb

FLAGS = {
    "is_live": "live",
    "caption_available": "captions",
    "licensed_content": "licensed",
    "made_for_kids": "for kids",
}
"""Columns of annotations that are true or false -> what a text calls them."""
COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE contains(table_name, '@') AND column_name IN ({names}) ORDER BY ALL
"""


def list_attributes(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the view _attributes: message_id, tag_count, flags (their names with commas between; null: none is set)."""
    names = ", ".join(f"'{name}'" for name in ("tags", *FLAGS))
    columns: dict[str, dict[str, str]] = {}
    for table, column, dtype in connection.sql(COLUMNS.format(names=names)).fetchall():
        columns.setdefault(table, {})[column] = dtype
    parts = [select_of(table, types) for table, types in columns.items()]
    rows = " UNION ALL ".join(parts) or "SELECT NULL::VARCHAR, NULL::BIGINT, NULL::VARCHAR WHERE false"
    merged = "SELECT message_id, max(tag_count) AS tag_count, max(flags) AS flags"
    source = f"FROM ({rows}) _(message_id, tag_count, flags) GROUP BY message_id"
    connection.execute(f"CREATE OR REPLACE VIEW _attributes AS {merged} {source}")


def select_of(table: str, types: dict[str, str]) -> str:
    """The attributes in one annotation."""
    tags = "NULL::BIGINT"
    if "tags" in types:
        listed = "tags" if types["tags"].endswith("[]") else "string_split(nullif(trim(tags), ''), ',')"
        tags = f"len({listed})"
    set_flags = [f"CASE WHEN {name} THEN '{word}' END" for name, word in FLAGS.items() if name in types]
    flags = f"nullif(concat_ws(', ', {', '.join(set_flags)}), '')" if set_flags else "NULL::VARCHAR"
    return f'SELECT message_id, {tags}, {flags} FROM "{table}"'
