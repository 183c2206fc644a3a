"""What is said of a run: quantities in words, and nothing of what no predictor would say."""

from __future__ import annotations

import pytest

from benchmark.bench import Bench
from benchmark.run import Run, new_manifest
from leaderboard.run_facts import UNKNOWN, known_columns, run_facts


def facts(folder, **about):
    bench = Bench.open(folder / "bench")
    manifest = new_manifest(run="mine", kind="lm", bench=bench.fingerprint, tasks=["like_view_ratio"], about=about)
    return run_facts(Run(folder, bench, manifest))


def test_quantities_are_words_and_settings_are_said(folder):
    said = facts(folder, says="a model", training="on posts", shots=2, parameters=7e9, training_s=90, seed=0, cbc="1.2")
    assert said.description == "a model; on posts; examples shown: 2"
    assert (said.parameters, said.training_time, said.seed, said.version) == ("7 billion", "90 seconds", "0", "1.2")
    assert (said.recipe, said.training_tokens, said.tasks) == (UNKNOWN, UNKNOWN, 1)


@pytest.mark.parametrize("value", [None, True, -1, "many", [1], {"a": 1}, "", "   "])
def test_what_is_no_quantity_is_unknown(folder, value):
    said = facts(folder, parameters=value, training_tokens=value, training_s=value)
    assert (said.parameters, said.training_tokens, said.training_time) == (UNKNOWN,) * 3
    assert facts(folder, recipe=value).recipe in (UNKNOWN, str(value))


def test_only_columns_that_say_something_are_shown(folder):
    assert known_columns([facts(folder), facts(folder, seed=3)]) == {"seed": "training seed"}
    assert known_columns([]) == {}
