"""Find the messages of a release that `cbc corpus rehydrate` can fetch again by id, and why others cannot be.

The *target* of a message is what the crawler fetches: a video's id on YouTube (ids.txt), or the URL of a video's page
on another site, which follows from its id there (pages.txt). Other messages have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from corpus.files.atomic import write_text
from corpus.simulate.world import SimulatedWorld

IDS, PAGES = "ids.txt", "pages.txt"


@dataclass(frozen=True)
class Site:
    """Rule for the videos of a medium: a pattern of their ids, and the target as its replacement."""

    id_form: str
    target: str
    list_file: str = PAGES


SITES: dict[str, Site] = {
    "youtube": Site(r"[\w-]{11}", r"\0", IDS),
    "vimeo": Site(r"\d+", r"https://vimeo.com/\0"),
    "dailymotion": Site(r"[0-9a-zA-Z]{4,}", r"https://www.dailymotion.com/video/\0"),
    "tiktok": Site(r"\d+", r"https://www.tiktok.com/@_/video/\0"),
    "twitch": Site(r"v?(\d+)", r"https://www.twitch.tv/videos/\1"),
    "facebook": Site(r"\d+", r"https://www.facebook.com/watch/?v=\0"),
}
"""Medium -> rule for its videos. Tables hold ids bare or as MEDIUM:ID."""
OWN_ID = "regexp_replace(message_id, '^' || channel || ':', '')"
TARGET = (
    "CASE "
    + " ".join(
        f"WHEN kind = 'video' AND channel = '{medium}' AND regexp_full_match({OWN_ID}, '{site.id_form}') "
        f"THEN regexp_replace({OWN_ID}, '^{site.id_form}$', '{site.target}')"
        for medium, site in SITES.items()
    )
    + " END"
)
"""SQL of the target of a row of `message`; null if it has none."""
WHY_NOT = f"""CASE
    WHEN simulated THEN 'made by `cbc corpus {SimulatedWorld.name}`, which makes it again from its seed'
    WHEN kind = 'email' THEN 'an email went to its receivers alone: nobody else can ask for it'
    WHEN kind = 'headline' THEN 'a variant of a test stands at no address: it comes from the archive of its source'
    WHEN kind = 'post' THEN 'this crawler asks for no posts: get them by id with access of your own to {{channel}}, '
        || 'and ingest the answers (the source x_api reads those of X)'
    WHEN kind = 'video' AND channel IN ({", ".join(f"'{medium}'" for medium in SITES)})
        THEN 'its id is none that {{channel}} gives'
    ELSE 'nothing here fetches it by id' END"""
RETURNING = f"""
WITH simulated AS (
    SELECT DISTINCT row_key FROM provenance WHERE table_name = 'message' AND source LIKE '{SimulatedWorld.name}@%'
), judged AS (
    SELECT kind, channel, {TARGET} AS target, message_id IN (FROM simulated) AS simulated FROM message
), reasoned AS (
    SELECT kind, channel, CASE WHEN target IS NULL THEN {WHY_NOT} END AS why FROM judged
)
SELECT channel, kind, count(*), replace(why, '{{channel}}', coalesce(channel, 'its medium'))
FROM reasoned GROUP BY channel, kind, why ORDER BY ALL
"""


def count_fetchable(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int, str | None]]:
    """List medium, kind, number of messages, and why they cannot be fetched again (None: they can)."""
    return connection.execute(RETURNING).fetchall()


def write_lists(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write the targets of the table `message`, one per line; pages.txt is left out if empty."""
    rows = connection.execute(
        f"SELECT channel, target FROM (SELECT DISTINCT channel, {TARGET} AS target FROM message) "
        "WHERE target IS NOT NULL ORDER BY target"
    ).fetchall()
    for name in (IDS, PAGES):
        lines = [f"{target}\n" for channel, target in rows if SITES[channel].list_file == name]
        if lines or name == IDS:
            write_text(folder / name, "".join(lines))
        else:
            (folder / name).unlink(missing_ok=True)


def read_list(folder: Path, name: str) -> list[str]:
    """Read the targets of a list; none if it does not exist."""
    path = folder / name
    return path.read_text(encoding="utf-8").split() if path.is_file() else []
