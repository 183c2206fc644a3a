"""Joins of the test questions with all other rows of the public part, by all that both may share."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import polars as pl

from benchmark.attacks.base import Attack, Found
from benchmark.attacks.facts import Key, Rows
from benchmark.attacks.public_part import PublicPart
from benchmark.attacks.read_pairs import Pairing, read_pairs
from benchmark.holdout import title_words

SHORTEST_TEXT = 40
"""Characters below which equal texts tell nothing."""


def columns_key(*names: str) -> Key:
    """The values of columns together, null where one is absent."""

    def key(frame: pl.DataFrame) -> pl.Series:
        if not set(names) <= set(frame.columns):
            return pl.Series("key", [None] * frame.height, dtype=pl.String)
        parts = [title_words(name) if name == "title" else pl.col(name).cast(pl.String) for name in names]
        return frame.select(key=pl.concat_str(parts, separator="\n")).to_series()

    return key


def instance_key(frame: pl.DataFrame) -> pl.Series:
    """What stands behind the task in an instance's id."""
    return frame["instance_id"].str.splitn(":", 2).struct.field("field_1")


def text_key(name: str) -> Key:
    """A long text, but for its form."""

    def key(frame: pl.DataFrame) -> pl.Series:
        words = columns_key(name)(frame).to_frame("key").select(title_words("key").alias("key"))
        return words.select(pl.when(pl.col("key").str.len_chars() >= SHORTEST_TEXT).then("key")).to_series()

    return key


def scenes_key(frame: pl.DataFrame) -> pl.Series:
    """What is to be seen in all scenes."""
    if "scene_seen" not in frame.columns:
        return pl.Series("key", [None] * frame.height, dtype=pl.String)
    joined = pl.col("scene_seen").list.join("\n", ignore_nulls=True)
    words = frame.select(key=pl.when(joined.str.strip_chars().str.len_chars() >= SHORTEST_TEXT).then(joined))
    return words.to_series()


def equal_keys(key: Key) -> Pairing:
    """Pair rows of equal keys; a key that several rows of a source have is left out, unless they are draws of masks."""

    def pairs(asking: Rows, source: Rows) -> Iterable[tuple[int, int]]:
        places: dict[str, list[int]] = {}
        for row, name in enumerate(source.keyed(key)):
            if name is not None:
                places.setdefault(name, []).append(row)
        for row, name in enumerate(asking.keyed(key)):
            others = places.get(name, []) if name is not None else []
            if len({source.draws[other] for other in others}) == len(others):
                yield from ((row, other) for other in others if asking.file != source.file or row != other)

    return pairs


def equal_rows(asking: Rows, source: Rows) -> Iterable[tuple[int, int]]:
    """Pair the first rows, the second rows, and so on, of the same split of two tasks."""
    if asking.split != source.split or asking.task == source.task:
        return []
    return ((row, row) for row in range(min(asking.frame.height, source.frame.height)))


def the_row_itself(asking: Rows, source: Rows) -> Iterable[tuple[int, int]]:
    """Pair each row with itself."""
    return ((row, row) for row in range(asking.frame.height)) if asking.file == source.file else []


def run_join(pairing: Pairing, part: PublicPart, seeds: int) -> Found:
    """Join by a pairing."""
    return read_pairs(part, pairing)


def join_attack(name: str, tries: str, pairing: Pairing) -> Attack:
    """An attack that is a join."""
    return Attack(f"join: {name}", tries, partial(run_join, pairing))


JOINS = (
    Attack("own question", "what the question itself shows", partial(run_join, the_row_itself)),
    join_attack("message_id", "other rows with the same message_id", equal_keys(columns_key("message_id"))),
    join_attack("instance_id", "other rows whose id differs by the task alone", equal_keys(instance_key)),
    join_attack("row number", "the same row of other tasks' files", equal_rows),
    join_attack("title and time", "the same title and time", equal_keys(columns_key("title", "published_at"))),
    join_attack("company and title", "the same company and title", equal_keys(columns_key("company", "title"))),
    join_attack("time and length", "the same time and length", equal_keys(columns_key("published_at", "duration_s"))),
    join_attack("body", "the same long body", equal_keys(text_key("body"))),
    join_attack("text", "the same long text", equal_keys(text_key("text"))),
    join_attack("scenes", "the same scenes", equal_keys(scenes_key)),
)
