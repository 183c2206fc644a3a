"""Read from the texts of a simulated world which level of a factor they name: the tone of a title, the shot of a scene.

The law (corpus/simulate/law.py) moves behavior by words alone, and no neutral word (corpus/simulate/phrases.py) is one
of them, so a text tells its levels exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from corpus.simulate import law as rules

TOPIC = "TOPIC"
"""Stands in a post for its topic, so that the style around it can be read."""


def named_level(texts: pl.Series, levels: Iterable[str]) -> pl.Series:
    """The level that each text names as whole words; null where it names none or several."""
    named = texts.cast(pl.String).str.extract_all(words_of(levels)).list.unique()
    frame = pl.DataFrame({"named": named})
    return frame.select(pl.when(pl.col("named").list.len() == 1).then(pl.col("named").list.first())).to_series()


def words_of(levels: Iterable[str]) -> str:
    """A pattern for any of the levels as whole words; of levels that begin alike the longest."""
    longest_first = sorted(levels, key=len, reverse=True)
    return rf"\b(?:{'|'.join(re.escape(level) for level in longest_first)})\b"


def post_topic(bodies: pl.Series) -> pl.Series:
    """The topic of each post."""
    return named_level(bodies, rules.POST_TOPICS)


def post_style(bodies: pl.Series) -> pl.Series:
    """The style of each post, its topic as {topic}."""
    without_topic = bodies.cast(pl.String).str.replace_all(words_of(rules.POST_TOPICS), TOPIC)
    styles = {style.format(topic=TOPIC): style for style in rules.POST_STYLES}
    return named_level(without_topic, styles).replace_strict(styles, default=None, return_dtype=pl.String)
