"""Train a model by a recipe on a bench's public part.

    train("nano-lcbm", Path("demo/bench"), Path("demo/models/nano-lcbm"))

During training OUT.part holds the tokens, the log and the last two checkpoints; the same command continues from there.
OUT is written at the end: an ordinary model folder with training.json (recipe, seed, bench, counts) and log.jsonl. On
several devices start the same command with `accelerate launch -m cbc baselines train ...`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.lcbm.answer_numbers import SCENE_VALUES, Numbers, number_tokens, read_numbers, write_numbers
from baselines.lcbm.data import (
    BenchSource,
    Examples,
    QuestionSource,
    begins_with_bos,
    chosen_tasks,
    thin_evenly,
    with_text,
    write_examples,
)
from baselines.lcbm.packing import NothingToTrain, PackedRows, sample_examples, training_order
from baselines.lcbm.recipe import BadRecipe, Recipe, load_recipe
from baselines.lcbm.repetition import Repetition, frequent_words
from baselines.lcbm.tokenizer import add_seen, add_tokens, load_tokenizer, train_tokenizer
from benchmark.bench import Bench
from benchmark.lm_eval.task_files import ANSWER_TOKENS
from corpus.console import note
from corpus.errors import CbcError
from corpus.files.atomic import replace_folder, write_json
from corpus.files.locks import hold_lock
from corpus.files.written_once import refuse_other
from corpus.verbalize.catalog import frames, number_wordings

if TYPE_CHECKING:
    from baselines.lcbm.soft_labels import SoftLabels

FORMAT, VERSION = "cbc-model", 1
TOKENIZER_CHARACTERS = 4_000_000  # of training text for learning the vocabulary
HELD_OUT_EXAMPLES = 200  # of each task's validation split for held-out rows
LIBRARIES = ("cbc", "torch", "transformers", "tokenizers", "accelerate", "peft")


class OtherModel(CbcError):
    """The output folder holds something other than a model of cbc."""


def train(
    recipe: str,
    bench: Path,
    out: Path,
    seed: int = 0,
    overrides: Mapping[str, object] | None = None,
    resume: bool = True,
    seen: Path | None = None,
) -> Path:
    """Train by a recipe (name or YAML file) and return the model's folder; a finished model is left unchanged.

    `seen`: what a recipe with a stage sees, a store of frames or features (corpus/seen_store.py).

    Raises NoSuchRecipe, BadRecipe, NoSuchPath, WrongVersion, UnknownTask, NothingToTrain, NoSuchBase, OtherModel,
    HoldsOther, Busy, NothingSeen.
    """
    loaded = load_recipe(recipe, overrides)
    source = BenchSource(Bench.open(bench), loaded.most_scenes, loaded.numbers, loaded.most_questions)
    return fit(loaded, source, out, seed, resume, seen)


def fit(
    recipe: Recipe, source: QuestionSource, out: Path, seed: int = 0, resume: bool = True, seen: Path | None = None
) -> Path:
    """Train by a recipe on any source of questions; raises as `train` does, except for opening a bench."""
    identity = {"recipe": recipe.model_dump(mode="json"), "bench": source.fingerprint, "seed": seed}
    if recipe.stage is None and seen is not None:
        raise BadRecipe(f"{recipe.name} trains a model that does not see", "leave --seen out, or name a stage")
    if recipe.stage is not None:
        from baselines.lcbm.vision.start import image_size_of
        from corpus.seen_store import open_seen

        identity["seen"] = open_seen(seen, recipe.name).fingerprint
        image_size_of(recipe)  # raises where its base is none
    part = out.with_name(f"{out.name}.part")
    if _is_finished(out, identity):
        shutil.rmtree(part, ignore_errors=True)
        return out
    tasks = [task for task in chosen_tasks(source, recipe.tasks) if task not in recipe.tasks_left_out]
    if not tasks:
        raise NothingToTrain(f"{recipe.name} leaves out every task of the bench", "choose another recipe")
    # Torch reads this when it is loaded. Threads then wait without spinning: on shared cores training is three times
    # faster, on free cores equally fast.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from baselines.lcbm.loop import trainer_arguments

    args = trainer_arguments(recipe, part, seed)
    is_main = args.process_index == 0
    if is_main:
        part.mkdir(parents=True, exist_ok=True)
    with hold_lock(part / ".lock") if is_main else nullcontext():
        with args.main_process_first(local=False):
            if is_main:
                _prepare(recipe, source, tasks, part, seed, identity, resume, seen)
        _train(recipe, args, part, seed, identity, seen)
        if is_main:
            replace_folder(part / "model", out)
            shutil.rmtree(part)
    return out


def model_facts(model: Path) -> dict[str, Any]:
    """The folder of a finished model and the content of its training.json."""
    content: dict[str, Any] = json.loads((model / "training.json").read_text(encoding="utf-8"))
    return {"model": model, **content}


def model_line(model: Path) -> str:
    """A finished model in a line: recipe, seed, steps, parameters and held-out loss."""
    facts = model_facts(model)
    held_out = facts["held_out"].get("held_out_loss")
    loss = f", held-out loss {held_out:.3f}" if held_out is not None else ""
    about = f"{facts['recipe']['name']}, seed {facts['seed']}, {facts['steps']:,} steps"
    return f"{model}: {about}, {facts['parameters']:,} parameters{loss}"


def _is_finished(out: Path, identity: dict[str, Any]) -> bool:
    """Whether the folder holds this model already. Raises OtherModel, HoldsOther."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    try:
        existing = json.loads((out / "training.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        existing = {}
    if not isinstance(existing, dict) or existing.get("format") != FORMAT:
        raise OtherModel(f"{out} exists and is not a model of cbc", "give an empty or new folder")
    refuse_other(out, "model", {key: existing.get(key) for key in identity}, identity)
    return True


def _prepare(
    recipe: Recipe,
    source: QuestionSource,
    tasks: list[str],
    part: Path,
    seed: int,
    identity: dict[str, Any],
    resume: bool,
    seen: Path | None,
) -> None:
    """Prepare the working folder for training: its tokenizer, its token files, and complete checkpoints only.

    Raises HoldsOther if the folder belongs to another training.
    """
    from baselines.lcbm.loop import drop_unfinished

    identity_path = part / "identity.json"
    existing = json.loads(identity_path.read_text(encoding="utf-8")) if identity_path.is_file() else None
    if resume and existing is not None and any(part.glob("checkpoint-*/complete")):
        mend = f"finish that one first, begin anew with --no-resume, or remove {part}"
        refuse_other(part, "unfinished training", existing, identity, mend)
    elif not resume or existing != identity:
        for path in part.iterdir():
            if path.name != ".lock":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        write_json(identity_path, identity)
    drop_unfinished(part)
    if not (part / "tokenizer").is_dir():
        _write_tokenizer(recipe, source, tasks, part)
    tokenizer = load_tokenizer(part / "tokenizer")
    eyes = make_eyes(recipe, tokenizer, seen)
    if not (part / "train").is_dir():
        for line in source.leaves_out(tasks):
            note(line)
        frames = ((task, source.questions(task, "train", recipe.variant, seed)) for task in tasks)
        write_examples(part / "train", frames, tokenizer, recipe.context_tokens, eyes)
    if not (part / "held_out").is_dir():
        validation = ((task, source.questions(task, "validation", "behavior", 0)) for task in tasks)
        samples = ((task, thin_evenly(frame, HELD_OUT_EXAMPLES)) for task, frame in validation)
        write_examples(part / "held_out", samples, tokenizer, recipe.context_tokens, eyes)


def _write_tokenizer(recipe: Recipe, source: QuestionSource, tasks: list[str], part: Path) -> None:
    """Write the base's tokenizer, or train it on text with true behavior, so that all variants share it."""
    numbers = source.numbers(tasks)
    if recipe.scratch is None:
        tokenizer = load_tokenizer(str(recipe.base))
        add_tokens(tokenizer, [text for texts in numbers.values() for text in texts])
    else:
        sampled_texts = []
        for task in tasks:
            task_texts = with_text(source.questions(task, "train", "behavior", 0))["text"]
            characters = int(task_texts.str.len_chars().sum())
            sampled_texts += task_texts.gather_every(
                max(1, -(-characters * len(tasks) // TOKENIZER_CHARACTERS))
            ).to_list()
        answers = [text for texts in numbers.values() for text in texts]
        of_prompts = number_wordings() if recipe.numbers and recipe.numbers.prompts else []
        beside = [*answers, *occurring(of_prompts, sampled_texts)]
        templates = occurring(frames(), sampled_texts) if recipe.stage is None else frames()  # of later stages too
        tokenizer = train_tokenizer(sampled_texts, recipe.scratch.vocab_size, templates, beside)
        tokenizer.model_max_length = recipe.context_tokens
    if recipe.stage is not None:
        add_seen(tokenizer)
    staged = part / "tokenizer.part"
    tokenizer.save_pretrained(staged)
    if numbers or learns_scene_values(recipe):
        write_numbers(staged, numbers)
    replace_folder(staged, part / "tokenizer")


def occurring(wordings: Sequence[str], texts: Sequence[str]) -> list[str]:
    """The wordings that stand in a text."""
    joined = "\n".join(texts)
    return [wording for wording in wordings if wording in joined]


def make_eyes(recipe: Recipe, tokenizer: Any, seen: Path | None) -> Any:
    """The eyes of a recipe with a stage; None for any other. Raises NoSuchBase, NothingSeen."""
    if recipe.stage is None:
        return None
    from baselines.lcbm.vision.eyes import StoreEyes
    from baselines.lcbm.vision.start import sight_of
    from corpus.seen_store import open_seen

    return StoreEyes(sight_of(recipe, tokenizer), open_seen(seen, recipe.name))


@dataclass(frozen=True)
class Start:
    """A model before its first step, what makes its rows of packed ones, and what makes batches of rows."""

    model: Any
    rows: Callable[[PackedRows], Any]
    collator: Callable[[list[dict[str, Any]]], Any]


def _start(recipe: Recipe, tokenizer: Any, part: Path, seed: int, seen: Path | None) -> Start:
    """Make the model of a recipe, without or with eyes. Raises NoSuchBase, NothingSeen, BadRecipe."""
    soft_labels = make_soft_labels(recipe, tokenizer, read_numbers(part / "tokenizer"))
    if recipe.stage is None:
        from baselines.lcbm.loop import collate
        from baselines.lcbm.model import start_model

        return Start(start_model(recipe, tokenizer, seed, soft_labels), lambda rows: rows, collate)
    from baselines.lcbm.vision.rows import SeeingRows, collate_seeing
    from baselines.lcbm.vision.start import start_seeing_model

    eyes = make_eyes(recipe, tokenizer, seen)
    model = start_seeing_model(recipe, tokenizer, seed, soft_labels)
    return Start(model, lambda rows: SeeingRows(rows, eyes), collate_seeing)


def _train(recipe: Recipe, args: Any, part: Path, seed: int, identity: dict[str, Any], seen: Path | None) -> None:
    """Train in the working folder and write the finished model to part/model."""
    from torch.utils.data import ConcatDataset
    from transformers.utils.logging import disable_progress_bar

    from baselines.lcbm.loop import Log, last_checkpoint, run_loop

    disable_progress_bar()  # bars for single files would break the progress display
    tokenizer = load_tokenizer(part / "tokenizer")
    examples, held_out = Examples.open(part / "train"), Examples.open(part / "held_out")
    rows_per_step = recipe.micro_batch * recipe.accumulation * args.world_size
    shape = (recipe.context_tokens, tokenizer.pad_token_id, recipe.loss_on == "all")
    repetition_rows = round(recipe.repetition * recipe.steps) * rows_per_step
    question_rows = recipe.steps * rows_per_step - repetition_rows
    rows = PackedRows.of(examples, training_order(examples, recipe.weights, seed), question_rows, *shape)
    repetition = make_repetition(repetition_rows, held_out, tokenizer, recipe.context_tokens, seed)
    # Use all rows of the sample: the first packed rows are those that one long example fills.
    order = sample_examples(held_out.lengths, recipe.eval_rows * recipe.context_tokens)
    held_out_rows = PackedRows.of(held_out, order, len(order), *shape)
    start = _start(recipe, tokenizer, part, seed, seen)
    parameters = start.model.num_parameters()
    log = Log(part / "log.jsonl", rows_per_step * recipe.context_tokens, f"training {recipe.name}")
    parts: list[Any] = [*([repetition] if repetition else []), start.rows(rows)]
    held_out_score = run_loop(
        start.model,
        args,
        ConcatDataset(parts),
        start.rows(held_out_rows),
        log,
        last_checkpoint(part),
        recipe.muon_learning_rate,
        start.collator,
    )
    if args.process_index == 0:
        _warn_left_out(examples)
        record = {
            "format": FORMAT,
            "version": VERSION,
            **identity,
            "steps": recipe.steps,
            **rows.counts(),
            "repeated_tokens": repetition_rows * recipe.context_tokens,
            "truncated": sum(counts["truncated"] for counts in examples.tasks.values()),
            "tasks": examples.tasks,
            "held_out": held_out_score,
            "parameters": parameters,
            "processes": args.world_size,
            "tokenizer": hashlib.sha256((part / "tokenizer" / "tokenizer.json").read_bytes()).hexdigest(),
            "adds_bos": begins_with_bos(tokenizer),
            "libraries": {name: version(name) for name in LIBRARIES},
        }
        setattr(start.model.config, ANSWER_TOKENS, int(np.max(examples.answers)))
        _write_model(recipe, start.model, tokenizer, part, record)


def _write_model(recipe: Recipe, model: Any, tokenizer: Any, part: Path, record: dict[str, Any]) -> None:
    """Write the finished model with its tokenizer, numbers, log and record to part/model."""
    from baselines.lcbm.model import save_model

    folder = part / "model"
    shutil.rmtree(folder, ignore_errors=True)
    save_model(model, folder)
    tokenizer.save_pretrained(folder)
    numbers = read_numbers(part / "tokenizer")
    if numbers or learns_scene_values(recipe):
        write_numbers(folder, numbers)
    shutil.copyfile(part / "log.jsonl", folder / "log.jsonl")
    write_json(folder / "training.json", record)


def learns_scene_values(recipe: Recipe) -> bool:
    """Whether values of scenes have soft labels, so that the model answers with distributions over them."""
    return recipe.numbers is not None and recipe.numbers.scene_spread > 0


def make_soft_labels(recipe: Recipe, tokenizer: Any, numbers: Numbers) -> SoftLabels | None:
    """Make the soft labels of a recipe with numbers; None for any other. Raises BadRecipe."""
    from baselines.lcbm.soft_labels import SoftLabels

    if recipe.numbers is None:
        return None
    families = [(number_tokens(tokenizer, texts), recipe.numbers.spread) for texts in numbers.values()]
    if learns_scene_values(recipe):
        try:
            families.append((number_tokens(tokenizer, SCENE_VALUES), recipe.numbers.scene_spread))
        except ValueError:
            reason = "numbers.scene_spread needs a tokenizer with one token for each integer to 100"
            raise BadRecipe(f"{recipe.name}: {reason}", "leave it out") from None
    return SoftLabels(len(tokenizer), families)


def make_repetition(rows: int, examples: Examples, tokenizer: Any, context: int, seed: int) -> Repetition | None:
    """Make rows of repetition from words of examples that all variants share. Raises NothingToTrain."""
    if not rows:
        return None
    words = frequent_words(examples, tokenizer)
    if len(words) < 2:
        raise NothingToTrain("the answers hold too few words for rows of repetition", "set repetition to 0")
    return Repetition(words, rows, context, seed)


def _warn_left_out(examples: Examples) -> None:
    """Print how many examples of each task were cut to the context, or left out."""
    for task, counts in examples.tasks.items():
        if counts["truncated"]:
            cut = f"{counts['truncated']} of {counts['examples']} examples of {task} were longer than the context"
            note(f"{cut} and {'are left out' if examples.seen is not None else 'lost their beginning'}")
        if unseen := counts.get("unseen"):
            every = counts["examples"] + counts["truncated"] + unseen
            note(f"{unseen} of {every} questions of {task} have nothing to see and are left out")
