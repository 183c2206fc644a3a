"""Standings and summary: nobody is called best or better whom the joint tests do not hold apart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.tables import make_tables
from benchmark.tables.standings import standing_of, standings
from benchmark.tables.summary import listed, listed_tasks, summary
from tests.benchmark.tiny_bench import noisy, write_bench, write_values

RUNS = ("ant", "bee", "cat")
EVERYONE = (*RUNS, "mean", "oracle")
KINDS = {"mean": "trivial", "oracle": "oracle"}


@st.composite
def tables(draw):
    """Content of a table whose verdicts, ranks and pairs need not agree with each other."""
    conditions = draw(st.lists(st.sampled_from(["near", "far", "later"]), min_size=1, unique=True))
    ranks = st.none() | st.integers(1, 4)
    content = {"conditions": conditions, "rows": [], "family": [], "separable": []}
    for condition in conditions:
        key = {"condition": condition, "metric": "rmse"}
        for run in EVERYONE:
            row = {"run": run, "kind": KINDS.get(run, "lm"), "rank": draw(ranks), "skill": draw(st.floats(-1, 1))}
            content["rows"].append({**key, **row})
            content["separable"] += [
                {**key, "better": run, "worse": other} for other in EVERYONE if other != run and draw(st.booleans())
            ]
            if run in RUNS:
                verdict = {"p": draw(st.none() | st.floats(0, 1)), "skill": row["skill"], "apart": draw(st.booleans())}
                verdict["apart"] = verdict["apart"] and verdict["p"] is not None
                content["family"].append({**key, "run": run, "rival": "mean", "role": "reference", **verdict})
    return content


def verdict(content, condition, run):
    (row,) = [row for row in content["family"] if (row["condition"], row["run"]) == (condition, run)]
    return row


@given(tables())
def test_a_winner_is_apart_from_the_reference_and_from_everyone(content):
    for standing in standings(content):
        won = standing.best
        if won is None:
            continue
        row = verdict(content, standing.condition, won)
        assert row["apart"] and row["skill"] > 0
        compared = {
            row["run"]
            for row in content["rows"]
            if row["condition"] == standing.condition and row["rank"] is not None and row["kind"] != "oracle"
        }
        beaten = {
            pair["worse"]
            for pair in content["separable"]
            if pair["condition"] == standing.condition and pair["better"] == won
        }
        assert compared - {won} <= beaten


@given(tables())
def test_the_sentences_call_nobody_best_or_better_who_is_not_apart(content):
    by_name = {("", standing.condition): standing for standing in standings(content)}
    for sentence in summary(by_name):
        for run in RUNS:
            if f"{run} is best in " in sentence:
                assert any(standing.best == run for standing in by_name.values())
    for (_, condition), standing in by_name.items():
        first = summary({("", condition): standing})[0]
        apart_above = {run for run in RUNS if run in standing.sides and is_above(verdict(content, condition, run))}
        assert (" is best in " in first) == (standing.best is not None)
        if not apart_above:
            assert first.startswith(("No run is shown to be better", "There are too few groups to tell"))
        if "better than the best reference in" in first and not first.startswith("No run"):
            assert all((run in first) == (run in apart_above) for run in RUNS)


def is_above(row):
    return row["apart"] and row["skill"] > 0


@given(tables())
def test_every_run_stands_on_one_side_of_the_reference(content):
    for standing in standings(content):
        sides = [standing.on(side) for side in ("above", "level", "below", "untested")]
        assert sorted(run for side in sides for run in side) == sorted(standing.sides)
        for run in (*standing.above, *standing.on("below")):
            assert verdict(content, standing.condition, run)["apart"]
        assert "oracle" not in standing.first and len(standing.tied) != 1
        assert set(standing.tied) <= set(standing.first) & set(standing.above)
        assert not (standing.best and standing.tied)


def test_without_a_family_there_is_no_standing_and_the_summary_says_so():
    content = {"conditions": ["near"], "rows": [], "family": [], "separable": []}
    assert standing_of(content, "near") is None
    assert summary({}) == ["No run can be compared with a reference."]


def test_real_tables_open_with_who_is_best(tmp_path):
    bench = write_bench(tmp_path / "bench", ("replay_past", "replay_all_masked"))
    runs = [
        write_values(tmp_path / name, bench, name, {task: noisy(bench, task, error, seed) for task in bench.tasks})
        for seed, (name, error) in enumerate({"good": 3, "twin": 3, "bad": 60}.items())
    ]
    make_tables(runs, bench.root, tmp_path / "all")
    content = json.loads((tmp_path / "all" / "replay_values.json").read_text())
    for standing in standings(content):
        ranks = content["rank"][standing.condition]["rmse"]
        assert set(standing.first) == {run for run, rank in ranks.items() if rank == 1} == {"good", "twin"}
        assert standing.best is None and standing.on("below") == ("bad",)
    text = (tmp_path / "all" / "replay_values.md").read_text().split("\n\n")
    assert text[1].startswith("good and twin are tied for best in all 2 tasks.")
    assert "Not shown to be better than the best reference: bad in all 2 tasks, worse in 2." in text[1]
    make_tables([runs[0], runs[2]], bench.root, tmp_path / "two")
    text = (tmp_path / "two" / "replay_values.md").read_text().split("\n\n")
    assert text[1].startswith("good is best in all 2 tasks.")
    skill, scores = (
        next(place for place, part in enumerate(text) if word in part) for word in ("rmse: skill", "rmse: scores")
    )
    assert skill < scores


def test_with_one_group_nothing_can_be_told(tmp_path):
    bench = write_bench(tmp_path / "bench", ["like_view_ratio"], groups=1)
    run = write_values(tmp_path / "r", bench, "r", {"like_view_ratio": noisy(bench, "like_view_ratio", 0.1)})
    make_tables([run], bench.root, tmp_path / "out")
    text = (tmp_path / "out" / "like_view_ratio.md").read_text().split("\n\n")
    assert text[1] == "There are too few groups to tell in test."


TASKS = [("replays", "first"), ("replays", "last"), ("likes", ""), ("views", "")]


@pytest.mark.parametrize(
    ("tasks", "text"),
    [
        (TASKS, "all 4 tasks"),
        (TASKS[:3], "replays (all 2) and likes"),
        (TASKS[1:3], "replays (last) and likes"),
        (TASKS[3:], "views"),
        ([("replays", "first"), ("replays", "last")], "replays (all 2)"),
    ],
)
def test_all_tasks_of_a_table_are_named_as_one(tasks, text):
    assert listed_tasks(tasks, TASKS) == text


def test_many_conditions_of_a_table_are_counted():
    every = [("replays", name) for name in "abcde"] + [("likes", "")]
    assert listed_tasks(every[:2], every) == "replays (a, b)"
    assert listed_tasks(every[1:5], every) == "replays (4 of 5)"
    assert listed_tasks([("", name) for name in "ab"], [("", name) for name in "abc"]) == "a and b"


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d", "e", "f"], "a, b, c and 3 other tasks"),
    ],
)
def test_lists_name_a_few_and_count_the_others(names, text):
    assert listed(names, 4, "task") == text
