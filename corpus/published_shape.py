"""Out of the tables: the corpus' videos in the columns of the public Content Behavior Corpus.

cbc corpus export --format published --corpus CORPUS --out FILE.parquet

Both ways go through a flat form, one column a field of the release. `DERIVED` makes it from the tables of any corpus.
What the tables cannot give back (words with times, marker settings, lists that fit no scene) the `published` source
keeps in the annotation published@1: the flat columns again, and in `verbatim` the names of those taken from there.
"""

from __future__ import annotations

from corpus.ids import public_id_sql

ANNOTATION = "published@1"
WORD = 'STRUCT(confidence DOUBLE, "start" DOUBLE, "end" DOUBLE, "text" VARCHAR)'
SPEECH = f'STRUCT("start" DOUBLE, "end" DOUBLE, "text" VARCHAR, words {WORD}[])[]'
MARKERS = 'STRUCT("start" DOUBLE, "end" DOUBLE, replay_score DOUBLE)[]'

STRUCTS: dict[str, dict[str, str]] = {
    "blip2_annotations": {"actions": "VARCHAR[]", "captions": "VARCHAR[]", "objects": "VARCHAR[]"},
    "replay_graphs": {
        "original_marker_duration": "DOUBLE",
        "processed_marker_duration": "DOUBLE",
        "multiplier": "DOUBLE",
        "markers": MARKERS,
    },
    "metadata": {"title": "VARCHAR", "description": "VARCHAR", "length": "DOUBLE", "date": "VARCHAR"},
    "channel_data": {"channel_id": "VARCHAR", "company_name": "VARCHAR", "subscribers": "DOUBLE"},
}
"""The columns of the public release that are structs, field by field."""


def struct_type(fields: dict[str, str]) -> str:
    """A struct's DuckDB type."""
    return "STRUCT(" + ", ".join(f"{name} {type_}" for name, type_ in fields.items()) + ")"


PUBLISHED: dict[str, str] = {
    "video_id": "VARCHAR",
    "asr_raw": SPEECH,
    "asr_grouped": "VARCHAR[][]",
    "ocr": "VARCHAR[][]",
    "blip2_annotations": struct_type(STRUCTS["blip2_annotations"]),
    "replay_graphs": struct_type(STRUCTS["replay_graphs"]),
    "likes": "DOUBLE",
    "views": "DOUBLE",
    "metadata": struct_type(STRUCTS["metadata"]),
    "channel_data": struct_type(STRUCTS["channel_data"]),
}
"""The columns of the public release, in its order, and their types."""

FLAT: dict[str, str] = {
    **{name: type_ for name, type_ in PUBLISHED.items() if name not in ("video_id", *STRUCTS)},
    **{field: type_ for fields in STRUCTS.values() for field, type_ in fields.items()},
    **{f"has_{struct}": "BOOLEAN" for struct in STRUCTS},
}
"""The flat form: every field a column, and whether each struct is there at all."""

UNPACKED = ", ".join(
    ["asr_raw", "asr_grouped", "ocr", "likes", "views"]
    + [f'{struct}."{field}" AS "{field}"' for struct, fields in STRUCTS.items() for field in fields]
    + [f"{struct} IS NOT NULL AS has_{struct}" for struct in STRUCTS]
)
"""Select list from published columns to flat ones."""


def packed(name: str) -> str:
    """A published column out of the flat ones."""
    if name not in STRUCTS:
        return name if name != "video_id" else f"{public_id_sql('message_id')} AS video_id"
    pairs = ", ".join(f"'{field}': \"{field}\"" for field in STRUCTS[name])
    return f"CASE WHEN has_{name} THEN {{{pairs}}} END::{PUBLISHED[name]} AS {name}"


