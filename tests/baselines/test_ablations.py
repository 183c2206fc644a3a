"""Ablations: a row for each variant, trained once for each recipe, asked the panel in its own way of decoding."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from baselines.lcbm.recipe import load_recipe
from studies import ablations
from studies.ablations import SHIPPED, STUDIES, Study, Variant


@pytest.mark.parametrize("recipe", STUDIES)
def test_every_variant_is_a_recipe_of_its_own(recipe):
    variants = STUDIES[recipe].variants.values()
    recipes = {load_recipe(recipe, variant.overrides).model_dump_json() for variant in variants}
    assert len(recipes) == len(variants) - 1, "decoding alone leaves the recipe as it is"


def test_each_variant_is_measured(small_bench, monkeypatch):
    variants = {**SHIPPED, "all numbers in digits": Variant({"numbers": None})}
    measures = (("replay_all_masked", "rmse"), ("like_view_ratio", "r2"), ("of_no_bench", "r2"))
    monkeypatch.setitem(STUDIES, "nano-lcbm", Study("ablations", measures, variants))
    trained, train = [], ablations.train
    monkeypatch.setattr(ablations, "train", lambda *given, **more: trained.append(more) or train(*given, **more))
    part = ablations.measure("nano-lcbm", small_bench.root, steps=4)
    heads = ["replay_all_masked rmse", "like_view_ratio r2", "replay_all_masked: scenes restated (%)"]
    assert part.columns == ["variant", *heads]
    assert [row[0] for row in part.rows] == list(variants)
    assert len(trained) == 2, "decoding in another way needs no other model"
    assert all(0 <= row[3] <= 100 for row in part.rows)
