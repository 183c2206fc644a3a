"""The panel: the same fixed part of the questions for every expensive model, and tables that compare on it."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.base import Settings
from baselines.predict import predict_run
from benchmark.run import Run, write_run
from benchmark.sizes import PanelSize, capped, panel_ranks
from benchmark.tables import make_tables
from tests.benchmark.tiny_bench import noisy, write_bench, write_values

TASK = "like_view_ratio"
PANEL = 15


def asked(groups: list[int]) -> pl.DataFrame:
    """Questions with a group each."""
    rows = [{"message_id": f"m{i}", "group": f"g{group}", "scene_seen": [""] * i} for i, group in enumerate(groups)]
    return pl.DataFrame(rows, schema={"message_id": pl.String, "group": pl.String, "scene_seen": pl.List(pl.String)})


@given(st.lists(st.integers(0, 8), min_size=1, max_size=60), st.integers(1, 70), st.integers(0, 3))
def test_each_group_has_a_question_before_any_has_two(groups, size, seed):
    questions = asked(groups)
    ranks = panel_ranks(questions, PanelSize(size), seed)
    assert sorted(ranks.drop_nulls()) == list(range(min(size, len(groups))))
    chosen = questions.filter(ranks.is_not_null())["group"].value_counts()["count"].to_list()
    if len(chosen) < len(set(groups)):
        assert set(chosen) == {1}
    smaller = panel_ranks(questions, PanelSize(max(1, size // 2)), seed)
    known = smaller.is_not_null()
    assert smaller.filter(known).equals(ranks.filter(known), check_dtypes=False)
    shuffled = panel_ranks(questions[::-1], PanelSize(size), seed)
    assert shuffled.reverse().equals(ranks)


def test_long_videos_are_outside_of_a_panel_of_short_ones():
    questions = asked([0, 1, 2, 3, 4, 5])
    assert panel_ranks(questions, PanelSize(10, most_scenes=2), 0).is_not_null().to_list() == [True] * 3 + [False] * 3
    without_scenes = questions.drop("scene_seen")
    assert panel_ranks(without_scenes, PanelSize(10, most_scenes=2), 0).null_count() == 0


def test_further_draws_of_masks_are_outside_of_a_panel():
    questions = asked([0, 1, 2])
    drawn = pl.concat(questions.with_columns(draw=pl.lit(draw)) for draw in range(3))
    alone = panel_ranks(questions, PanelSize(10), 0)
    assert panel_ranks(drawn, PanelSize(10), 0).to_list() == [*alone, *[None] * 6]


def test_the_first_questions_are_part_of_more_of_them():
    questions = asked(list(range(30))).with_columns(split=pl.lit("test"))
    few, many = (set(capped(questions, {"test": size}, 1)["message_id"]) for size in (5, 12))
    assert few < many and (len(few), len(many)) == (5, 12)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return write_bench(tmp_path_factory.mktemp("bench"), (TASK,), panel=PANEL)


@pytest.fixture(scope="module")
def content(bench, tmp_path_factory):
    """The table of a run on everything and one on the panel."""
    folder = tmp_path_factory.mktemp("runs")
    whole = write_values(folder / "whole", bench, "whole", {TASK: noisy(bench, TASK, 0.3, 1)}, "boosted")
    answers = pl.DataFrame(
        {"instance_id": bench.panel(TASK)["instance_id"], "values": noisy(bench, TASK, 2.0, 2)[:PANEL]}
    )
    model = write_run(folder / "model", bench, "model", "lm", {TASK: answers}, {}, partial=True)
    make_tables([whole, model], bench.root, folder / "tables")
    return json.loads((folder / "tables" / f"{TASK}.json").read_text()), (folder / "tables" / f"{TASK}.md").read_text()


def rmse(bench, values):
    truth = np.array(bench.answers(TASK)["target"].to_list()).ravel()
    gap = np.array(values).ravel() - truth[: len(values)]
    return float(np.sqrt((gap**2).mean()))


def test_all_runs_are_compared_on_the_panel_and_those_that_can_on_everything(bench, content):
    table, _ = content
    rows = {row["run"]: row for row in table["rows"] if row["metric"] == "rmse"}
    assert {"whole", "model", "constant", "random"} <= set(rows)
    assert {(row["n"], row["questions"], row["partial"]) for row in rows.values()} == {(PANEL, 40, False)}
    assert rows["whole"]["value"] == pytest.approx(rmse(bench, noisy(bench, TASK, 0.3, 1)[:PANEL]))
    assert rows["model"]["value"] == pytest.approx(rmse(bench, noisy(bench, TASK, 2.0, 2)[:PANEL]))
    assert rows["whole"]["rank"] == 1 and rows["model"]["rank"] is not None and table["partial"] == []
    everything = {row["run"]: row for row in table["everything"] if row["metric"] == "rmse"}
    assert "model" not in everything and {"whole", "constant"} <= set(everything)
    assert everything["whole"]["n"] == 40
    assert everything["whole"]["value"] == pytest.approx(rmse(bench, noisy(bench, TASK, 0.3, 1)))


def test_the_text_says_how_many_were_compared(content):
    _, text = content
    assert "### rmse: on all questions, for the runs that answered them" in text and "test (40)" in text
    assert "| test      | 15                 | 40 |" in text


def test_a_predictor_answers_the_panel_when_asked_to(bench, tmp_path):
    predict_run("constant", bench.root, tmp_path / "run", Settings(panel=True))
    run = Run.open(tmp_path / "run", bench)
    assert run.manifest.partial and len(run.predictions(TASK)) == PANEL
    assert run.questions(TASK)["instance_id"].to_list() == bench.panel(TASK)["instance_id"].to_list()
    predict_run("constant", bench.root, tmp_path / "whole", Settings())
    assert not Run.open(tmp_path / "whole", bench).manifest.partial


def test_where_the_panel_is_empty_a_partial_run_stays_partial(tmp_path):
    bench = write_bench(tmp_path / "bench", (TASK,), panel=-1)
    assert bench.panel(TASK).is_empty()
    answers = pl.DataFrame(
        {"instance_id": bench.public(TASK, "test")["instance_id"][:5], "values": noisy(bench, TASK, 2.0, 2)[:5]}
    )
    run = write_run(tmp_path / "run", bench, "model", "lm", {TASK: answers}, {}, partial=True)
    make_tables([run], bench.root, tmp_path / "tables")
    table = json.loads((tmp_path / "tables" / f"{TASK}.json").read_text())
    assert {(row["partial"], row["n"]) for row in table["rows"] if row["run"] == "model"} == {(True, 5)}
    assert {row["n"] for row in table["rows"] if row["run"] == "constant"} == {40} and table["everything"] == []
