"""Recipes: YAML files that state how a model is trained. A recipe may extend another and change only some keys.

recipe = load_recipe("nano-lcbm")                      # shipped in baselines/recipes
recipe = load_recipe("my.yaml", {"steps": 100, "lora.r": 4})
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from corpus.errors import CbcError
from corpus.strict_model import StrictModel, first_fault

SHIPPED = Path(__file__).resolve().parent.parent / "recipes"

Variant = Literal["behavior", "control", "content"]
Precision = Literal["bf16", "fp32"]


class NoSuchRecipe(CbcError):
    """A name is neither a shipped recipe nor a YAML file."""


class BadRecipe(CbcError):
    """A recipe cannot be read: broken YAML, an unknown key, a wrong value."""


class Scratch(StrictModel):
    """Size of a Llama trained from scratch, and of the vocabulary learned from the bench's text."""

    vocab_size: int = Field(ge=640)
    hidden_size: int = Field(ge=8)
    intermediate_size: int = Field(ge=8)
    layers: int = Field(ge=1)
    heads: int = Field(ge=1)


class Lora(StrictModel):
    """Low-rank adapters on a frozen base, merged into the base at the end."""

    r: int = Field(ge=1)
    alpha: int = Field(ge=1)
    dropout: float = Field(default=0.05, ge=0, lt=1)
    targets: list[str]


class NumberTokens(StrictModel):
    """Numbers of whole messages as a token each (baselines/lcbm/answer_numbers.py), and labels shared with neighbours.

    `count`: how many a task has; `spread`: standard deviation of the soft labels, in numbers; `scene_spread`: the same
    for the values of scenes, in points of 100 (0: labels of their own alone); `restate`: whether an answer says the
    message again before its number; `prompts`: whether a number in a prompt has tokens that say what it measures.
    """

    count: int = Field(default=101, ge=2)
    spread: float = Field(default=1.5, ge=0)
    scene_spread: float = Field(default=0.0, ge=0)
    restate: bool = False
    prompts: bool = True


class Vision(StrictModel):
    """Sizes of what sees (baselines/lcbm/vision/configuration.py); tower and Q-Former are `width` wide.

    In the layout `scene` a scene has `scene_queries` visual tokens of `scene_frames` frames; else a video has one for
    each query, of `frames` frames. With `tower` (a BLIP-2 model by folder or hub name) its tower and Q-Former are used,
    and sizes are its own.
    """

    layout: Literal["video", "timed", "scene"] = "video"
    tower: str | None = None
    frames: int = Field(default=8, ge=1)
    image_size: int = Field(default=224, ge=8)
    patch_size: int = Field(default=14, ge=2)
    width: int = Field(default=1408, ge=8)
    layers: int = Field(default=39, ge=1)
    heads: int = Field(default=16, ge=1)
    qformer_layers: int = Field(default=12, ge=1)
    cross_every: int = Field(default=2, ge=1)
    relation_layers: int = Field(default=8, ge=0)
    relation_dropout: float = Field(default=0.5, ge=0, lt=1)
    queries: int = Field(default=32, ge=1)
    extra_queries: int = Field(default=64, ge=0)
    scene_queries: int = Field(default=4, ge=1)
    scene_frames: int = Field(default=2, ge=1)


