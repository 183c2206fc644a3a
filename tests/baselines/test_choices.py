"""Of options a model of the content answers where it is right clearly more often, else the best reference does."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from baselines import choices
from baselines.choices import choose_where_it_helps
from baselines.learned import separate_groups, validation_frame
from benchmark.references.base import Reference
from benchmark.references.chance import RANDOM

TASK = "tweet_likes_time"


def questions(rng, groups, per_group, blocks=1):
    count = groups * per_group
    return pl.DataFrame(
        {
            "instance_id": [f"{rng.random()}" for _ in range(count)],
            "group": [f"g{i % groups}" for i in range(count)],
            "time_block": [i // groups % blocks for i in range(count)],
            "seen": rng.integers(0, 2, count).astype(float),
            "options": [["low", "high"]] * count,
            "answer": [None] * count,
        }
    )


def with_targets(frame, rng, share):
    """The right option is the one that is seen, in this share of the questions."""
    agrees = rng.random(len(frame)) < share
    right = np.where(agrees, frame["seen"], 1 - frame["seen"])
    return frame.with_columns(target=pl.Series([[value] for value in right]))


def fit(train, validation):
    """It answers what is seen."""
    del train, validation
    return lambda asked: asked.select("instance_id", values=pl.concat_list("seen"), scores=pl.concat_list("seen"))


@pytest.fixture
def small_world(monkeypatch):
    """A bench whose best reference is chance."""
    monkeypatch.setattr(choices, "start_reference", lambda bench, task: RANDOM.name)
    monkeypatch.setattr(
        choices,
        "provided_answers",
        lambda bench, task, name, asked: asked.select("instance_id", values=pl.Series(RANDOM.values(asked, asked))),
    )

    def make(seed, share, groups, validation_groups, per_group=30, blocks=1):
        rng = np.random.default_rng(seed)
        frames = {
            "train": with_targets(questions(rng, groups, per_group, blocks), rng, share),
            "validation": with_targets(questions(rng, validation_groups, per_group, blocks), rng, share)
            if validation_groups
            else with_targets(questions(rng, 1, 1), rng, 1).clear(),
        }
        return SimpleNamespace(public=lambda task, split: frames[split]), questions(rng, 5, 5)

    return make


@pytest.mark.parametrize("validation_groups", [12, 0], ids=["judged on validation", "judged on folds"])
def test_a_model_that_is_right_more_often_answers(small_world, validation_groups):
    bench, asked = small_world(0, 0.8, 20, validation_groups)
    chosen = choose_where_it_helps(bench, TASK, asked, fit)
    assert chosen["values"].to_list() == [[seen] for seen in asked["seen"]]
    assert "scores" in chosen.columns


@pytest.mark.parametrize("validation_groups", [12, 0], ids=["judged on validation", "judged on folds"])
def test_where_nothing_can_be_known_the_reference_mostly_answers(small_world, validation_groups):
    worlds = [small_world(seed, 0.5, 20, validation_groups) for seed in range(60)]
    kept = ["scores" in choose_where_it_helps(bench, TASK, asked, fit).columns for bench, asked in worlds]
    assert np.mean(kept) < 0.35


@pytest.mark.parametrize(("blocks", "kept"), [(1, False), (12, True)])
def test_two_accounts_show_something_only_where_they_are_asked_at_many_times(small_world, blocks, kept):
    bench, asked = small_world(0, 0.8, 2, 2, per_group=120, blocks=blocks)
    assert ("scores" in choose_where_it_helps(bench, TASK, asked, fit).columns) is kept
    assert bool(len(validation_frame(bench, TASK))) is kept


def test_many_accounts_are_groups_whatever_their_times(small_world):
    bench, _ = small_world(0, 0.8, 20, 12, blocks=4)
    assert separate_groups(bench.public(TASK, "validation")).n_unique() == 12
    assert separate_groups(bench.public(TASK, "train").head(1).clear()).n_unique() == 0


def test_on_folds_of_training_the_reference_knows_other_times_of_an_account_as_the_model_does(small_world, monkeypatch):
    bench, asked = small_world(0, 1.0, 2, 0, per_group=200, blocks=10)
    account = (pl.col("group") == "g1").cast(float)
    train, asked = (frame.with_columns(account=account) for frame in (bench.public(TASK, "train"), asked))
    train = train.with_columns(target=pl.concat_list("account"))  # all posts of an account are alike
    monkeypatch.setattr(bench, "public", lambda task, split: train if split == "train" else train.clear())

    def level(known, questions):
        of_accounts = dict(known.select("account", pl.col("target").list.first()).iter_rows())
        return [[of_accounts.get(account, 0.0)] for account in questions["account"]]

    monkeypatch.setattr(choices, "start_reference", lambda bench, task: "level")
    monkeypatch.setattr(choices, "references", lambda: {"level": Reference("level", "", "", level)})
    stored = level(train, asked)
    monkeypatch.setattr(choices, "provided_answers", lambda *_: asked.select("instance_id", values=pl.Series(stored)))

    def fit_nearly(train, validation):
        """It is right in nine of ten posts."""
        del train, validation
        nearly = pl.col("account") * (pl.int_range(pl.len()) % 5 > 0)
        return lambda asked: asked.select("instance_id", values=pl.concat_list(nearly), scores=pl.concat_list("seen"))

    assert choose_where_it_helps(bench, TASK, asked, fit_nearly)["values"].to_list() == stored
