"""Give each test message to one task alone, so that no task shows what another asks about it.

Messages nearly equal to each other go to the same task. Tasks with few candidates choose first, and each unit of such
messages goes to the task that has the fewest so far.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb
import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmark.holdout import SHINGLE_CHARACTERS, SIMILARITY, Holdout, title_words
from benchmark.tasks.base import NotEnough, Task
from corpus.filters.minhash import Hashes, bands_of, similarities
from corpus.filters.near_pairs import COMPARED
from corpus.filters.pool import normalised

CANDIDATE = {"message_id": pl.String, "title": pl.String, "body": pl.String, "text": pl.String, "task": pl.String}
TEXTS_AT_ONCE = 1_000
MOST_SHARE = 2 / 3
"""A task that needs more than this share of its candidates would starve others, and is left out."""


def one_task_each(
    tasks: Sequence[Task],
    connection: duckdb.DuckDBPyConnection,
    holdout: Holdout,
    seed: int,
    sizes: Mapping[str, int],
) -> dict[str, Holdout]:
    """The holdout of each task: without the test messages that are given to others.

    Options and classes are then made of what a task has: if they came from the messages of other tasks, whose questions
    show all of a message, they would tell of those.
    """
    candidates = find_candidates(tasks, connection, holdout, seed, sizes)
    fewest = {task.name: task.fewest_test for task in tasks}
    task_of = assign(with_units(without_greedy(candidates, fewest)), fewest, seed)
    contested = set(candidates["message_id"])
    return {
        task.name: drop_tests(holdout, [name for name in contested if task_of.get(name) != task.name]) for task in tasks
    }


def find_candidates(
    tasks: Sequence[Task],
    connection: duckdb.DuckDBPyConnection,
    holdout: Holdout,
    seed: int,
    sizes: Mapping[str, int],
) -> pl.DataFrame:
    """Each task with the messages that its test part could ask about: columns of CANDIDATE."""
    everything = {**sizes, "test": holdout.messages.height}
    frames = [pl.DataFrame(schema=CANDIDATE)]
    for task in tasks:
        try:
            frame = task.instances(connection, holdout, seed, everything)
        except NotEnough:
            continue
        test = frame.filter(pl.col("split") == "test").with_columns(task=pl.lit(task.name))
        absent = [pl.lit(None, pl.String).alias(name) for name in CANDIDATE if name not in test.columns]
        frames.append(test.with_columns(absent).select(pl.col(name).cast(of) for name, of in CANDIDATE.items()))
    return pl.concat(frames)


def without_greedy(candidates: pl.DataFrame, fewest: Mapping[str, int]) -> pl.DataFrame:
    """The candidates of tasks that leave enough of them to others: one that needs nearly all of its own gets none."""
    count = pl.len().over("task")
    least = pl.col("task").replace_strict(dict(fewest), return_dtype=pl.Int64)
    return candidates.filter(least <= pl.max_horizontal(1, (MOST_SHARE * count).floor()))


def with_units(candidates: pl.DataFrame) -> pl.DataFrame:
    """Candidates with their unit, the messages that must not be split: columns message_id, task, unit.

    A unit are messages that are nearly equal, as far as the same tasks compete for them: those with one title but for
    its form, and those whose title and body, or whose whole text, has a Jaccard similarity of 0.8 or more (runs of five
    characters, in their first 10,000).
    """
    longest = pl.col("text").sort_by(pl.col("text").str.len_chars(), nulls_last=False).last()
    messages = candidates.group_by("message_id").agg(pl.col("title", "body").first(), longest).sort("message_id")
    texts = [
        [normalised(text)[:COMPARED] for text in messages.select(words.fill_null("")).to_series()]
        for words in (pl.concat_str("title", "body", separator=" ", ignore_nulls=True), pl.col("text"))
    ]
    titles = messages.select(title_words("title").fill_null("")).to_series().to_list()
    links = [*equal_pairs(titles), *(pair for part in texts for pair in near_pairs(part))]
    left, right = np.array(links, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(messages.height, messages.height))
    labels = connected_components(graph, directed=False)[1] if messages.height else np.zeros(0, np.int64)
    named = messages.select("message_id", label=pl.Series(labels)).join(rivals(candidates), on="message_id")
    units = named.select("message_id", unit=pl.col("message_id").min().over("label", "rivals"))
    return candidates.select("message_id", "task").join(units, on="message_id").sort("message_id", "task")


def rivals(candidates: pl.DataFrame) -> pl.DataFrame:
    """The tasks that compete for each message, directly or through others: message_id and the first of them."""
    first = {task: task for task in candidates["task"]}
    together = candidates.group_by("message_id").agg(pl.col("task").unique().sort())
    for tasks in together["task"].unique().to_list():
        joined = {first[task] for task in tasks}
        first = {task: min(joined) if leader in joined else leader for task, leader in first.items()}
    return together.select(
        "message_id", rivals=pl.col("task").list.first().replace_strict(first, return_dtype=pl.String)
    )


def equal_pairs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Each text's place with that of the first equal one; empty texts equal none."""
    first: dict[str, int] = {}
    return [(first.setdefault(text, place), place) for place, text in enumerate(texts) if text]


