"""The whole chain at toy size: every step leaves what the next needs, and what the demo promises is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baselines.lcbm.recipe import load_recipe
from benchmark.bench import Bench
from benchmark.tasks.registry import all_tasks
from studies.demo import PREDICTORS, RECIPES, demo_steps
from studies.findings import findings_text
from studies.planted import planted_sizes

WORLD = {"world": "clear", "brands": 12, "videos": 70, "posts": 30, "emails": 1}
NOT_LEARNT = load_recipe("nano-lcbm").tasks_left_out
TINY = {"steps": 3, "micro_batch": 2, "eval_every_steps": 3, "save_every_steps": 3, "scratch.hidden_size": 32}


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    for _, step in demo_steps(out, 1, WORLD, TINY):
        step()
    return out


def test_every_run_is_scored_and_tabulated(demo):
    bench = Bench.open(demo / "bench")
    names = {*PREDICTORS, *RECIPES}
    assert {path.name for path in (demo / "runs").iterdir() if not path.name.startswith(".")} == names
    tables = [json.loads(path.read_text()) for path in sorted((demo / "tables").glob("*.json"))]
    rows = [row for table in tables for row in table["rows"]]
    for task, entry in bench.tasks.items():
        runs = {row["run"] for row in rows if row["table"] == entry["table"] and row["condition"] == entry["condition"]}
        assert {"oracle", "random"} <= runs, task
        assert (set(RECIPES) & runs) == (set() if task in NOT_LEARNT else set(RECIPES)), task
    assert {row["table"] for row in rows} == {task.table.name for task in all_tasks()}
    assert all(row["value"] is not None and row["n"] > 0 for row in rows)


def test_scores_of_the_run_equal_those_of_the_table(demo):
    tables = [json.loads(path.read_text()) for path in (demo / "tables").glob("*.json")]
    rows = {  # a run that answers everything has its score there, beside its value on the panel
        (row["table"], row["condition"], row["metric"], row["run"]): row["value"]
        for part in ("rows", "everything")
        for table in tables
        for row in table[part]
    }
    for run in (*RECIPES, *PREDICTORS):
        scores = json.loads((demo / "runs" / run / "scores.json").read_text())["rows"]
        assert scores
        for row in scores:
            assert rows[row["table"], row["condition"], row["metric"], run] == row["value"]


def test_the_three_models_saw_equal_tokens_and_steps(demo):
    about = [json.loads((demo / "models" / recipe / "training.json").read_text()) for recipe in RECIPES]
    assert len({(model["tokens"], model["steps"], model["parameters"]) for model in about}) == 1
    assert {model["recipe"]["variant"] for model in about} == {"behavior", "control", "content"}


def test_the_planted_effects_of_every_run_are_in_one_table(demo):
    part = planted_sizes(demo / "effects")
    assert set(part.columns) >= {"task", "factor", "true outcomes", "oracle", *RECIPES, *PREDICTORS}
    assert {line[1] for line in part.rows} >= {"audience", "style"}  # most levels are too rare in so few groups
    for line in part.rows:
        row = dict(zip(part.columns, line, strict=True))
        unanswered = {column for column, cell in row.items() if cell == "-"}
        assert unanswered == (set(RECIPES) if row["task"].partition(":")[0] in NOT_LEARNT else set())


def test_the_page_is_there_and_a_second_demo_changes_nothing(demo):
    page = (demo / "site" / "index.html").read_bytes()
    for recipe in RECIPES:
        assert recipe.encode() in page
    for _, step in demo_steps(demo, 1, WORLD, TINY):
        step()
    assert (demo / "site" / "index.html").read_bytes() == page


def test_the_findings_say_of_every_task_who_is_apart(demo):
    told = findings_text(demo / "tables")
    lines = [line.split("|") for line in told.splitlines() if line.startswith("|")]
    found = {line[1].strip(): line[-2].strip() for line in lines[2:]}
    tables = [json.loads(path.read_text()) for path in sorted((demo / "tables").glob("*.json"))]
    answered = {(row["table"], row["condition"]) for table in tables for row in table["rows"] if row["run"] in RECIPES}
    assert set(found) == {f"{table}: {condition}" for table, condition in answered}
    for table in tables:
        metric = table["metrics"][0]["name"]
        for condition in (name for name in table["conditions"] if (table["table"], name) in answered):
            worse = {
                pair["worse"]
                for pair in table["separable"]
                if (pair["condition"], pair["metric"], pair["better"]) == (condition, metric, "nano-lcbm")
            }
            names = {"nano-control": "control", "nano-base": "base", "random": "chance"}
            expected = ", ".join(name for run, name in names.items() if run in worse) or "nobody"
            assert found[f"{table['table']}: {condition}"] == expected
    beaten = any(pair["worse"] == "oracle" for table in tables for pair in table["separable"])
    assert told.endswith("Apart above the oracle: nobody.") is not beaten
