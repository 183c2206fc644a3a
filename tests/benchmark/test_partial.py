"""Runs that were asked only some of the questions: they speak of these alone and never rank among full ones."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from benchmark.reference_rows import provided_answers
from benchmark.run import Run, write_run
from benchmark.score import score, scores_text
from benchmark.tables import make_tables
from leaderboard.results import read_tables
from leaderboard.site import build_site
from tests.benchmark.tiny_bench import noisy, truth_of, write_bench, write_values

TASK = "like_view_ratio"
ASKED = 15


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return write_bench(tmp_path_factory.mktemp("bench"), [TASK])


def some_of(folder, bench, name, values, asked=slice(ASKED), **more):
    """A run of a part of the questions of one task."""
    whole = Run.open(write_values(folder / f"{name} whole", bench, name, {TASK: values}), bench)
    return write_run(folder / name, bench, name, "lm", {TASK: whole.predictions(TASK)[asked]}, {}, partial=True, **more)


@pytest.fixture(scope="module")
def runs(bench, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    full = write_values(folder / "full", bench, "full", {TASK: noisy(bench, TASK, 0.5)})
    perfect = some_of(folder, bench, "perfect", truth_of(bench, TASK))
    rival = some_of(folder, bench, "rival", noisy(bench, TASK, 3, 9))
    apart = some_of(folder, bench, "apart", noisy(bench, TASK, 1, 2), slice(20, 31))
    return [perfect, full, rival, apart]


@pytest.fixture(scope="module")
def table(bench, runs, tmp_path_factory):
    out = tmp_path_factory.mktemp("tables")
    make_tables(runs, bench.root, out)
    return json.loads((out / f"{TASK}.json").read_text()), (out / f"{TASK}.md").read_text()


def rows_of(table, run):
    return {row["metric"]: row for row in table["rows"] if row["run"] == run}


def test_the_score_speaks_of_the_asked_questions_alone(bench, runs):
    (row,) = [row for row in score(runs[2], bench.root) if row["metric"] == "rmse"]
    error = np.array(noisy(bench, TASK, 3, 9)[:ASKED]) - np.array(truth_of(bench, TASK)[:ASKED])
    assert row["value"] == pytest.approx(math.sqrt((error**2).mean()))
    assert (row["n"], row["questions"], row["partial"], row["unparsed"]) == (ASKED, 40, True, 0)
    told = scores_text(score(runs[2], bench.root))
    assert told.startswith("run rival (partial)\n") and "15 of 40" in told and "no rank" in told
    assert "partial" not in scores_text(score(runs[1], bench.root)).lower()


def test_the_trivial_row_beside_a_score_is_the_chosen_one_on_the_same_questions(bench, runs):
    truth = np.array(truth_of(bench, TASK)[:ASKED])[:, 0]
    (row,) = [row for row in score(runs[0], bench.root) if row["metric"] == "rmse"]
    assert row["best_trivial"] == bench.tasks[TASK]["best_reference"]["rmse"]
    answers = provided_answers(bench, TASK, row["best_trivial"], bench.public(TASK, "test").head(ASKED))
    values = answers["values_rmse"].list.first().to_numpy()
    assert row["best_trivial_value"] == pytest.approx(math.sqrt(((truth - values) ** 2).mean()))


def test_a_partial_run_has_no_rank_and_changes_nobodys(bench, runs, table, tmp_path):
    make_tables([runs[1]], bench.root, tmp_path / "alone")
    alone = json.loads((tmp_path / "alone" / f"{TASK}.json").read_text())
    content = table[0]
    for key in ("rank", "separable", "best_trivial"):
        assert content[key] == alone[key]
    assert rows_of(content, "full") == rows_of(alone, "full")
    perfect = rows_of(content, "perfect")["rmse"]
    assert (perfect["partial"], perfect["n"], perfect["questions"], perfect["rank"]) == (True, ASKED, 40, None)
    assert perfect["value"] == 0 and perfect["skill"] == 1
    assert [row["run"] for row in content["rows"]].count("constant") == len(rows_of(content, "constant"))


def test_those_that_were_asked_the_same_are_ranked_among_themselves(table):
    by_size = {(entry["metric"], entry["n"]): entry for entry in table[0]["partial"]}
    assert {size for _, size in by_size} == {ASKED, 11}
    ranks = by_size["rmse", ASKED]["rank"]
    assert ranks["perfect"] == 1 < ranks["rival"] and {"constant", "random"} <= set(ranks)
    assert not {"full", "apart"} & set(ranks)
    assert "apart" in by_size["rmse", 11]["rank"]


def test_the_text_marks_partial_runs_and_puts_them_last(table):
    text = table[1]
    scores = text.split("### rmse: scores")[1]
    block = scores.split("†")[0]
    shown = [line.split("|")[1].strip() for line in scores.splitlines() if line.startswith("| ")]
    last = shown[shown.index("run") + 2 :][: len({row["run"] for row in table[0]["rows"]})]
    assert set(last[-3:]) == {"perfect", "rival", "apart"} and "‡" in text and block
    assert "perfect on test 15 of 40" in text and "on 15 questions alone: 1. perfect" in text
    assert "| test      | 40" in text.split("## What this rests on")[1]


def test_the_page_marks_them(bench, runs, tmp_path):
    page = build_site(runs, tmp_path / "site", bench.root).read_text()
    line = page.split('data-run="perfect"')[1].split("</tr>")[0]
    assert "15 of 40 questions" in line and " top" not in line
    (read,) = read_tables(tmp_path / "site" / "data", bench.fingerprint, ["full", "perfect", "rival", "apart"])
    assert read.columns[0].n == 40 and read.top_rank(read.columns[0]) == 1
    assert {line.run for line in read.lines[-3:]} == {"perfect", "rival", "apart"}


def test_a_limit_that_leaves_nothing_out_is_no_part(bench, tmp_path):
    whole = some_of(tmp_path, bench, "whole", noisy(bench, TASK, 1), slice(None), settings={"limit": 1000})
    assert {(row["partial"], row["n"]) for row in score(whole, bench.root)} == {(False, 40)}
    make_tables([whole], bench.root, tmp_path / "out")
    content = json.loads((tmp_path / "out" / f"{TASK}.json").read_text())
    assert rows_of(content, "whole")["rmse"]["rank"] is not None and content["partial"] == []


def test_of_a_run_that_is_not_partial_a_missing_answer_counts_as_unread(bench, tmp_path):
    run = Run.open(write_values(tmp_path / "a", bench, "a", {TASK: truth_of(bench, TASK)}), bench)
    holes = write_run(tmp_path / "b", bench, "b", "lm", {TASK: run.predictions(TASK).head(30)}, {})
    row = next(row for row in score(holes, bench.root) if row["metric"] == "accuracy_rel10")
    assert (row["n"], row["unparsed"], row["partial"], row["value"]) == (40, 10, False, 75)
