"""Recipes: what ships is sound and comparable, and a fault in a file is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.lcbm.recipe import BadRecipe, NoSuchRecipe, load_recipe, shipped_recipes

SMALL = """
says: a small one
variant: behavior
base: some/model
steps: 10
context_tokens: 64
micro_batch: 2
learning_rate: 1.0e-3
"""


def write(folder: Path, text: str, name: str = "own") -> str:
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return str(path)


def test_every_shipped_recipe_loads():
    families = {"13b": "{}-13b", "nano": "nano-{}", "real": "real-{}", "smol": "smol-{}", "qwen": "qwen-{}"}
    wanted = [form.format(kind) for form in families.values() for kind in ("base", "control", "lcbm")]
    nano = [f"nano-vision-{kind}" for kind in ("captions", "aligned", "lcbm", "control")]
    seeing = [*nano, "captions-13b", "lcbm-vision-13b", "control-vision-13b", "videochat-13b"]
    assert shipped_recipes() == sorted([*wanted, *seeing, "smol-random"])
    assert {load_recipe(name).name for name in shipped_recipes()} == set(shipped_recipes())


@pytest.mark.parametrize(
    "names",
    [
        {"nano-lcbm": "behavior", "nano-control": "control", "nano-base": "content"},
        {"real-lcbm": "behavior", "real-control": "control", "real-base": "content"},
        {"smol-lcbm": "behavior", "smol-control": "control", "smol-base": "content"},
        {"qwen-lcbm": "behavior", "qwen-control": "control", "qwen-base": "content"},
        {"lcbm-13b": "behavior", "control-13b": "control", "base-13b": "content"},
    ],
)
def test_compared_recipes_differ_in_their_variant_alone(names):
    recipes = {name: load_recipe(name) for name in names}
    assert {name: recipe.variant for name, recipe in recipes.items()} == names
    assert len({recipe.model_dump_json(exclude={"name", "says", "variant"}) for recipe in recipes.values()}) == 1


def test_the_13b_recipe_has_the_settings_of_the_paper():
    recipe = load_recipe("lcbm-13b")
    assert (recipe.base, recipe.learning_rate, recipe.schedule, recipe.warmup) == (
        "lmsys/vicuna-13b-v1.5",
        2e-5,
        "cosine",
        0.03,
    )
    assert (recipe.weight_decay, recipe.precision, recipe.gradient_checkpointing, recipe.lora.dropout) == (
        0.0,
        "bf16",
        True,
        0.05,
    )
    assert (recipe.micro_batch, recipe.accumulation, recipe.loss_on, recipe.deepspeed) == (4, 8, "answer", "zero2")


def test_an_unknown_key_names_file_key_and_known_keys(tmp_path):
    path = write(tmp_path, SMALL + "learning_rat: 1\n")
    with pytest.raises(BadRecipe) as error:
        load_recipe(path)
    assert f"{path}: unknown key learning_rat" in error.value.what
    assert "learning_rate, " in error.value.mend and "extends" in error.value.mend


def test_an_unknown_key_inside_a_part_names_the_keys_of_that_part(tmp_path):
    path = write(tmp_path, SMALL + "lora: {r: 4, alpha: 8, targets: [q_proj], rank: 3}\n")
    with pytest.raises(BadRecipe, match=r"unknown key lora\.rank; known keys: alpha, dropout, r, targets$"):
        load_recipe(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SMALL.replace("steps: 10\n", ""), "key steps is missing"),
        (SMALL.replace("steps: 10", "steps: many"), "steps: Input should be a valid integer"),
        (SMALL.replace("steps: 10", "steps: 0"), "steps: Input should be greater than or equal to 1"),
        (SMALL.replace("behavior", "magic"), "variant: Input should be 'behavior', 'control' or 'content'"),
        (SMALL.replace("base: some/model\n", ""), "give either base"),
        (
            SMALL + "scratch: {vocab_size: 640, hidden_size: 8, intermediate_size: 8, layers: 1, heads: 1}\n",
            "give either base",
        ),
        (SMALL + "steps: [1\n", "line 10 is no YAML"),
        (SMALL + "repetition: 1.0\n", "repetition: Input should be less than 1"),
        (SMALL + "muon_learning_rate: 0.02\ndeepspeed: zero2\n", "leave out muon_learning_rate or deepspeed"),
        ("- a\n", "holds no keys"),
        ("extends: own\n", "extends itself"),
    ],
)
def test_a_fault_is_said(tmp_path, text, said):
    with pytest.raises(BadRecipe) as error:
        load_recipe(write(tmp_path, text))
    assert said in str(error.value)


def test_a_recipe_extends_one_beside_it_or_a_shipped_one(tmp_path):
    write(tmp_path, SMALL, "first")
    own = load_recipe(write(tmp_path, "extends: first\nsteps: 7\n"))
    assert (own.name, own.steps, own.base) == ("own", 7, "some/model")
    assert load_recipe(write(tmp_path, "extends: nano-lcbm\nsteps: 7\n")).scratch == load_recipe("nano-lcbm").scratch


def test_overrides_reach_inside_and_are_checked():
    recipe = load_recipe("lcbm-13b", {"base": "/some/folder", "lora.r": 2, "steps": 3})
    assert (recipe.base, recipe.lora.r, recipe.lora.alpha, recipe.steps) == ("/some/folder", 2, 32, 3)
    with pytest.raises(BadRecipe, match="unknown key stepz"):
        load_recipe("nano-lcbm", {"stepz": 3})


def test_an_unknown_recipe_names_the_shipped_ones(tmp_path):
    for name in ("nano", str(tmp_path), "missing.yaml"):
        with pytest.raises(NoSuchRecipe, match="nano-base, nano-control, nano-lcbm"):
            load_recipe(name)
