"""One holdout for all tasks: which messages are learned from, and which are asked about.

Messages of one communicator, company or campaign belong together: they are a group, and a group is in one split for
all tasks. Tasks separated by time live inside the training groups: what of that kind and medium is later than their
cut-off is in no task's training. Training messages nearly equal to a test message leave training. So one model trained
on all tasks has seen no test message, and no test group, of any of them.

With a fold (benchmark/folds.py) its groups are the test part. Tasks separated by time have no folds: their cut-off is
then that of all groups, the same time in each fold, and they ask about the training groups of that bench.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmark.folds import Fold
from benchmark.group_splits import LEAST_GROUPS as LEAST_GROUPS  # tasks of all packages import it from here
from benchmark.group_splits import TEST_SHARE, VALIDATION_SHARE, split_groups
from corpus.filters.near_pairs import find_candidates_between, sign, verify
from corpus.filters.pool import Pool, normalised

GROUPS_OF_CHANNELS = f"{LEAST_GROUPS} groups of channels (those of one company are one)"
"""What a task of videos needs, in words."""
LEAST_EARLIER = 0.5
"""Where a cut by time would leave a smaller share for training, there is none."""
SIMILARITY, SHINGLE_CHARACTERS = 0.8, 5

KINDS = ("communicator_id", "company", "campaign")
"""What holds messages together; an account without a company goes by its name, as in the prompts."""
NAMES = """
SELECT DISTINCT communicator_id, campaign, coalesce(nullif(trim(company), ''), name) AS company
FROM message LEFT JOIN communicator USING (communicator_id)
WHERE communicator_id IS NOT NULL OR campaign IS NOT NULL
"""
MESSAGES = """
CREATE OR REPLACE TEMP TABLE _grouped AS
SELECT message_id, channel, kind, published_at, coalesce("group", 'message ' || message_id) AS "group"
FROM message LEFT JOIN _group_of named ON message.communicator_id IS NOT DISTINCT FROM named.communicator_id
AND message.campaign IS NOT DISTINCT FROM named.campaign
"""
FACTS = """
SELECT DISTINCT "group", concat_ws(' ', channel, kind) AS fact FROM _grouped
UNION SELECT DISTINCT "group", concat_ws(' ', channel, kind, 'with replay') FROM _grouped
SEMI JOIN (SELECT message_id FROM effect WHERE metric = 'replay') USING (message_id)
"""
HELD = """
SELECT message_id, channel, kind, published_at, "group", split FROM _grouped JOIN _split USING ("group")
ORDER BY message_id
"""
TESTED = """
SELECT place FROM placed JOIN _held USING (message_id) WHERE split = 'test' OR time_split = 'test'
"""
NEAR = "SELECT DISTINCT message_id FROM near JOIN placed ON place = later"


@dataclass(frozen=True)
class Holdout:
    """The split of each message: message_id, group, split (train, validation, test), time_split; null: in none.

    `time_split` is that of tasks separated by time; `near_duplicates` counts the messages that left training and
    validation because a test message is nearly equal, `later` gives the first time of validation and test of each
    (channel, kind) that a task separates by time.
    """

    messages: pl.DataFrame
    near_duplicates: int
    later: dict[tuple[str, str], dict[str, Any]]

    def split(self, frame: pl.DataFrame, by_time: bool = False) -> pl.DataFrame:
        """Add `group` and `split` to messages; those in no split are left out."""
        split = pl.col("time_split" if by_time else "split")
        held = self.messages.select("message_id", "group", split=split).filter(pl.col("split").is_not_null())
        return frame.join(held, on="message_id", maintain_order="left")

    def counts(self) -> dict[str, Any]:
        """Groups by split, near duplicates left out, and from when on messages are later, for the manifest."""
        by_split = dict(self.groups().group_by("split").len().sort("split").iter_rows())
        later = {" ".join(of): {name: str(at) for name, at in times.items()} for of, times in self.later.items()}
        return {"groups": by_split, "near_duplicates_left_out": self.near_duplicates, "later": later}

    def groups(self) -> pl.DataFrame:
        """Each group with its split and its number of messages."""
        of_group = self.messages.group_by("group").agg(split=pl.col("group_split").first(), messages=pl.len())
        return of_group.sort("group")


def hold_out(
    connection: duckdb.DuckDBPyConnection,
    seed: int,
    by_time: Collection[tuple[str, str]] = (),
    fold: Fold | None = None,
) -> Holdout:
    """Split the messages of a corpus; `by_time` names the (channel, kind) that a task separates by time."""
    list_groups(connection)
    connection.register("_split", split_groups(facts_of(connection), seed, fold).to_arrow())
    held = _frame(connection, HELD).rename({"split": "group_split"})
    connection.unregister("_split")
    held, later = separate_by_time(held, by_time, all_groups=fold is not None)
    near = near_tests(connection, held)
    kept = ~pl.col("message_id").is_in(near.implode())
    messages = held.with_columns(pl.when(kept).then(pl.col(name)).alias(name) for name in ("split", "time_split"))
    columns = ("message_id", "group", "group_split", "split", "time_split")
    return Holdout(messages.select(columns), len(near), later)


def list_groups(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table _grouped: each message with its group, named by the first of the names that belong together."""
    names = _frame(connection, NAMES)
    nodes = names.select(_node(names, kind) for kind in KINDS)
    known = pl.concat([nodes[kind].drop_nulls() for kind in KINDS]).unique().sort()
    places = nodes.with_columns(pl.all().cast(pl.Enum(known)).to_physical().cast(pl.Int64))
    pairs = [places.select(pair).drop_nulls().to_numpy() for pair in pairwise((*KINDS, KINDS[0]))]
    left, right = np.concatenate(pairs).T
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(len(known), len(known)))
    labels = connected_components(graph, directed=False)[1] if len(known) else np.zeros(0, np.int64)
    first = pl.DataFrame({"label": labels, "group": known}).group_by("label").agg(pl.col("group").min())
    of_name = pl.DataFrame({"own": np.arange(len(known)), "label": labels}).join(first, on="label")
    own = places.select(own=pl.coalesce(KINDS))
    of_row = own.join(of_name, on="own", how="left", maintain_order="left")["group"]
    named = names.select("communicator_id", "campaign").with_columns(group=of_row).unique()
    connection.register("_group_of", named.to_arrow())
    connection.execute(MESSAGES)
    connection.unregister("_group_of")