class Recipe(StrictModel):
    """How a model is trained; steps are optimizer steps, a row packs examples up to `context_tokens`.

    `tasks_left_out` may name tasks that a bench does not have.

    With `most_scenes` longer videos are left out: a panel built with --panel-scenes asks about none either. With
    `most_questions` a task has at most so many for training, evenly spaced.

    With `random_weights` a model of the base's size and vocabulary begins from random weights: what pre-training adds.

    `repetition` is the share of steps, at the beginning, that train on repeated lists (baselines/lcbm/repetition.py).
    A recipe with a `stage` trains a model that sees. `whole`: all its parts; `alignment`: what joins tower and language
    model, on captions; `behavior`: the language model and the projection (paper, section 6). It begins with new parts
    (`vision` and `scratch`), with a tower and a language model (`vision.tower` and `base`), or with the model of an
    earlier stage (`base`).

    With `muon_learning_rate` Muon trains the matrices of the layers, and AdamW all other parameters at `learning_rate`.
    """

    name: str
    says: str
    variant: Variant
    base: str | None = None
    random_weights: bool = False
    scratch: Scratch | None = None
    vision: Vision | None = None
    stage: Literal["whole", "alignment", "behavior"] | None = None
    lora: Lora | None = None
    tasks: Literal["all"] | list[str] = "all"
    tasks_left_out: list[str] = []
    weights: dict[str, float] = {}
    most_scenes: int | None = Field(default=None, ge=1)
    most_questions: int | None = Field(default=None, ge=1)
    numbers: NumberTokens | None = None
    loss_on: Literal["answer", "all"] = "answer"
    steps: int = Field(ge=1)
    repetition: float = Field(default=0.0, ge=0, lt=1)
    context_tokens: int = Field(ge=16)
    micro_batch: int = Field(ge=1)
    accumulation: int = Field(default=1, ge=1)
    learning_rate: float = Field(gt=0)
    muon_learning_rate: float | None = Field(default=None, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(default=0.03, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    adam_beta2: float = Field(default=0.999, gt=0, lt=1)
    max_grad_norm: float = Field(default=1.0, ge=0)
    precision: Precision = "bf16"
    gradient_checkpointing: bool = False
    deepspeed: Literal["zero2"] | None = None
    log_every_steps: int = Field(default=10, ge=1)
    eval_every_steps: int = Field(default=100, ge=1)
    eval_rows: int = Field(default=16, ge=0)
    save_every_steps: int = Field(default=100, ge=1)

    @model_validator(mode="after")
    def _check_start(self) -> Recipe:
        if (self.base is None) == (self.scratch is None):
            raise ValueError("give either base (a model to start from) or scratch (the size of a new one)")
        if self.lora is not None and self.base is None:
            raise ValueError("lora needs a base to adapt")
        if self.vision is not None and self.stage is None:
            raise ValueError("vision needs a stage: whole, alignment or behavior")
        if self.stage is not None and self.scratch is not None and self.vision is None:
            raise ValueError("a new model that sees needs the sizes of its vision")
        if self.stage == "alignment" and self.repetition:
            raise ValueError("in the stage alignment no language model learns, so leave repetition out")
        if self.random_weights and self.base is None:
            raise ValueError("random_weights needs a base whose size and vocabulary it keeps")
        return self

    @model_validator(mode="after")
    def _check_optimizer(self) -> Recipe:
        if self.muon_learning_rate and self.deepspeed:
            raise ValueError("leave out muon_learning_rate or deepspeed, which has an optimizer of its own")
        return self


def shipped_recipes() -> list[str]:
    """Names of the shipped recipes."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def find_recipe(recipe: str) -> Path:
    """Find the file of a recipe by name or path. Raises NoSuchRecipe."""
    for path in (SHIPPED / f"{recipe}.yaml", Path(recipe)):
        if path.suffix in (".yaml", ".yml") and path.is_file():
            return path
    raise NoSuchRecipe(f"no recipe {recipe}", f"give a YAML file or one of: {', '.join(shipped_recipes())}")


def load_recipe(recipe: str, overrides: Mapping[str, object] | None = None) -> Recipe:
    """Read a recipe by name or path; `overrides` replace its keys ("lora.r" names a nested key).

    Raises NoSuchRecipe, BadRecipe.
    """
    path = find_recipe(recipe)
    keys = {"name": path.stem, **_merged_keys(path, ())}
    for key, value in (overrides or {}).items():
        keys = _replace_key(keys, key.split("."), value)
    try:
        return Recipe.model_validate(keys)
    except ValidationError as error:
        _raise_first_fault(path, error)


def _merged_keys(path: Path, extended_by: tuple[Path, ...]) -> dict[str, Any]:
    """Read the keys of a file, merged over those of the recipe that it extends. Raises BadRecipe."""
    if path in extended_by:
        raise BadRecipe(f"{path} extends itself through {extended_by[-1].name}", "remove `extends` from one of the two")
    try:
        keys = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise BadRecipe(f"{where} is no YAML", "correct the file") from None
    if not isinstance(keys, dict):
        raise BadRecipe(f"{path} holds no keys", f"known keys: {_known_keys(())}")
    parent = keys.pop("extends", None)
    if parent is None:
        return keys
    beside = path.parent / f"{parent}.yaml"
    return {**_merged_keys(beside if beside.is_file() else find_recipe(str(parent)), (*extended_by, path)), **keys}


def _replace_key(keys: dict[str, Any], key_path: list[str], value: object) -> dict[str, Any]:
    """Copy nested keys and replace the value at a path of keys."""
    if len(key_path) == 1:
        return {**keys, key_path[0]: value}
    inner = keys.get(key_path[0])
    return {**keys, key_path[0]: _replace_key(inner if isinstance(inner, dict) else {}, key_path[1:], value)}


def _known_keys(location: tuple[str, ...]) -> str:
    """Names of the allowed keys at a place of a recipe."""
    model: type[BaseModel] = Recipe
    for part in location:
        annotation = model.model_fields[part].annotation
        model = next(
            kind
            for kind in (annotation, *get_args(annotation))
            if isinstance(kind, type) and issubclass(kind, BaseModel)
        )
    names = [*model.model_fields, *(["extends"] if model is Recipe else [])]
    return ", ".join(sorted(names))


def _raise_first_fault(path: Path, error: ValidationError) -> NoReturn:
    """Raise BadRecipe for the first fault of pydantic."""
    fault = error.errors()[0]
    location = tuple(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        raise BadRecipe(f"{path}: key {'.'.join(location)} is missing", "add it") from None
    mend = f"known keys: {_known_keys(location[:-1])}" if fault["type"] == "extra_forbidden" else "correct that key"
    raise BadRecipe(f"{path}: {first_fault(error)}", mend) from None
