"""Forest plot: every task and run is drawn, an interval only where the table prints one."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.bench import Bench
from benchmark.open_runs import open_runs
from leaderboard.forest import MOST_RUNS, choose_series, forest_plot, skill_limits
from leaderboard.matrix import make_matrix
from leaderboard.results import Table

INTERVAL = "1.4"  # width of the line


@pytest.fixture(scope="module")
def make_columns(folder, runs):
    opened = open_runs(runs, Bench.open(folder / "bench"))

    def make(change=lambda row: None):
        contents = [json.loads(path.read_text()) for path in sorted((folder / "site" / "data").glob("*.json"))]
        for content in contents:
            for row in content["rows"]:
                change(row)
        return make_matrix([Table(content) for content in contents], opened).columns

    return make


def intervals(chart):
    return [path for path in chart.iter("path") if path.get("stroke-width") == INTERVAL]


SERIES = choose_series(["nano-lcbm", "boosted"], oracle=True)


@pytest.mark.parametrize("narrow", [False, True])
def test_tasks_are_named_and_intervals_drawn(make_columns, narrow):
    columns = make_columns()
    chart = ElementTree.fromstring(forest_plot(columns, SERIES, narrow))
    texts = " ".join(text.text for text in chart.iter("text"))
    assert all(column.table.short_title.split()[0] in texts for column in columns)
    assert "% of the error removed" in texts and "percentage points gained" in texts
    assert 0 < len(intervals(chart)) <= len(columns) * len(SERIES)
    assert "4 tasks" in chart.get("aria-label") and not chart.findall(".//*[@style]")


def test_no_interval_is_drawn_where_none_is_printed(make_columns):
    columns = make_columns(lambda row: row.update(skill_low=None, skill_high=None))
    chart = ElementTree.fromstring(forest_plot(columns, SERIES))
    assert intervals(chart) == [] and len(list(chart.iter("use"))) > 4


def test_runs_without_a_skill_are_left_out(make_columns):
    columns = make_columns(lambda row: row.update(skill=None, skill_low=None, skill_high=None))
    assert intervals(ElementTree.fromstring(forest_plot(columns, SERIES))) == []


@given(st.lists(st.floats(-1e4, 1e2), max_size=9))
def test_the_scale_holds_zero_and_every_gain(values):
    low, high = skill_limits(values)
    assert low < 0 < high and all(value < high for value in values)
    if values and max(values) > 0:
        assert low >= -1.2 * max(values) - 1


@given(st.integers(0, 30), st.booleans())
def test_each_run_has_its_own_look(count, oracle):
    series = choose_series([f"run {place}" for place in range(count)], oracle)
    assert len({(one.color, one.marker) for one in series}) == len(series) == min(count, MOST_RUNS) + oracle
