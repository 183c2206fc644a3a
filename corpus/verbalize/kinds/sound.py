"""A sound: its title, length, what is to be heard in it, and every count of the whole sound."""

from __future__ import annotations

import polars as pl

from corpus.verbalize.kinds.base import SPEAKER, MediaKind, behavior_lines
from corpus.verbalize.number_words import as_integer
from corpus.verbalize.template import Template

METRICS = ("impressions", "views", "clicks", "likes", "dislikes", "shares", "comments", "replies")
SOUND = Template(
    "sound-text",
    1,
    SPEAKER + "[title: {title}\n][about: {body}\n][length: {length} s\n]sound:[ {media}]" + behavior_lines(*METRICS),
)


class Sound(MediaKind):
    """Sounds with a title, a text or a description, and any count."""

    name = "sound"
    templates = (SOUND,)
    template = SOUND
    metrics = METRICS

    def fields(self) -> dict[str, pl.Expr]:
        return {"length": as_integer(pl.col("duration_s"))}
