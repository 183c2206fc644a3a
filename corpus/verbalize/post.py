"""A post as text: forward (likes high or low asked) and reverse (its text asked, the like class shown)."""

from __future__ import annotations

import polars as pl

from corpus.verbalize.safe_text import MASK
from corpus.verbalize.template import Template

HEAD = "[company: {company}\n][account: {account}\n][published: {date}\n]"
FORWARD = Template(
    "post",
    1,
    HEAD + "post: {body}\nlikes: " + MASK + "\ndoes this post get high or low likes for its account?\nanswer:",
)
REVERSE = Template(
    "post-reverse", 1, HEAD + "post: " + MASK + "\nlikes: {like_class}\nwhat does the post say?\nanswer:"
)


DATE = {"date": pl.col("published_at").dt.strftime("%Y-%m-%d")}


def post_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Forward; `like_class` (high or low) is the answer."""
    return frame.with_columns(prompt=FORWARD.fill(**DATE), answer=pl.col("like_class"))


def post_reverse_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Reverse; the post's text is the answer."""
    return frame.with_columns(prompt=REVERSE.fill(**DATE), answer=pl.col("body"))
