"""A pre-trained model as it comes, with examples, and tuned: all on the same questions of one table."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")

from studies.smol import RECIPES, TASKS, run_smol


def test_every_row_answers_the_same_questions_and_a_second_call_changes_nothing(small_bench, tiny_llama, tmp_path):
    results = [
        run_smol(small_bench.root, tiny_llama, tmp_path / "smol", 2, folder=tmp_path).read_text() for _ in range(2)
    ]
    assert results[0] == results[1]
    tables = json.loads((tmp_path / "smol.json").read_text())["tables"]
    names = {*RECIPES, "tiny-llama", "tiny-llama-2shot"}
    conditions = {(small_bench.tasks[task]["table"], small_bench.tasks[task]["condition"]) for task in TASKS}
    rows = [row for table in tables for row in table["rows"] if row["run"] in names]
    assert {(row["table"], row["condition"]) for row in rows} == conditions
    for condition in conditions:
        own = [row for row in rows if (row["table"], row["condition"]) == condition]
        assert {row["run"] for row in own} == names and {row["n"] for row in own} == {40}
    variants = {
        name: json.loads((tmp_path / "smol" / "models" / name / "training.json").read_text()) for name in RECIPES
    }
    assert {name: about["recipe"]["variant"] for name, about in variants.items()} == {
        "smol-base": "content",
        "smol-control": "control",
        "smol-lcbm": "behavior",
        "smol-random": "behavior",
    }
    assert {about["recipe"]["base"] for about in variants.values()} == {str(tiny_llama)}
