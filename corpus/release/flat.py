"""The table `flat`: a row per message, its content beside its behavior, as `datasets.load_dataset(REL, "flat")` reads.

It is made from the other tables of the release, so it is filtered and scrubbed as they are. Behavior is that of the
newest observation: of all receivers, else over the segments of receivers (counts are summed, fractions weighted by
exposure). The tables `effect` and `scene` hold every observation, segment and scene.
"""

from __future__ import annotations

from corpus.files.sql import quote_file
from corpus.release.table import Field, ReleasedTable, Selection, column_field
from corpus.schema import METRICS, TABLES

CONTENT: dict[str, tuple[str, str, str]] = {
    "message_id": ("VARCHAR", "m.message_id", "the message"),
    "medium": ("VARCHAR", "m.channel", "the medium: youtube, twitter, email, web, ..."),
    "kind": ("VARCHAR", "m.kind", "video, post, email, headline, image, sound"),
    "communicator_id": ("VARCHAR", "m.communicator_id", "who said it"),
    "communicator": ("VARCHAR", "c.name", "their name, as shown to receivers"),
    "company": ("VARCHAR", "c.company", "company or brand behind them"),
    "title": ("VARCHAR", "m.title", "title or subject"),
    "body": ("VARCHAR", "m.body", "description or text"),
    "speech": ("VARCHAR", "s.speech", "what is heard, a line an utterance"),
    "screen_text": ("VARCHAR", "s.screen_text", "what is read on screen, a line a text"),
}
"""Column -> type, SQL, meaning; the other columns of the message follow."""
REST = {
    column.name: (column.type, f'm."{column.name}"', column.doc)
    for column in TABLES["message"].columns
    if column.name not in CONTENT and column.name != "channel"
}
SCENE_METRIC = "replay"
COUNTS = {
    name: ("DOUBLE", f'b."{name}"', f"{metric.doc} ({metric.unit})")
    for name, metric in METRICS.items()
    if name not in (SCENE_METRIC, "click_through_rate")
}
BEHAVIOR: dict[str, tuple[str, str, str]] = {
    "observed_at": ("TIMESTAMP", "b.observed_at", "when the newest of the following was observed, UTC"),
    **COUNTS,
    "like_per_view": ("DOUBLE", "b.like_per_view", "likes by views of one observation (fraction)"),
    "click_through_rate": (
        "DOUBLE",
        "coalesce(b.click_through_rate, b.clicks / nullif(coalesce(b.sends, b.impressions), 0))",
        "as stated, else clicks by emails delivered or by times shown (fraction)",
    ),
    "replay": ("DOUBLE[]", "r.replay", "each scene's share of the most replayed one, in order (fraction)"),
}
COLUMNS = {**CONTENT, **REST, **BEHAVIOR}
FRACTIONS = ", ".join(f"'{name}'" for name, metric in METRICS.items() if metric.unit == "fraction")
PIVOTED = ",\n        ".join(
    f"any_value(value) FILTER (metric = '{name}') AS \"{name}\"" for name in METRICS if name != SCENE_METRIC
)
LINES = "nullif(string_agg(nullif(array_to_string({0}, chr(10)), ''), chr(10) ORDER BY scene), '') AS {0}"

SQL = f"""
WITH message AS (FROM {{message}}), effect AS (FROM {{effect}}),
spoken AS (
    SELECT message_id, {LINES.format("speech")}, {LINES.format("screen_text")} FROM {{scene}} GROUP BY message_id
),
newest AS (
    SELECT * FROM effect WHERE scene IS NULL QUALIFY
        row_number() OVER (PARTITION BY message_id, metric, receiver ORDER BY observed_at DESC NULLS LAST) = 1
),
measured AS (
    SELECT message_id, metric, max(observed_at) AS observed_at, coalesce(
        any_value(value) FILTER (receiver IS NULL),
        CASE WHEN metric NOT IN ({FRACTIONS}) THEN sum(value)
            WHEN count(*) = 1 THEN any_value(value)
            WHEN count(exposure) = count(*) THEN sum(value * exposure) / nullif(sum(exposure), 0) END) AS value
    FROM newest GROUP BY message_id, metric
),
ratio AS (
    SELECT likes.message_id, arg_max(likes.value / views.value, coalesce(likes.observed_at, '-infinity'::TIMESTAMP))
        AS like_per_view
    FROM effect AS likes JOIN effect AS views ON likes.message_id = views.message_id
        AND likes.observed_at IS NOT DISTINCT FROM views.observed_at
    WHERE likes.metric = 'likes' AND views.metric = 'views' AND views.value > 0
        AND coalesce(likes.receiver, views.receiver) IS NULL AND coalesce(likes.scene, views.scene) IS NULL
    GROUP BY likes.message_id
),
behavior AS (
    SELECT message_id, max(observed_at) AS observed_at, any_value(like_per_view) AS like_per_view,
        {PIVOTED}
    FROM measured LEFT JOIN ratio USING (message_id) GROUP BY message_id
),
replayed AS (
    SELECT message_id, scene, max(value) AS value FROM (
        SELECT * FROM effect WHERE metric = '{SCENE_METRIC}' AND scene IS NOT NULL AND receiver IS NULL
        QUALIFY rank() OVER (PARTITION BY message_id ORDER BY observed_at DESC NULLS LAST) = 1)
    GROUP BY message_id, scene
),
replays AS (
    SELECT message_id, list_transform(range(last + 1), lambda n: by_scene[n::INTEGER]) AS replay FROM (
        SELECT message_id, max(scene) AS last, map_from_entries(list({{{{'k': scene, 'v': value}}}})) AS by_scene
        FROM replayed GROUP BY message_id)
)
SELECT {", ".join(f'({sql})::{type_} AS "{name}"' for name, (type_, sql, _) in COLUMNS.items())}
FROM message AS m LEFT JOIN spoken AS s USING (message_id) LEFT JOIN behavior AS b USING (message_id)
    LEFT JOIN replays AS r USING (message_id) LEFT JOIN communicator AS c ON c.communicator_id = m.communicator_id
ORDER BY message_id
"""


class FlatTable(ReleasedTable):
    """A row per message, with its text and its behavior."""

    name = "flat"
    key = ("message_id",)
    columns = {name: type_ for name, (type_, _, _) in COLUMNS.items()}

    @property
    def fields(self) -> list[Field]:
        """Fields, one per column."""
        return [column_field(name, type_, doc) for name, (type_, _, doc) in COLUMNS.items()]

    def full_sql(self, selection: Selection) -> str:
        """SQL of the rows, from the files of the release."""
        files = {
            name: f"read_parquet({quote_file(selection.folder / name / f'{selection.split}.parquet')})"
            for name in ("message", "effect", "scene")
        }
        return SQL.format(**files)


FLAT = FlatTable()
