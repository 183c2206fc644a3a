"""Read the public Content Behavior Corpus: a parquet row per video, with scenes, replay, counts, metadata and channel.

cbc corpus ingest published train.parquet test.parquet --corpus CORPUS

A marker is a scene (markers come merged). `asr_grouped` and `ocr` hold one inner list per scene; captions, objects and
actions are spread over the scenes if their number is a multiple of the number of scenes. Values that cannot be restored
from the tables stay verbatim in the annotation published@1 (see corpus/published_shape.py): an export equals the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from corpus.errors import first_line
from corpus.files.sql import quote_file
from corpus.ids import from_public_sql
from corpus.published_shape import ANNOTATION, DERIVED_FLAT, FLAT, PUBLISHED, UNPACKED
from corpus.replay_curve import MERGE_SQL
from corpus.sources.base import Received, RowError, Source, Staging, list_files

COUNTS = ("likes", "views", "subscribers", "length")
RULES: tuple[tuple[str, str, str], ...] = (
    ("no video_id", "nullif(trim(message_id), '') IS NULL", "message_id"),
    *((f"{name} is negative or infinite", f"{name} < 0 OR isinf({name})", name) for name in COUNTS),
    (
        "replay_score outside 0 to 1",
        "len(list_filter(markers, lambda m: NOT (m.replay_score >= 0 AND m.replay_score <= 1))) > 0",
        "[m.replay_score for m in markers]",
    ),
    (
        "marker with impossible bounds",
        'len(list_filter(markers, lambda m: m."start" < 0 OR m."end" < m."start" OR NOT isfinite(m."end"))) > 0',
        "markers",
    ),
)
"""Reason for a reject, condition, SQL of the offending value; the first condition that holds counts."""

MESSAGE_ID = f"CASE WHEN trim(video_id) <> '' THEN {from_public_sql('video_id')} ELSE video_id END"
REASON = " ".join(f"WHEN {condition} THEN '{reason}'" for reason, condition, _ in RULES)
VALUE = " ".join(f"WHEN '{reason}' THEN ({broken})::VARCHAR" for reason, _, broken in RULES)
JUDGED_SQL = f"""
CREATE TEMP TABLE published_judged AS
SELECT * EXCLUDE (broken), coalesce(broken, CASE WHEN row_number() OVER (
    PARTITION BY message_id, broken IS NULL ORDER BY _record) > 1 THEN 'video_id repeated' END) AS reason
FROM (SELECT *, coalesce(wrong_type, CASE {REASON} END) AS broken FROM published_flat);
DROP TABLE published_flat;
INSERT INTO rejects BY NAME
SELECT source, file, line, reason, substring(CASE reason {VALUE} ELSE message_id END, 1, 200) AS value, _record
FROM published_judged WHERE reason IS NOT NULL ORDER BY _record
"""

PUBLISHED_AT = """CASE
    WHEN regexp_matches(date, '^\\d{4}-\\d{1,2}-\\d{1,2}') THEN TRY_CAST(date AS TIMESTAMPTZ) AT TIME ZONE 'UTC'
    WHEN regexp_matches(date, '\\d')
    THEN try_strptime(date, ['%Y%m%d', '%Y/%m/%d', '%b %d, %Y', '%B %d, %Y', '%d %b %Y']) END"""

TABLES_SQL = f"""
CREATE TEMP TABLE published_row AS
SELECT *, CASE WHEN len(markers) > 0 THEN len(markers) ELSE greatest(len(asr_grouped), len(ocr)) END AS scenes,
    CASE WHEN channel_id <> '' THEN {from_public_sql("channel_id")} END AS speaker_id
FROM published_judged WHERE reason IS NULL;

INSERT INTO message BY NAME
SELECT message_id, speaker_id AS communicator_id, split_part(message_id, ':', 1) AS channel, 'video' AS kind, title,
    description AS body, {PUBLISHED_AT} AS published_at,
    CASE WHEN isfinite(length) THEN length END AS duration_s, _record