CHANNEL_ID = public_id_sql("communicator_id")
DERIVED = f"""
WITH video AS (FROM message WHERE kind = 'video'),
measured AS (
    SELECT message_id,
        arg_max(value, coalesce(observed_at, TIMESTAMP '0001-01-01')) FILTER (metric = 'likes') AS likes,
        arg_max(value, coalesce(observed_at, TIMESTAMP '0001-01-01')) FILTER (metric = 'views') AS views,
        arg_max(value, coalesce(observed_at, TIMESTAMP '0001-01-01')) FILTER (metric = 'audience') AS audience
    FROM effect WHERE scene IS NULL AND receiver IS NULL GROUP BY message_id
),
replayed AS (
    SELECT message_id, scene, value FROM effect
    WHERE metric = 'replay' AND scene IS NOT NULL AND receiver IS NULL
    QUALIFY rank() OVER (PARTITION BY message_id ORDER BY observed_at DESC NULLS LAST) = 1
),
seen AS (
    SELECT message_id,
        CASE WHEN count(speech) > 0 THEN list(speech ORDER BY scene) END AS asr_grouped,
        CASE WHEN count(screen_text) > 0 THEN list(screen_text ORDER BY scene) END AS ocr,
        flatten(list(actions ORDER BY scene) FILTER (actions IS NOT NULL)) AS actions,
        flatten(list(captions ORDER BY scene) FILTER (captions IS NOT NULL)) AS captions,
        flatten(list(objects ORDER BY scene) FILTER (objects IS NOT NULL)) AS objects,
        CASE WHEN count(value) > 0 THEN
            list({{'start': start_s, 'end': end_s, 'replay_score': value}} ORDER BY scene) END AS markers
    FROM scene LEFT JOIN replayed USING (message_id, scene) GROUP BY message_id
)
SELECT message_id, NULL AS asr_raw, asr_grouped, ocr, likes, views, actions, captions, objects,
    CASE WHEN markers IS NOT NULL AND duration_s >= 0.001 THEN duration_s / 100 END AS original_marker_duration,
    CASE WHEN markers IS NOT NULL AND duration_s >= 0.001 THEN duration_s / 100 * merge_multiplier(100, duration_s) END
        AS processed_marker_duration,
    CASE WHEN markers IS NOT NULL AND duration_s >= 0.001 THEN merge_multiplier(100, duration_s) END AS multiplier,
    markers, title, body AS description, duration_s AS length,
    CASE WHEN published_at::TIME = TIME '00:00:00' THEN strftime(published_at, '%Y-%m-%d')
        ELSE strftime(published_at, '%Y-%m-%dT%H:%M:%SZ') END AS date,
    {CHANNEL_ID} AS channel_id, company AS company_name,
    coalesce(measured.audience, speaker.audience) AS subscribers,
    coalesce(actions, captions, objects) IS NOT NULL AS has_blip2_annotations,
    markers IS NOT NULL AS has_replay_graphs,
    true AS has_metadata,
    communicator_id IS NOT NULL AS has_channel_data
FROM video LEFT JOIN measured USING (message_id) LEFT JOIN seen USING (message_id)
    LEFT JOIN communicator AS speaker USING (communicator_id)
"""
"""The flat form of every video, from the tables alone (newest observation of each effect)."""

CAST = ", ".join(f'"{name}"::{type_} AS "{name}"' for name, type_ in FLAT.items())
DERIVED_FLAT = f"SELECT message_id, {CAST} FROM ({DERIVED})"


def published_sql(verbatim: bool) -> str:
    """SQL of the published rows, derived from the tables; with `verbatim`, the annotation's fields go before."""
    flat = DERIVED_FLAT
    if verbatim:
        columns = ", ".join(
            f"CASE WHEN list_contains(kept.verbatim, '{name}') THEN kept.\"{name}\" "
            f'ELSE derived."{name}" END AS "{name}"'
            for name in FLAT
        )
        flat = (
            f"SELECT derived.message_id, {columns} FROM ({DERIVED_FLAT}) AS derived "
            f'LEFT JOIN "{ANNOTATION}" AS kept USING (message_id)'
        )
    return f"SELECT {', '.join(packed(name) for name in PUBLISHED)} FROM ({flat}) ORDER BY message_id"
