"""Rules that every corpus must meet, one SQL query each, made from the schema and the registry of metrics."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.files.sql import same_key
from corpus.schema import DATA_TABLES, KINDS, MEDIA, METRICS, TABLES

NEEDED = {
    "communicator": ("communicator_id",),
    "message": ("message_id", "kind", "channel"),
    "scene": ("message_id", "scene"),
    "effect": ("message_id", "metric", "value"),
    "comment": ("message_id", "comment_id"),
    "provenance": ("table_name", "row_key", "source"),
    "rejects": ("source", "reason"),
}
"""Columns that are never null."""
AT_LEAST_ZERO = {
    "communicator": ("audience",),
    "message": ("duration_s",),
    "scene": ("scene", "start_s"),
    "effect": ("exposure",),
    "comment": ("likes",),
}
"""Columns whose values are finite and not negative, or null."""


def rules() -> Iterator[tuple[str, str, str]]:
    """Yield every rule: table, name, and SQL of the rows that break it (columns key, value)."""
    for table, columns in NEEDED.items():
        for column in columns:
            yield table, f"{column} is missing", _where(table, f"nullif({column}::VARCHAR, '') IS NULL", "NULL")
    for table, columns in AT_LEAST_ZERO.items():
        for column in columns:
            bad = f"{column} < 0 OR NOT isfinite({column}::DOUBLE)"
            yield table, f"{column} is negative or not finite", _where(table, bad, column)
    for table, schema in TABLES.items():
        if table != "rejects":  # two comments of one file may be rejected for the same reason
            yield table, "more than one row of this key", repeated(table, schema.key)
    yield from _effect_rules()
    yield from _reference_rules()
    yield from _scene_rules()
    media = ", ".join(f"'{medium}'" for medium in MEDIA)
    for table in ("message", "communicator"):
        yield table, "unknown medium", _where(table, f"channel NOT IN ({media})", "channel")
        other = f"NOT starts_with({table}_id, channel || ':')"
        yield table, "id of another medium", _where(table, other, "channel")
    yield from _cell_rules()
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    yield "message", "unknown kind", _where("message", f"kind NOT IN ({kinds})", "kind")


def _cell_rules() -> Iterator[tuple[str, str, str]]:
    """Each cell is filled at most once, and was null in the row that it fills."""
    for table in DATA_TABLES:
        key, values = TABLES[table].key, [name for name in TABLES[table].names if name not in TABLES[table].key]
        cells = f'(FROM "{table} cells")'
        twice = " OR ".join(f'count("{name}") > 1' for name in values)
        key_columns = ", ".join(f'"{name}"' for name in key)
        yield (
            table,
            "a cell is filled twice",
            f"SELECT {_key(key)}, NULL FROM {cells} GROUP BY {key_columns} HAVING {twice}",
        )
        both_set = " OR ".join(f'(t."{name}" IS NOT NULL AND c."{name}" IS NOT NULL)' for name in values)
        rows = f"{cells} AS c JOIN {table} AS t ON {same_key(key, 'c', 't')}"
        yield (
            table,
            "a cell was not empty that is filled",
            f"SELECT {_key(key, 'c.')}, NULL FROM {rows} WHERE {both_set}",
        )


def _effect_rules() -> Iterator[tuple[str, str, str]]:
    """Metrics are in the registry, values in its ranges, and observations after publication."""
    names = ", ".join(f"'{name}'" for name in METRICS)
    yield "effect", "unknown metric", _where("effect", f"metric NOT IN ({names})", "metric")
    for name, metric in METRICS.items():
        high = f" OR value > {metric.high}" if metric.high is not None else ""
        bad = f"metric = '{name}' AND (value < {metric.low}{high} OR NOT isfinite(value))"
        yield "effect", f"{name} is out of range", _where("effect", bad, "value")
    yield (
        "effect",
        "observed before it was published",
        f"SELECT {_key(TABLES['effect'].key, 'e.')}, 'published ' || m.published_at "
        "FROM effect AS e JOIN message AS m USING (message_id) WHERE m.published_at > e.observed_at",
    )


def _reference_rules() -> Iterator[tuple[str, str, str]]:
    """Every referenced id exists, and every message has provenance."""
    for table in ("scene", "effect", "comment"):
        yield table, "no such message", dangling(table, "message_id", "message", TABLES[table].key)
    yield "message", "no such communicator", dangling("message", "communicator_id", "communicator", ("message_id",))
    for target in ("message", "communicator"):
        rows = f"(FROM provenance WHERE table_name = '{target}')"
        yield "provenance", f"no such {target}", dangling(rows, "row_key", target, ("table_name", "row_key", "source"))
    known = "(SELECT row_key FROM provenance WHERE table_name = 'message' AND row_key IS NOT NULL)"
    yield "message", "no provenance", _where("message", f"message_id NOT IN {known}", "NULL")
    yield (
        "effect",
        "no such scene",
        f"SELECT {_key(TABLES['effect'].key, 'e.')}, e.scene::VARCHAR FROM effect AS e "
        "WHERE e.scene IS NOT NULL AND message_id IN (SELECT message_id FROM scene) AND NOT EXISTS "
        "(FROM scene AS s WHERE s.message_id = e.message_id AND s.scene = e.scene)",
    )


def _scene_rules() -> Iterator[tuple[str, str, str]]:
    """Scenes are numbered from 0 without a gap, do not overlap, and do not end before they start."""
    yield "scene", "ends before it starts", _where("scene", "end_s < start_s", "start_s || ' to ' || end_s")
    before = "lag({}) OVER (PARTITION BY message_id, cut_at ORDER BY scene)"
    scenes = f"(SELECT *, {before.format('end_s')} AS ended_s, {before.format('scene')} AS prior FROM scene)"
    key = _key(TABLES["scene"].key)
    yield (
        "scene",
        "starts before the scene before it ends",
        f"SELECT {key}, start_s || ' < ' || ended_s FROM {scenes} WHERE start_s < ended_s - 1e-6",
    )
    gap = "scene <> coalesce(prior + 1, 0) AND scene IS DISTINCT FROM prior AND scene >= 0"
    yield (
        "scene",
        "numbering has a gap",
        f"SELECT {key}, 'after ' || coalesce(prior::VARCHAR, 'none') FROM {scenes} WHERE {gap}",
    )


def _key(columns: tuple[str, ...], alias: str = "") -> str:
    """SQL that names a row by its key: "message_id=a scene=3"."""
    return "concat_ws(' ', " + ", ".join(f"'{c}=' || {alias}\"{c}\"::VARCHAR" for c in columns) + ")"


def _where(table: str, condition: str, value: str) -> str:
    """SQL of the rows of a table that meet a condition."""
    return f"SELECT {_key(TABLES[table].key)}, ({value})::VARCHAR FROM {table} WHERE {condition}"


def dangling(rows: str, column: str, target: str, key: tuple[str, ...] | None = None) -> str:
    """SQL of the rows whose `column` refers to no row of `target`."""
    same_id = f"t.{target}_id = r.{column}"
    return (
        f"SELECT {_key(key or (column,), 'r.')}, r.{column}::VARCHAR FROM {rows} AS r "
        f"WHERE r.{column} IS NOT NULL AND NOT EXISTS (FROM {target} AS t WHERE {same_id})"
    )


def repeated(rows: str, key: tuple[str, ...]) -> str:
    """SQL of the keys that occur more than once."""
    columns = ", ".join(f'"{c}"' for c in key)
    return f"SELECT {_key(key)}, count(*) || ' rows' FROM {rows} GROUP BY {columns} HAVING count(*) > 1"
