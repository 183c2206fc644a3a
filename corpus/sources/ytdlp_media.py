"""Find the medium of a yt-dlp info dict: a name of `corpus.schema.MEDIA`, not yt-dlp's name of the extractor.

An extractor belongs to the medium whose name its own begins with (TwitchVod, FacebookReel). All others have the medium
`other`, and their name becomes part of the id, as in other:rutube:1.
"""

from __future__ import annotations

from corpus.schema import MEDIA
from corpus.sources.fields import Info, read_text

SITES = tuple(
    medium for medium in MEDIA if medium not in ("web", "email", "other")
)  # the extractor WebOfStories is not the medium web


def extractor_of(info: Info) -> str:
    """Name of the extractor in lower case, without a suffix (twitch of twitch:vod). Raises RowError."""
    return (read_text(info, "extractor_key", "extractor") or "youtube").lower().split(":")[0]


def medium_of(info: Info) -> str:
    """Medium of a video. Raises RowError."""
    extractor = extractor_of(info)
    return next((medium for medium in SITES if extractor.startswith(medium)), "other")


def native_id(info: Info, name: str) -> str:
    """Id of a video or uploader within its medium. Raises RowError."""
    return name if medium_of(info) != "other" else f"{extractor_of(info)}:{name}"