def near_pairs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Places of nearly equal texts, found by MinHash: of those that share a band, each with the first and the last."""
    spoken = [place for place, text in enumerate(texts) if text]
    if not spoken:
        return []
    parts = [spoken[start : start + TEXTS_AT_ONCE] for start in range(0, len(spoken), TEXTS_AT_ONCE)]
    keys: Hashes = np.concatenate(
        [bands_of([texts[i] for i in part], "character", SHINGLE_CHARACTERS, SIMILARITY) for part in parts]
    )
    pairs = set()
    for band in keys.T:
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for place, key in zip(spoken, band.tolist(), strict=True):
            pairs |= {(first.setdefault(key, place), place), (last.get(key, place), place)}
            last[key] = place
    asked, near = sorted(pair for pair in pairs if pair[0] != pair[1]), []
    for start in range(0, len(asked), TEXTS_AT_ONCE):
        part = asked[start : start + TEXTS_AT_ONCE]
        left, right = ([texts[place] for place in side] for side in zip(*part, strict=True))
        alike = similarities(left, right, "character", SHINGLE_CHARACTERS) >= SIMILARITY
        near += [pair for pair, is_near in zip(part, alike, strict=True) if is_near]
    return near


def assign(candidates: pl.DataFrame, fewest: Mapping[str, int], seed: int) -> dict[str, str]:
    """The task of each message: units that few tasks can ask about first, in random order among equals.

    A unit goes to the task farthest from its `fewest` questions, then to the one with the fewest; in a unit's task some
    of its messages may not be candidates, and those are asked about by none.
    """
    tasks_of: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for message, task, unit in candidates.select("message_id", "task", "unit").iter_rows():
        tasks_of[unit][task].append(message)
    scarcity = Counter(candidates["task"].to_list())
    shuffled = np.random.default_rng([seed, 11]).permutation(sorted(tasks_of)).tolist()
    counts: Counter[str] = Counter()
    task_of: dict[str, str] = {}
    for unit in sorted(shuffled, key=lambda unit: len(tasks_of[unit])):
        chosen = min(
            tasks_of[unit], key=lambda task: (min(counts[task] - fewest[task], 0), counts[task], scarcity[task], task)
        )
        messages = tasks_of[unit][chosen]
        counts[chosen] += len(messages)
        task_of |= dict.fromkeys(messages, chosen)
    return task_of


def drop_tests(holdout: Holdout, messages: Sequence[str]) -> Holdout:
    """The holdout whose test part does not hold these messages."""
    kept = ~pl.col("message_id").is_in(list(messages))
    columns = [
        pl.when((pl.col(name) != "test") | kept).then(pl.col(name)).alias(name) for name in ("split", "time_split")
    ]
    return replace(holdout, messages=holdout.messages.with_columns(columns))
