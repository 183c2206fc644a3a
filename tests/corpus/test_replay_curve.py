"""Merging of replay markers, against the formula of the paper."""

from __future__ import annotations

import itertools
import math

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.replay_curve import MERGE_SQL, merge_markers, multiplier, scene_spans

CURVE = st.lists(st.floats(0, 1), min_size=100, max_size=100)
DURATION_S = st.one_of(st.integers(1, 36_000).map(float), st.floats(1, 36_000))


@given(CURVE, DURATION_S)
def test_merging_follows_the_formula(values, duration_s):
    k = max(1, math.ceil(100 / duration_s))
    merged = merge_markers(values, duration_s)
    assert len(merged) == math.floor(100 / k)
    assert merged == [max(values[i * k : i * k + k]) for i in range(len(merged))]


@given(DURATION_S)
def test_a_scene_lasts_at_least_a_second_and_no_marker_less_would_do(duration_s):
    k = multiplier(100, duration_s)
    marker_s = duration_s / 100
    assert k * marker_s >= 1 - 1e-9
    assert k == 1 or (k - 1) * marker_s < 1
    spans = scene_spans(100, duration_s)
    assert spans[0][0] == 0
    assert spans[-1][1] <= duration_s + 1e-6
    assert all(a[1] == pytest.approx(b[0]) for a, b in itertools.pairwise(spans))


@settings(max_examples=30, deadline=None)
@given(CURVE, DURATION_S)
def test_the_sql_macros_agree(values, duration_s):
    connection = duckdb.connect()
    connection.execute(MERGE_SQL)
    found = connection.execute("SELECT merge_markers(?::DOUBLE[], ?::DOUBLE)", [values, duration_s]).fetchone()
    assert found is not None
    assert found[0] == merge_markers(values, duration_s)


@pytest.mark.parametrize("duration_s", [0.0, -1.0, math.nan, math.inf])
def test_a_video_without_length_has_no_scenes(duration_s):
    with pytest.raises(ValueError, match="duration"):
        merge_markers([0.5] * 100, duration_s)
