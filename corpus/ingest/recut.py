"""Choose one cut into scenes for each message whose observations cut it differently.

The newest observation with replay values wins, then the corpus, then the first record. A record that cuts otherwise
loses its scenes and their values, and is named; where a new cut wins, the messages go to the table `cut`.
"""

from __future__ import annotations

import duckdb

from corpus.ingest.merge import CONTRADICTS, count
from corpus.store import Corpus

SLACK_S = 1  # between the ends of two cuts that are the same
CUTS = """
CREATE OR REPLACE TEMP TABLE _cut AS
SELECT message_id, s._record, scenes, end_s, NULL::TIMESTAMP AS since, observed_at, replay IS NOT NULL AS has_replay
FROM (
    SELECT message_id, _record, count(DISTINCT scene) AS scenes, max(end_s) AS end_s FROM scene GROUP BY ALL
) s LEFT JOIN (
    SELECT message_id, _record, max(observed_at) AS observed_at, true AS replay FROM effect
    WHERE scene IS NOT NULL GROUP BY ALL
) e USING (message_id, _record);
"""
HELD = """
INSERT INTO _cut BY NAME
SELECT message_id, -1 AS _record, scenes, end_s, since, greatest(observed_at, since) AS observed_at,
    replay IS NOT NULL AS has_replay
FROM (
    SELECT message_id, count(*) AS scenes, max(end_s) AS end_s, max(cut_at) AS since FROM ({scene})
    SEMI JOIN _cut USING (message_id) GROUP BY message_id
) LEFT JOIN (
    SELECT message_id, max(observed_at) AS observed_at, true AS replay FROM ({effect})
    SEMI JOIN _cut USING (message_id) WHERE scene IS NOT NULL GROUP BY message_id
) USING (message_id);
UPDATE _cut SET has_replay = false WHERE _record >= 0 AND observed_at IS NULL
    AND message_id IN (SELECT message_id FROM _cut WHERE _record < 0);
"""
"""The corpus' own cut is record -1; what has no time cannot be newer than it."""
JUDGED = f"""
CREATE OR REPLACE TEMP TABLE _judged AS
SELECT c.*, h.since AS held_since, w.scenes AS won_scenes, w.end_s AS won_end_s,
    c.scenes = w.scenes AND coalesce(abs(c.end_s - w.end_s) <= {SLACK_S}, true) AS is_same,
    c._record >= 0 AND c.has_replay AND coalesce(c.observed_at < h.since, false) AS is_late
FROM _cut c JOIN (
    FROM _cut QUALIFY row_number() OVER (
        PARTITION BY message_id ORDER BY has_replay DESC, observed_at DESC NULLS LAST, _record) = 1
) w USING (message_id) LEFT JOIN (FROM _cut WHERE _record < 0) h USING (message_id);
CREATE OR REPLACE TEMP TABLE _lost AS
SELECT message_id, _record, scenes, end_s, won_scenes, won_end_s FROM _judged
WHERE _record >= 0 AND (NOT is_same OR is_late);
"""
APPLIED = f"""
INSERT INTO _contradiction
SELECT _record, '{CONTRADICTS}scene', message_id || ': ' || scenes || ' scenes to ' || coalesce(end_s::VARCHAR, '?')
    || ' s against ' || won_scenes || ' to ' || coalesce(won_end_s::VARCHAR, '?') || ' s' FROM _lost;
INSERT INTO _known SELECT _record, 'scene' FROM _lost;
DELETE FROM scene WHERE (message_id, _record) IN (SELECT (message_id, _record) FROM _lost);
DELETE FROM effect WHERE scene IS NOT NULL AND (message_id, _record) IN (SELECT (message_id, _record) FROM _lost);
INSERT INTO cut BY NAME
SELECT message_id, min(observed_at) AS cut_at, min(_record) AS _record FROM _judged
WHERE _record >= 0 AND is_same AND has_replay AND message_id IN (
    SELECT message_id FROM _judged WHERE _record < 0 AND NOT is_same
) GROUP BY message_id;
UPDATE scene SET cut_at = since FROM (
    SELECT message_id, coalesce(cut.cut_at, held_since) AS since
    FROM (SELECT DISTINCT message_id, held_since FROM _judged) LEFT JOIN cut USING (message_id)
) AS newest WHERE scene.message_id = newest.message_id AND since IS NOT NULL;
"""


def choose_cuts(connection: duckdb.DuckDBPyConnection, corpus: Corpus) -> None:
    """Leave only scenes, and values of scenes, of each message's winning cut; fill `cut` where it is a new one."""
    connection.execute(CUTS)
    if not count(connection, "FROM _cut"):
        return
    views = corpus.views()
    connection.execute(HELD.format(scene=views.current("scene"), effect=views.current("effect")))
    connection.execute(JUDGED)
    connection.execute(APPLIED)
