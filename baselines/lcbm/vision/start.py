"""Make the model that a recipe with a stage starts from: with new parts, of a tower and a language model, or loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, set_seed
from transformers.utils.logging import disable_progress_bar

from baselines.lcbm.model import NoSuchBase, add_adapters, learn_labels_only, llama_config, make_room
from baselines.lcbm.recipe import Recipe, Vision
from baselines.lcbm.soft_labels import SoftLabels
from baselines.lcbm.tokenizer import SEEN
from baselines.lcbm.vision.configuration import LcbmVisionConfig
from baselines.lcbm.vision.model import LcbmVision
from baselines.lcbm.vision.seeing import Sight
from corpus.errors import first_line

SEES = "give the folder of an earlier stage, or add `vision`"


def start_seeing_model(recipe: Recipe, tokenizer: Any, seed: int, soft_labels: SoftLabels | None = None) -> LcbmVision:
    """Make the model before its first step, with the parts of its stage ready to train. Raises NoSuchBase."""
    set_seed(seed)
    token = tokenizer.convert_tokens_to_ids(SEEN)
    if recipe.scratch is not None and recipe.vision is not None:
        text = llama_config(recipe.scratch, tokenizer, recipe.context_tokens)
        model = LcbmVision(new_configuration(recipe.vision, text, token))
    elif recipe.vision is not None and recipe.vision.tower is not None:
        model = join_parts(recipe.vision, str(recipe.base), token)
    else:
        model = load_model(str(recipe.base))
    if recipe.scratch is None:
        new_tokens = make_room(model.llm, tokenizer, str(recipe.base))
        model.config.text_config.vocab_size = model.llm.config.vocab_size
        model.config.visual_token_id = token
    learn_labels_only(model.llm, soft_labels)
    choose_parts(model, recipe.stage)
    if recipe.lora is not None:
        model.llm = add_adapters(model.llm, recipe.lora, new_tokens)
    return model


def sight_of(recipe: Recipe, tokenizer: Any) -> Sight:
    """How the model of a recipe sees, which it also does before it is made. Raises NoSuchBase."""
    token = tokenizer.convert_tokens_to_ids(SEEN)
    if (vision := recipe.vision) is not None:
        image_size, width = sizes_of_tower(vision.tower) if vision.tower else (vision.image_size, vision.width)
        if vision.layout == "scene":
            frames = vision.scene_frames
            return Sight(vision.layout, frames, vision.scene_queries, token, image_size, frames * width)
        return Sight(vision.layout, vision.frames, vision.queries + vision.extra_queries, token, image_size, width)
    return Sight.of(load_configuration(str(recipe.base)))


def image_size_of(recipe: Recipe) -> int:
    """Width and height in pixels of the frames that a recipe's tower reads. Raises NoSuchBase."""
    if (vision := recipe.vision) is None:
        return int(load_configuration(str(recipe.base)).vision_config.image_size)
    return sizes_of_tower(vision.tower)[0] if vision.tower else vision.image_size


def sizes_of_tower(tower: str) -> tuple[int, int]:
    """Size of the frames of a BLIP-2 model in pixels, and width of its Q-Former. Raises NoSuchBase."""
    try:
        config = AutoConfig.from_pretrained(tower)
        return int(config.vision_config.image_size), int(config.qformer_config.hidden_size)
    except (OSError, ValueError, AttributeError) as error:
        raise NoSuchBase(f"cannot load {tower}: {first_line(error)}", "name a BLIP-2 model in `vision.tower`") from None


def load_configuration(base: str) -> LcbmVisionConfig:
    """The configuration of a model of an earlier stage, always a folder. Raises NoSuchBase."""
    if not (Path(base) / "config.json").is_file():
        raise NoSuchBase(f"no model of an earlier stage at {base}", "train it first, or name its folder with --base")
    config = AutoConfig.from_pretrained(base)
    if not isinstance(config, LcbmVisionConfig):
        raise NoSuchBase(f"{base} does not see", SEES)
    return config


def new_configuration(vision: Vision, text: LlamaConfig, token: int) -> LcbmVisionConfig:
    """The configuration of a model with a new tower and Q-Former.

    The spread of their weights keeps the size of what passes through them. With that of BLIP-2, whose tower is never
    new and whose layers are ten times as wide, what is seen arrives a thousand times smaller than the queries.
    """
    width, heads = vision.width, vision.heads
    return LcbmVisionConfig(
        vision_config={
            "hidden_size": width,
            "intermediate_size": 2 * width,
            "num_hidden_layers": vision.layers,
            "num_attention_heads": heads,
            "image_size": vision.image_size,
            "patch_size": vision.patch_size,
            "initializer_range": width**-0.5,
        },
        qformer_config={
            "hidden_size": width,
            "intermediate_size": 2 * width,
            "num_hidden_layers": vision.qformer_layers,
            "num_attention_heads": heads,
            "encoder_hidden_size": width,
            "cross_attention_frequency": vision.cross_every,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
            "vocab_size": 1,
            "initializer_range": width**-0.5,
        },
        text_config=text,
        relation_layers=vision.relation_layers,
        relation_heads=heads,
        relation_dropout=vision.relation_dropout,
        queries=vision.queries,
        extra_queries=vision.extra_queries,
        scene_queries=vision.scene_queries,
        scene_frames=vision.scene_frames,
        layout=vision.layout,
        frames=vision.frames,
        visual_token_id=token,
    )


def join_parts(vision: Vision, llm: str, token: int) -> LcbmVision:
    """A BLIP-2 model's tower and Q-Former before a language model. Raises NoSuchBase."""
    settings = {
        "relation_layers": vision.relation_layers,
        "relation_dropout": vision.relation_dropout,
        "extra_queries": vision.extra_queries,
        "scene_queries": vision.scene_queries,
        "scene_frames": vision.scene_frames,
        "layout": vision.layout,
        "frames": vision.frames,
    }
    try:
        return LcbmVision.from_parts(str(vision.tower), llm, token, **settings)
    except (OSError, ValueError) as error:
        mend = "give folders or hub names with safetensors in `base` and `vision.tower`"
        raise NoSuchBase(f"cannot join {vision.tower} and {llm}: {first_line(error)}", mend) from None


def load_model(base: str) -> LcbmVision:
    """Load a model of an earlier stage. Raises NoSuchBase."""
    load_configuration(base)
    disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(base, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise NoSuchBase(f"cannot load {base}: {first_line(error)}", "give the folder of an earlier stage") from None
    assert isinstance(model, LcbmVision)
    return model


def choose_parts(model: LcbmVision, stage: str | None) -> None:
    """Let a stage train its parts alone."""
    if stage == "alignment":
        model.train_stage_1()
    elif stage == "behavior":
        model.train_stage_2()
