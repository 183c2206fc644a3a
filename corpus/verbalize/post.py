"""A post as text: forward (likes high or low asked) and reverse (its text asked, the like class shown)."""

from __future__ import annotations

import polars as pl

from corpus.verbalize.number_words import count_in_three_digits
from corpus.verbalize.safe_text import MASK
from corpus.verbalize.template import Template
from corpus.verbalize.times import age, published

HEAD = (
    "[company: {company}\n][account: {account}\n][followers: {followers}\n][country: {country}\n]"
    "[language: {language}\n][published: {time}\n][age: {age}\n]"
)
FORWARD = Template(
    "post",
    2,
    HEAD + "post: {body}\nlikes: " + MASK + "\ndoes this post get high or low likes for its account?\nanswer:",
)
REVERSE = Template(
    "post-reverse", 2, HEAD + "post: " + MASK + "\nlikes: {like_class}\nwhat does the post say?\nanswer:"
)


FIELDS = {"followers": count_in_three_digits(pl.col("audience")), "time": published(), "age": age()}
"""The fields of HEAD that are no columns of a frame."""


def post_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Forward; `like_class` (high or low) is the answer."""
    return frame.with_columns(prompt=FORWARD.fill(**FIELDS), answer=pl.col("like_class"))


def post_reverse_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Reverse; the post's text is the answer."""
    return frame.with_columns(prompt=REVERSE.fill(**FIELDS), answer=pl.col("body"))
