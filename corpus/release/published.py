"""The table `published`: the videos of a release in the columns of the public Content Behavior Corpus.

Croissant describes structs by JSON paths into their columns, so that its readers get plain values. Lists within lists
(speech, replay markers) are left to the tables scene and effect, which hold the same values.
"""

from __future__ import annotations

from corpus.ids import public_id_sql
from corpus.published_shape import ANNOTATION, PUBLISHED, STRUCTS, published_sql
from corpus.release.scrub import scrubbed_sql
from corpus.release.table import Field, ReleasedTable, Selection

SPOKEN_OR_SHOWN, WRITTEN = ("asr_raw", "asr_grouped", "ocr"), ("title", "description")
FIELDS: tuple[tuple[str, str, str | None, str, bool], ...] = (
    ("video_id", "video_id", None, "VARCHAR", False),
    ("title", "metadata", "$.title", "VARCHAR", False),
    ("description", "metadata", "$.description", "VARCHAR", False),
    ("length_s", "metadata", "$.length", "DOUBLE", False),
    ("date", "metadata", "$.date", "VARCHAR", False),
    ("channel_id", "channel_data", "$.channel_id", "VARCHAR", False),
    ("company_name", "channel_data", "$.company_name", "VARCHAR", False),
    ("subscribers", "channel_data", "$.subscribers", "DOUBLE", False),
    ("views", "views", None, "DOUBLE", False),
    ("likes", "likes", None, "DOUBLE", False),
    ("captions", "blip2_annotations", "$.captions", "VARCHAR", True),
    ("objects", "blip2_annotations", "$.objects", "VARCHAR", True),
    ("actions", "blip2_annotations", "$.actions", "VARCHAR", True),
)
"""Name, column, JSON path in it, type, whether it is a list."""


class PublishedTable(ReleasedTable):
    """A row per video."""

    name = "published"
    key = ("video_id",)
    columns = PUBLISHED

    @property
    def fields(self) -> list[Field]:
        """The fields that Croissant can read."""
        return [Field(*field, f"{field[1]}{(field[2] or '').removeprefix('$')}") for field in FIELDS]

    def full_sql(self, selection: Selection) -> str:
        """SQL of the videos, with spoken, shown and written text scrubbed."""
        replaced = [f"{scrubbed_sql(name, PUBLISHED[name])} AS {name}" for name in SPOKEN_OR_SHOWN]
        fields = ", ".join(
            f"'{name}': " + (scrubbed_sql(f"metadata.{name}", type_) if name in WRITTEN else f"metadata.{name}")
            for name, type_ in STRUCTS["metadata"].items()
        )
        replaced.append(f"CASE WHEN metadata IS NOT NULL THEN {{{fields}}} END AS metadata")
        return f"SELECT * REPLACE ({', '.join(replaced)}) FROM ({self._rows(selection)})"

    def ids_sql(self, selection: Selection) -> str:
        """SQL of the videos with only their ids and those of their channels."""
        nulls = ", ".join(f"'{field}': NULL" for field in STRUCTS["channel_data"] if field != "channel_id")
        shown = {
            "video_id": "video_id",
            "channel_data": f"{{'channel_id': channel_data.channel_id, {nulls}}}::{PUBLISHED['channel_data']}",
        }
        columns = ", ".join(f"{shown.get(name, f'NULL::{type_}')} AS {name}" for name, type_ in PUBLISHED.items())
        return f"SELECT {columns} FROM ({self._rows(selection)})"

    def _rows(self, selection: Selection) -> str:
        published = published_sql(verbatim=ANNOTATION in selection.corpus.annotations())
        of_split = f"SELECT {public_id_sql('message_id')} FROM _message_split WHERE split = '{selection.split}'"
        return f"SELECT * FROM ({published}) WHERE video_id IN ({of_split}) ORDER BY video_id"
