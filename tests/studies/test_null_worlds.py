"""Worlds without effects: nothing in them follows from content, and the study counts who is called apart."""

from __future__ import annotations

import json

import numpy as np

from corpus.simulate.world import simulate
from corpus.store import Corpus
from corpus.verbalize.message_frames import query
from studies.null_worlds import called, count_part, run_study


def row(run: str, skill: float | None, apart: bool, p: float | None = 0.5, role: str = "reference") -> dict:
    return {"run": run, "role": role, "skill": skill, "apart": apart, "p": p}


def test_only_runs_that_are_apart_from_a_reference_are_called():
    rows = [row("linear", 0.2, True), row("boosted", -0.1, True), row("lm", 0.3, False)]
    rows += [row("lm", 0.4, True, role="control"), row("few", None, False, p=None)]
    assert called({"family": rows}) == {("linear", "above"), ("boosted", "below")}


def test_worlds_are_counted_by_table_where_anybody_could_be_apart():
    above = {"table": "views", "family": [row("linear", 0.2, True), row("boosted", 0.1, True)]}
    nobody = {"table": "views", "family": [row("linear", 0.2, False), row("boosted", -0.3, False)]}
    below = {"table": "posts", "family": [row("linear", 0.0, False), row("boosted", -0.1, True)]}
    silent = {"table": "posts", "family": [row("linear", 0.2, False, p=None)]}
    part = count_part([[above, below], [nobody, silent], [nobody]])
    assert part.columns == [
        *("table", "worlds", "apart", "above", "below", "linear", "boosted"),
        "at most above (99 %)",
    ]
    assert part.rows == [
        ["posts", 1, 1, 0, 1, 0, 1, 1],
        ["views", 3, 1, 1, 0, 1, 1, 1],
        ["all tables", 4, 2, 1, 1, 1, 2, 1],
    ]


def test_in_the_null_world_the_law_is_the_same_for_every_message(tmp_path):
    simulate(tmp_path / "null", 3, "null", brands=12, videos=4, posts=6)
    law = query(Corpus.open(tmp_path / "null").connect(), 'FROM "law@2"')
    assert {len(law[name].drop_nulls().unique()) for name in ("like_view_ln", "views_ln", "like_view_sd")} == {1}
    curves = [np.asarray(curve) for curve in law["replay_mean"].drop_nulls() if len(curve) == 100]
    assert len(curves) > 1 and all(np.allclose(curve, curves[0]) for curve in curves)


def test_the_study_writes_its_counts(tmp_path):
    path = run_study(tmp_path, 1, {"brands": 120, "videos": 2, "posts": 20})
    content = json.loads((tmp_path / "null.json").read_text())
    assert path.name == "null.md" and content["command"] == "cbc study null --worlds 1"
    (part,) = content["parts"]
    assert part["rows"][-1][0] == "all tables" and part["rows"][-1][1] >= 3
    assert "| all tables |" in path.read_text()
