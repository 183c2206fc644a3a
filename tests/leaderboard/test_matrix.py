"""The matrix that opens the page: its verdicts are those of the joint tests, in signs and words as well as in color."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmark.bench import Bench
from benchmark.open_runs import open_runs
from benchmark.run import write_run
from leaderboard.matrix import SIGNS, VERDICTS, make_matrix
from leaderboard.notes import notes
from leaderboard.results import Table, read_tables
from leaderboard.site import build_site
from tests.leaderboard.browser import opened
from tests.leaderboard.small import RUNS, guesses


@pytest.fixture(scope="module")
def opened_runs(folder, runs):
    return open_runs(runs, Bench.open(folder / "bench"))


@pytest.fixture(scope="module")
def tables(folder, opened_runs):
    bench = Bench.open(folder / "bench")
    return read_tables(folder / "site" / "data", bench.fingerprint, [run.name for run in opened_runs])


def changed(tables, change):
    """The tables with their rows changed."""
    contents = [json.loads(json.dumps(table.content)) for table in tables]
    for content in contents:
        for row in content["rows"]:
            change(row)
    return [Table(content) for content in contents]


def test_each_cell_has_the_verdict_of_the_family_and_the_skill_of_the_table(tables, opened_runs):
    matrix = make_matrix(tables, opened_runs)
    cells = {
        (row.name, *column.names, column.condition): (cell, column)
        for row in matrix.rows
        for column, cell in zip(matrix.columns, row.cells, strict=True)
    }
    states = set()
    for (name, *_), (cell, column) in cells.items():
        family = [
            row
            for row in column.table.content["family"]
            if (row["run"], row["condition"], row["role"]) == (name, column.condition, "reference")
        ]
        for row in family:
            expected = "level" if not row["apart"] else "above" if row["skill"] > 0 else "below"
            assert (cell.state, cell.sign) == (expected, SIGNS[expected]) and VERDICTS[expected] in cell.words
            gain = 100 * row["skill"] if column.metric.skill == "share" else row["skill"]
            assert float(cell.number.replace("−", "-")) == pytest.approx(gain, abs=0.5 if abs(gain) > 99 else 0.051)
            states.add(expected)
    assert states == {"above", "level", "below"}
    assert [row.role for row in matrix.rows] == ["run"] * 5 + ["reference", "oracle"]
    assert {cell.number for cell in matrix.rows[5].cells} == {"0"}


def test_ties_share_the_best_rank_and_are_above_the_reference(tables, opened_runs):
    matrix = make_matrix(tables, opened_runs)
    tied = 0
    for row in matrix.rows:
        for column, cell in zip(matrix.columns, row.cells, strict=True):
            ranks = {
                r["run"]: r["rank"]
                for r in column.table.content["rows"]
                if (r["condition"], r["metric"]) == column.key and r["kind"] != "oracle" and r["rank"] is not None
            }
            shares = [run for run, rank in ranks.items() if rank == min(ranks.values())]
            if cell.place == "tied":
                tied += 1
                assert row.name in shares and cell.state == "above" and len(shares) > 1
            assert cell.place != "best" or shares == [row.name]
    assert tied > 1 and matrix.ties


def test_partial_runs_and_missing_answers_have_no_verdict(tables, opened_runs):
    def partial(row):
        if row["run"] == "boosted":
            row |= {"partial": True, "rank": None, "n": 20}

    matrix = make_matrix(changed(tables, partial), opened_runs)
    boosted = next(row for row in matrix.rows if row.name == "boosted")
    assert {(cell.state, cell.sign, cell.place) for cell in boosted.cells} == {("partial", "‡", "")}
    without = [
        Table({**t.content, "rows": [r for r in t.content["rows"] if r["run"] != "boosted"]}) for t in tables[:1]
    ]
    matrix = make_matrix([*without, *tables[1:]], opened_runs)
    boosted = next(row for row in matrix.rows if row.name == "boosted")
    assert [cell.words for cell in boosted.cells[:2]] == ["no answers"] * 2 and boosted.cells[0].number == "–"
    assert boosted.cells[2].state != "missing"


def test_only_partial_runs_leave_a_column_without_verdicts(tables, opened_runs):
    def partial(row):
        if row["run"] in RUNS:
            row |= {"partial": True, "rank": None}

    matrix = make_matrix(changed(tables, partial), opened_runs)
    assert len(matrix.columns) == 4 and matrix.standings == {}
    assert {cell.state for row in matrix.rows[:5] for cell in row.cells} == {"partial"}


def test_notes_name_few_groups_single_seeds_panels_and_partial_runs(tables, opened_runs):
    columns = make_matrix(tables, opened_runs).columns
    few, seed = notes(columns, opened_runs)
    assert "(10.0 and more)" in few and few.endswith("all 4 tasks.") and seed.endswith("nano-lcbm.") and "seed" in seed

    def panel(row):
        row |= {"questions": 600, "effective_groups": 25.0, "partial": row["run"] == "boosted"}

    columns = make_matrix(changed(tables, panel), opened_runs).columns
    _, panels, partial = notes(columns, opened_runs)
    assert "likes per view: 60 of 600" in panels and "boosted in" in partial
    assert notes([], [run for run in opened_runs if run.name == "boosted"]) == []


def test_a_note_counts_prompts_that_lost_their_beginning_once_a_task(tables, opened_runs):
    columns = make_matrix(tables, opened_runs).columns
    column = columns[0]
    cut = [
        {"run": f"run {n}", "condition": column.condition, "prompts": prompts}
        for n, prompts in enumerate([7, 1234, 8, 9])
    ]
    other = replace(column.table, content={**column.table.content, "cut_prompts": cut})
    *_, lost = notes([replace(column, table=other), *columns[1:]], opened_runs)
    assert lost.endswith(f"lost their beginning, at most: {column.label} 1,234 (run 0 and 3 other runs).")
    assert "beginning" not in " ".join(notes(columns, opened_runs))


@pytest.fixture(scope="module")
def site_with_control(folder, tmp_path_factory):
    """The page of a tuned run, its control, and a run of one task."""
    root = tmp_path_factory.mktemp("control")
    bench = Bench.open(folder / "bench")
    about = {"trained_alike": "both", "seed": 0}
    answers = {error: {task: guesses(bench, task, error, 0.0, 1) for task in bench.tasks} for error in (0.05, 0.4)}
    one_task = {"like_view_ratio": answers[0.05]["like_view_ratio"]}
    runs = [
        write_run(root / "tuned", bench, "tuned", "lm", answers[0.05], {**about, "variant": "behavior"}),
        write_run(root / "control", bench, "shuffled", "lm", answers[0.4], {**about, "variant": "control"}),
        write_run(root / "one", bench, "one task", "linear", one_task, {}),
    ]
    return build_site(runs, root / "site", bench.root, instances=0)


def test_controls_and_gaps_are_said_in_words(browser, site_with_control):
    page = opened(browser, site_with_control.as_uri())
    control = page.locator(".matrix tr.control")
    assert "shuffled" in control.inner_text() and "control" in control.locator("small").first.inner_text()
    row = page.locator(".matrix tbody tr", has_text="one task")
    assert row.inner_text().count("no answers") == 3
    assert "tuned" in page.locator(".summary").inner_text()
    assert page.locator(".notes li").count() >= 2
    assert not (site_with_control.parent / "instances").exists() and page.locator("#instances").count() == 0
    page.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_matrix_is_a_table_to_a_screen_reader_also_when_it_is_turned(browser, address, width):
    page = opened(browser, address, width=width)
    matrix = page.get_by_role("table").first
    assert matrix.get_by_role("columnheader").count() == (8 if width == 1280 else 5)
    assert matrix.get_by_role("rowheader").count() == len(RUNS) + 2
    cells = matrix.get_by_role("cell").all_inner_texts()
    assert sum("best reference" in text for text in cells) == len(RUNS) * 4
    page.close()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_on_a_phone_the_matrix_stands_on_the_first_screen(browser, wide_site, mode):
    page = opened(browser, (wide_site / "index.html").as_uri(), width=390, mode=mode)
    page.set_viewport_size({"width": 390, "height": 844})
    box = page.locator(".matrix").bounding_box()
    assert box["y"] < 100 and box["y"] + box["height"] <= 844
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    rows = page.locator(".matrix thead .task").evaluate_all("heads => heads.map(h => h.getBoundingClientRect().top)")
    assert rows == sorted(rows) and len(set(rows)) == 5, "tasks stand below each other"
    page.close()


def test_signs_tell_what_colors_tell(page):
    for state, sign in (("above", "▲"), ("below", "▼"), ("level", "≈")):
        cells = page.locator(f".matrix td.{state}").all_inner_texts()
        assert cells and all(text.startswith(sign) for text in cells)
    grounds = page.locator(".matrix tbody td").evaluate_all(
        "cells => cells.map(cell => [cell.className, getComputedStyle(cell).backgroundColor])"
    )
    by_state = {state: {color for name, color in grounds if name == state} for state in ("above", "below", "level")}
    assert all(len(colors) == 1 for colors in by_state.values()) and len(set.union(*by_state.values())) == 3


def test_the_answer_comes_first_then_the_plot_then_tables_and_curves(page):
    order = page.evaluate("[...document.querySelectorAll('main > section')].map(part => part.id || part.className)")
    places = [order.index(name) for name in ("answer", "forest", "replay_values", "curves", "instances", "runs")]
    assert places == sorted(places) and order[0] == "answer"
    assert page.locator("#curves details").first.get_attribute("id") == "curves-replay_all_masked"
