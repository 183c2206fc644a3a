"""Later posts of few accounts: their groups are blocks of time, so that intervals are about these accounts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.signal import lfilter
from scipy.special import expit

from benchmark.answer_key import answer_key, groups_of
from benchmark.apart import Contest, verdicts
from benchmark.bench import Bench
from benchmark.build import build_bench
from benchmark.intervals import group_sums
from benchmark.metrics import ACCURACY
from benchmark.tables.compare import compare
from benchmark.tasks.registry import task_named
from benchmark.tasks.tweet_likes import TIME_BLOCK, TIME_BLOCKS, blocks_of
from corpus.ingest.run import ingest
from corpus.sources.registry import source_named

TASK = "tweet_likes_time"


def keyed(accounts: int, blocks: int | None, questions: int = 5) -> pl.DataFrame:
    rows = [
        {"instance_id": f"{account} {block} {n}", "group": f"account {account}", "time_block": block}
        for account in range(accounts)
        for block in range(blocks or 1)
        for n in range(questions)
    ]
    frame = pl.DataFrame(rows).with_columns(target=pl.lit([1.0]), chance=pl.lit([0.0]))
    return frame if blocks else frame.drop("time_block")


@pytest.mark.parametrize(("accounts", "blocks", "groups"), [(2, 12, 24), (9, 3, 27), (10, 3, 10), (2, None, 2)])
def test_few_accounts_are_told_apart_by_their_times(accounts, blocks, groups):
    key = answer_key(task_named(TASK), keyed(accounts, blocks))
    assert (key.groups, key.instances) == (groups, accounts * (blocks or 1) * 5)
    assert key.sizes.tolist() == [key.instances / groups] * groups


def test_an_account_that_outweighs_all_others_counts_as_few():
    frame = keyed(12, 2)
    large = pl.concat([frame, *(frame.filter(pl.col("group") == "account 0") for _ in range(40))])
    key = answer_key(task_named(TASK), large)
    assert key.groups == 24 and sorted(key.names)[0] == "account 0, time block 0"


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    """Posts of three accounts over some years."""
    root = tmp_path_factory.mktemp("posts")
    rows = [
        {
            "created_at": f"{day % 12 + 1:02}/{day // 12 % 28 + 1:02}/{12 + day // 336} 12:00",
            "text": f"word {day} of {name}",
            "url": f"https://twitter.com/{name}/status/{number}{day:05}",
            "favorites": day * 7919 % 1009,
            "replies": 1,
            "retweets": 1,
            "user": name,
        }
        for number, name in enumerate(("first", "second", "third"), 1)
        for day in range(3000)
    ]
    pl.DataFrame(rows).write_csv(root / "tweets.csv")
    ingest(source_named("tweets"), [root / "tweets.csv"], root / "corpus")
    return build_bench(root / "corpus", root / "bench", tasks=[TASK])


def test_intervals_of_later_posts_have_blocks_of_an_accounts_time_as_groups(bench):
    test = bench.public(TASK, "test").sort("group", "published_at")
    posts = test.group_by("group", "time_block", maintain_order=True).agg(
        first=pl.col("published_at").min(), last=pl.col("published_at").max(), account=pl.col("group").first()
    )
    assert posts["account"].value_counts()["count"].to_list() == [15] * test["group"].n_unique()
    assert posts.filter(pl.col("first") < pl.col("last").shift(1).over("group")).is_empty()
    rows = [row for part in compare(bench, TASK, []) for row in part.rows()]
    assert {row["groups"] for row in rows} == {len(posts)} and min(row["effective_groups"] for row in rows) > 10
    assert all(row["low"] is not None for row in rows if row["run"] != "random")


def false_apart(posts: int, worlds: int = 250, asked: int = 720) -> float:
    """How often two equal models are called apart, whose luck fades by a factor e within so many posts."""
    rng, kept = np.random.default_rng(posts), np.exp(-1 / posts)
    frame = pl.DataFrame({"communicator_id": ["one"] * asked}).with_columns(
        group=pl.lit("one"), time_block=blocks_of(TIME_BLOCK, ["communicator_id"], TIME_BLOCKS)
    )
    names, group = groups_of(frame)
    sizes = np.bincount(group).astype(np.float64)
    called = 0
    for _ in range(worlds):
        noise = rng.normal(size=(asked, 2)) * np.sqrt(1 - kept**2)
        noise[0] = rng.normal(size=2)
        luck = lfilter([1.0], [1.0, -kept], noise, axis=0)
        right = 1.0 * (rng.random(luck.shape) < expit(0.5 + 0.5 * luck))
        sums = [group_sums(np.stack([own, np.ones(asked)], axis=1), group, len(names)) for own in right.T]
        called += verdicts([Contest(ACCURACY, *sums, sizes, names)], resamples=500)[0].apart
    return called / worlds


def test_equal_models_are_called_apart_no_more_often_than_said_where_luck_is_short_and_too_often_where_it_is_long():
    assert false_apart(posts=1) < 0.08 and false_apart(posts=10) < 0.1
    assert false_apart(posts=300) > 0.15