def _node(names: pl.DataFrame, kind: str) -> pl.Expr:
    """A column of names that hold messages together, null where it is empty; ids are compared as they are."""
    column = pl.col(kind)
    if kind != "communicator_id":
        column = column.map_elements(normalised, pl.String)
    return pl.when(column != "").then(pl.concat_str(pl.lit(f"{kind} "), column)).alias(kind)


def facts_of(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What each group has messages of: columns group and fact (channel and kind, and whether with replay)."""
    return _frame(connection, FACTS)


def separate_by_time(
    held: pl.DataFrame, by_time: Collection[tuple[str, str]], all_groups: bool = False
) -> tuple[pl.DataFrame, dict[tuple[str, str], dict[str, Any]]]:
    """Add `split` and `time_split`: inside the training groups the last fifth by time is test, the tenth before it
    validation; equal times stay together. Gives the first times of both for each channel and kind; none where times
    are so coarse that less than half would stay for training. `all_groups`: shares are of the messages of all groups,
    so that the times are the same whichever groups are for training.
    """
    later: dict[tuple[str, str], dict[str, Any]] = {}
    time_split, at = pl.lit(None, pl.String), pl.col("published_at")
    for channel, kind in sorted(by_time):
        every = (pl.col("channel") == channel) & (pl.col("kind") == kind)
        of_kind = every & (pl.col("group_split") == "train")
        times = held.filter(every if all_groups else of_kind, at.is_not_null())["published_at"]
        if times.is_empty():
            continue
        first_validation, first_test = (
            times.quantile(1 - share, "higher") for share in (TEST_SHARE + VALIDATION_SHARE, TEST_SHARE)
        )
        if times.filter(times < first_validation).len() < LEAST_EARLIER * times.len():
            later[channel, kind] = {}
            continue
        later[channel, kind] = {"validation": first_validation, "test": first_test}
        part = (
            pl.when(at >= first_test)
            .then(pl.lit("test"))
            .when(at >= first_validation)
            .then(pl.lit("validation"))
            .when(at.is_not_null())
            .then(pl.lit("train"))
        )
        time_split = pl.when(of_kind).then(part).otherwise(time_split)
    held = held.with_columns(time_split=time_split)
    is_later = pl.col("time_split").is_in(["validation", "test"]).fill_null(False)
    return held.with_columns(split=pl.when(~is_later).then("group_split")), later


def near_tests(connection: duckdb.DuckDBPyConnection, held: pl.DataFrame) -> pl.Series:
    """The messages of training and validation whose title, or whole text, is nearly that of a test message."""
    connection.register("_held", held.select("message_id", "split", "time_split").to_arrow())
    pool = Pool(connection)
    pool.select(None)
    sign(pool, "''", "character", SHINGLE_CHARACTERS, SIMILARITY)
    find_candidates_between(pool, SIMILARITY, TESTED)
    verify(pool, "character", SHINGLE_CHARACTERS, SIMILARITY)
    near = _frame(connection, NEAR)["message_id"]
    connection.unregister("_held")
    return pl.concat([near, same_titles(connection, held)]).unique().sort()


def same_titles(connection: duckdb.DuckDBPyConnection, held: pl.DataFrame) -> pl.Series:
    """The messages of training and validation that have the title of a test message, but for its form."""
    titles = _frame(connection, "SELECT message_id, title FROM message WHERE title IS NOT NULL")
    titled = held.join(titles, on="message_id").with_columns(words=title_words("title"))
    titled = titled.filter(pl.col("words") != "")
    tested = titled.filter(~_not_test())["words"]
    return titled.filter(_not_test(), pl.col("words").is_in(tested.implode()))["message_id"]


def title_words(column: str) -> pl.Expr:
    """A title as it is compared: case, compatible forms, punctuation and what cannot be seen make no difference."""
    folded = pl.col(column).cast(pl.String).map_elements(normalised, pl.String)
    words = folded.str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ").str.strip_chars()
    return pl.when(words != "").then(words).otherwise(folded)


def _not_test() -> pl.Expr:
    return ~((pl.col("split") == "test").fill_null(False) | (pl.col("time_split") == "test").fill_null(False))


def _frame(connection: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    return pl.DataFrame(connection.sql(sql).to_arrow_table())
