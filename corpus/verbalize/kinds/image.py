"""An image: its title, what is to be seen in it, and every count of the whole image."""

from __future__ import annotations

from corpus.verbalize.kinds.base import SPEAKER, MediaKind, behavior_lines
from corpus.verbalize.template import Template

METRICS = ("impressions", "views", "clicks", "likes", "dislikes", "shares", "comments", "replies")
IMAGE = Template(
    "image-text", 1, SPEAKER + "[title: {title}\n][about: {body}\n]image:[ {media}]" + behavior_lines(*METRICS)
)


class Image(MediaKind):
    """Images with a title, a text or a description, and any count."""

    name = "image"
    templates = (IMAGE,)
    template = IMAGE
    metrics = METRICS
