"""Dot plots: their limits hold what matters, any name can be drawn, the same scores give the same bytes."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.charts import axis_limits, dot_plot, short_name
from leaderboard.palette import COLORS
from leaderboard.results import Table
from leaderboard.words import visible

SOME = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8)


@pytest.fixture
def content(folder):
    return json.loads((folder / "site" / "data" / "like_view_ratio.json").read_text())


@given(SOME, SOME, st.booleans())
def test_limits_hold_the_trivial_predictors_and_everything_better(values, trivial, lower_is_better):
    low, high = axis_limits([*values, *trivial], trivial, lower_is_better)
    assert low < high and all(low <= value <= high for value in trivial)
    better = [v for v in values if (v <= max(trivial) if lower_is_better else v >= min(trivial))]
    assert all(low <= value <= high for value in better)


def test_what_is_far_worse_than_every_trivial_predictor_lies_off_the_scale():
    assert axis_limits([1.0, 2.0, 400.0], [2.0], lower_is_better=True)[1] < 4
    assert axis_limits([0.9, 0.0, -375.0], [0.0], lower_is_better=False)[0] > -1


@pytest.mark.parametrize(
    "name",
    [
        "$x_1$",
        "$",
        "_hidden",
        "\\frac{",
        "a" * 300,
        "лента 视频 🎬",
        "two\nlines",
        "<b>&amp;",
        "\x00\x1b[2J",
        "\ud800",
        "\ufffe",
        "\u202emcbl",
    ],
)
def test_any_name_is_drawn(content, name):
    for row in content["rows"]:
        row["run"] = name if row["run"] == "nano-lcbm" else row["run"]
    table = Table(content)
    chart = ElementTree.fromstring(dot_plot(table, table.columns, f"best: {name}"))
    assert short_name(name) in {text.text for text in chart.iter("text")}
    assert chart.get("aria-label") == f"best: {visible(name)}" and not chart.findall(".//*[@style]")


def test_charts_of_a_page_share_no_ids(content):
    table = Table(content)
    wide, narrow = (ElementTree.fromstring(dot_plot(table, table.columns, narrow=narrow)) for narrow in (False, True))
    ids = [{element.get("id") for element in chart.iter() if element.get("id")} for chart in (wide, narrow)]
    assert ids[0] and ids[1] and not ids[0] & ids[1]


def test_colors_are_variables_that_the_page_defines(content):
    table = Table(content)
    chart = ElementTree.fromstring(dot_plot(table, table.columns))
    colors = {element.get(name) for element in chart.iter() for name in ("fill", "stroke")} - {None, "none"}
    assert colors == {f"var(--{name})" for name in COLORS} & colors and len(colors) > 4


def test_missing_values_and_intervals_are_drawn(content):
    for row in content["rows"]:
        row |= {"low": None, "high": None, "value": None if row["run"] == "boosted" else row["value"]}
    table = Table(content)
    chart = ElementTree.fromstring(dot_plot(table, table.columns, narrow=True))
    texts = {text.text for text in chart.iter("text")}
    assert {short_name(line.run) for line in table.lines if line.run != "boosted"} <= texts


def test_the_same_scores_give_the_same_bytes(content):
    first, second = (dot_plot(Table(content), Table(content).columns) for _ in range(2))
    assert first == second


def test_long_names_are_cut():
    assert short_name("x" * 60).endswith("…") and short_name("two\nlines") == "two lines"
