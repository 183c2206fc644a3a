"""The medium of a yt-dlp info dict: a name of `corpus.schema.MEDIA`, not yt-dlp's name of the extractor.

An extractor is of the medium whose name its own begins with (TwitchVod, FacebookReel); those of all other sites are of
the medium `other` and stand in the id, as in other:rutube:1.
"""

from __future__ import annotations

from corpus.schema import MEDIA
from corpus.sources.fields import Info, text

SITES = tuple(medium for medium in MEDIA if medium not in ("web", "email", "other"))  # WebOfStories is not the web


def extractor_of(info: Info) -> str:
    """The extractor's name in small letters, without what it does there (twitch:vod). Raises RowError."""
    return (text(info, "extractor_key", "extractor") or "youtube").lower().split(":")[0]


def medium_of(info: Info) -> str:
    """The medium of a video. Raises RowError."""
    extractor = extractor_of(info)
    return next((medium for medium in SITES if extractor.startswith(medium)), "other")


def native_id(info: Info, name: str) -> str:
    """The id of a video or of its uploader within the medium. Raises RowError."""
    return name if medium_of(info) != "other" else f"{extractor_of(info)}:{name}"
