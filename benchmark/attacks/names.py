"""Whether the ids of instances, messages and groups tell which message they are about."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import polars as pl

from benchmark.attacks.base import Attack, Found
from benchmark.attacks.joins import instance_key
from benchmark.attacks.public_part import TEST, PublicPart
from corpus.ids import global_id
from corpus.simulate.brands import slug_of

OPAQUE = re.compile(r"[0-9a-f]{32,}")
DIGESTS = ("md5", "sha1", "sha256", "blake2b")
MESSAGES = 50
"""Messages of each company in a simulated world whose ids are tried."""
SEEN = ("message_id", "title", "body", "prompt")
"""Columns of which a plain digest may have been made."""


def run_names(part: PublicPart, seeds: int) -> Found:
    """Look at the names in every test part."""
    signs: dict[str, list[str]] = {}
    for task in part.tasks:
        for sign in signs_of(task, part.frame(task, TEST)):
            signs.setdefault(sign, []).append(task)
    return Found(signs=tuple(f"{sign}: {', '.join(tasks)}" for sign, tasks in signs.items()))


def signs_of(task: str, frame: pl.DataFrame) -> Iterator[str]:
    """Yield what the names of a test part tell."""
    names = {"instance ids": instance_key(frame)}
    if "message_id" in frame.columns:
        names["message ids"] = frame["message_id"]
        if frame.select(pl.col("group").str.contains(pl.col("message_id"), literal=True).any()).item():
            yield "groups hold the message's id"
    for what, column in names.items():
        known = set(column.drop_nulls())
        if any(not OPAQUE.fullmatch(name) for name in known):
            yield f"{what} are not keyed"
        elif not known.isdisjoint(plain_digests(task, frame, {len(name) for name in known})):
            yield f"{what} are digests without a key"


def plain_digests(task: str, frame: pl.DataFrame, lengths: set[int]) -> set[str]:
    """The beginnings of digests of what stands in the columns, and of the ids of a simulated world."""
    texts = {text for name in SEEN if name in frame.columns for text in frame[name].drop_nulls()}
    texts |= set(simulated_ids(frame["company"].drop_nulls().unique().to_list() if "company" in frame.columns else []))
    texts |= {f"{task}:{text}" for text in texts}
    digests = (hashlib.new(digest, text.encode()).hexdigest() for text in texts for digest in DIGESTS)
    return {digest[:length] for digest in digests for length in lengths}


def simulated_ids(companies: list[str]) -> Iterator[str]:
    """Yield the ids that the first messages of companies have in a simulated world."""
    for company in companies:
        slug = slug_of(company)
        for number in range(MESSAGES):
            yield global_id("youtube", f"sim-v-{slug}-{number}")
            yield global_id("twitter", f"sim-p-{slug}-{number}")


NAMES = Attack("names", "ids that hold, or are plain digests of, other columns", run_names)