FROM published_row ORDER BY _record;

INSERT INTO communicator BY NAME
SELECT speaker_id AS communicator_id, split_part(speaker_id, ':', 1) AS channel, min(company_name) AS company,
    max(TRY_CAST(round(subscribers) AS BIGINT)) AS audience, min(_record) AS _record
FROM published_row WHERE speaker_id IS NOT NULL GROUP BY speaker_id ORDER BY min(_record);

CREATE MACRO shared(items, scenes) AS CASE WHEN len(items) > 0 AND len(items) % scenes = 0 THEN list_transform(
    range(scenes), lambda i: items[i * (len(items) // scenes) + 1 : (i + 1) * (len(items) // scenes)]) END;
INSERT INTO scene BY NAME
SELECT * EXCLUDE (marker), marker."start" AS start_s, marker."end" AS end_s FROM (
    SELECT message_id, _record, unnest(range(scenes)) AS scene, unnest(markers) AS marker,
        unnest(asr_grouped[:scenes]) AS speech, unnest(ocr[:scenes]) AS screen_text,
        unnest(shared(captions, scenes)) AS captions, unnest(shared(objects, scenes)) AS objects,
        unnest(shared(actions, scenes)) AS actions
    FROM published_row WHERE scenes > 0
) ORDER BY _record, scene;

INSERT INTO effect BY NAME
SELECT message_id, metric, value, _record FROM (
    SELECT message_id, _record, unnest(['views', 'likes', 'audience']) AS metric,
        unnest([views, likes, subscribers]) AS value FROM published_row
) WHERE isfinite(value) ORDER BY _record, metric;
INSERT INTO effect BY NAME
SELECT message_id, 'replay' AS metric, marker.replay_score AS value, scene, _record FROM (
    SELECT message_id, _record, unnest(markers) AS marker, unnest(range(len(markers))) AS scene FROM published_row
) WHERE marker.replay_score IS NOT NULL ORDER BY _record, scene;

INSERT INTO provenance BY NAME
SELECT 'message' AS table_name, message_id AS row_key, source, raw_sha256, line AS raw_line, fetched_at, _record
FROM published_row ORDER BY _record;
INSERT INTO provenance BY NAME
SELECT 'communicator' AS table_name, speaker_id AS row_key, source, raw_sha256, line AS raw_line, fetched_at, _record
FROM published_row WHERE speaker_id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY speaker_id ORDER BY _record) = 1 ORDER BY _record
"""

KEPT = ", ".join(f'CASE WHEN list_contains(verbatim, \'{name}\') THEN row."{name}" END AS "{name}"' for name in FLAT)
DIFFERS = ", ".join(
    # the tables hold one company and audience per channel, so each video keeps its own
    f"CASE WHEN row.\"{name}\" IS DISTINCT FROM derived.\"{name}\" OR '{name}' IN ('company_name', 'subscribers') "
    f"THEN '{name}' END"
    for name in FLAT
)
VERBATIM_SQL = f"""
CREATE TABLE published_verbatim AS
SELECT row.message_id, verbatim, {KEPT}, row._record FROM (
    SELECT row, list_filter([{DIFFERS}], lambda name: name IS NOT NULL) AS verbatim
    FROM published_row AS row JOIN ({DERIVED_FLAT}) AS derived USING (message_id)
) ORDER BY row._record
"""


CELLS = {
    "message.message_id": "video_id",
    "message.communicator_id": "channel_data.channel_id",
    "message.title": "metadata.title",
    "message.body": "metadata.description",
    "message.published_at": "metadata.date",
    "message.duration_s": "metadata.length",
    "scene": "bounds: replay_graphs.markers; speech: asr_grouped; screen_text: ocr; the rest: blip2_annotations",
    "effect.replay": "replay_graphs.markers[].replay_score",
    "effect.views": "views",
    "effect.likes": "likes",
    "effect.audience": "channel_data.subscribers",
    "communicator.communicator_id": "channel_data.channel_id",
    "communicator.company": "channel_data.company_name",
    "communicator.audience": "channel_data.subscribers, the highest of its videos",
}
"""Where each cell comes from (corpus/sources/base.py)."""


class Published(Source):
    """Parquet files with the columns of the public release; missing columns are null."""

    name = "published"
    version = 1
    cells = CELLS

    def files(self, paths: Sequence[Path]) -> list[Path]:
        """List the files, and the parquet files in the folders. Raises NoSuchPath."""
        mend = "give a file or folder of the published corpus"
        return list_files(paths, lambda folder: folder.rglob("*.parquet"), "parquet file", mend)

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Read every file into a flat table, reject rows that break a rule, and convert the others."""
        connection = staging.connection
        flat = ", ".join(f'"{name}" {type_}' for name, type_ in FLAT.items())
        connection.execute(
            "CREATE TEMP TABLE published_flat (_record BIGINT, file VARCHAR, line BIGINT, source VARCHAR, "
            f"raw_sha256 VARCHAR, fetched_at TIMESTAMP, wrong_type VARCHAR, message_id VARCHAR, {flat})"
        )
        for received in files:
            staging.begin(received)
            _read_file(received, staging)
        connection.execute(JUDGED_SQL)
        connection.execute(MERGE_SQL)
        connection.execute(TABLES_SQL)
        connection.execute(VERBATIM_SQL)
        staging.annotate(ANNOTATION, "published_verbatim")


def _read_file(received: Received, staging: Staging) -> None:
    """Append a file to published_flat; a file that cannot be read is a single reject."""
    connection = staging.connection
    rows = f"read_parquet({quote_file(received.raw)}, file_row_number=true)"
    try:
        columns, wrong = _cast_columns(connection, rows)
        connection.execute(
            f"""INSERT INTO published_flat BY NAME
            SELECT ? + line AS _record, ? AS file, line, ? AS source, ? AS raw_sha256, ? AS fetched_at, wrong_type,
                {MESSAGE_ID} AS message_id, {UNPACKED}
            FROM (SELECT file_row_number + 1 AS line, {columns}, {wrong} AS wrong_type FROM {rows})""",
            [staging.rows_read, received.name, staging.source, received.sha256, received.modified_at],
        )
        counted = connection.execute(f"SELECT count(*) FROM {rows}").fetchone()
        staging.rows_read += counted[0] if counted else 0
    except (duckdb.Error, RowError) as error:
        staging.rows_read += 1
        fault = error if isinstance(error, RowError) else RowError("no readable parquet", first_line(error))
        staging.reject(received.name, None, fault)


def _cast_columns(connection: duckdb.DuckDBPyConnection, rows: str) -> tuple[str, str]:
    """SQL that casts a file's columns to the published types, and SQL that names a column whose value does not fit.

    Raises RowError where a column cannot be cast at all.
    """
    types = {name: type_ for name, type_, *_ in connection.execute(f"DESCRIBE FROM {rows}").fetchall()}
    if "video_id" not in types:
        raise RowError("no column video_id", ", ".join(types))
    select, misfits = [], []
    for name, type_ in PUBLISHED.items():
        if name not in types:
            select.append(f"NULL::{type_} AS {name}")
            continue
        try:
            connection.execute(f"SELECT TRY_CAST({name} AS {type_}) FROM {rows} LIMIT 0")
        except duckdb.BinderException:
            raise RowError(f"column {name} of another type", types[name]) from None
        select.append(f"TRY_CAST({name} AS {type_}) AS {name}")
        # a cast makes values null that do not fit, also nested ones: cast back and compare to find them
        back = f"TRY_CAST(TRY_CAST({name} AS {type_}) AS {types[name]})"
        misfits.append(f"WHEN {back} IS DISTINCT FROM {name} THEN 'column {name} of another type'")
    return ", ".join(select), f"CASE {' '.join(misfits)} END"
