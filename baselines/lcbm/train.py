"""Train a model by a recipe on a bench's public part.

    train("nano-lcbm", Path("demo/bench"), Path("demo/models/nano-lcbm"))

During training OUT.part holds the tokens, the log and the last two checkpoints; the same command continues from there.
OUT appears at the end, complete: an ordinary model folder with training.json (recipe, seed, bench, counts) and
log.jsonl. Several devices: start the same command by `accelerate launch -m cbc baselines train ...`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from baselines.lcbm.data import (
    BenchSource,
    Examples,
    NothingToTrain,
    PackedRows,
    QuestionSource,
    begins_with_bos,
    chosen_tasks,
    sample_examples,
    texts,
    training_order,
    write_examples,
)
from baselines.lcbm.recipe import Recipe, load_recipe
from baselines.lcbm.repetition import Repetition, frequent_words
from baselines.lcbm.tokenizer import load_tokenizer, train_tokenizer
from benchmark.bench import Bench
from corpus.console import note
from corpus.errors import CbcError
from corpus.files.atomic import replace_folder, write_json
from corpus.files.locks import hold_lock
from corpus.files.written_once import refuse_other
from corpus.verbalize.catalog import frames

FORMAT, VERSION = "cbc-model", 1
TOKENIZER_CHARACTERS = 4_000_000  # of training text for learning the vocabulary
HELD_OUT_EXAMPLES = 200  # of each task's validation split for held-out rows
LIBRARIES = ("cbc", "torch", "transformers", "tokenizers", "accelerate", "peft")


class OtherModel(CbcError):
    """The folder to write holds something else than a model of cbc."""


def train(
    recipe: str,
    bench: Path,
    out: Path,
    seed: int = 0,
    overrides: Mapping[str, object] | None = None,
    resume: bool = True,
) -> Path:
    """Train by a recipe (name or YAML file) and give the model's folder; a finished one is left as it is.

    Raises NoSuchRecipe, BadRecipe, NoSuchPath, WrongVersion, UnknownTask, NothingToTrain, NoSuchBase, OtherModel,
    HoldsOther, Busy.
    """
    return fit(load_recipe(recipe, overrides), BenchSource(Bench.open(bench)), out, seed, resume)


def fit(recipe: Recipe, source: QuestionSource, out: Path, seed: int = 0, resume: bool = True) -> Path:
    """Train by a recipe on any source of questions."""
    identity = {"recipe": recipe.model_dump(mode="json"), "bench": source.fingerprint, "seed": seed}
    part = out.with_name(f"{out.name}.part")
    if _finished(out, identity):
        shutil.rmtree(part, ignore_errors=True)
        return out
    tasks = chosen_tasks(source, recipe.tasks)
    # Read when torch is loaded. Threads then wait without spinning: on shared cores training is three times faster, on
    # free cores equally fast.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from baselines.lcbm.loop import arguments

    args = arguments(recipe, part, seed)
    first = args.process_index == 0
    if first:
        part.mkdir(parents=True, exist_ok=True)
    with hold_lock(part / ".lock") if first else nullcontext():
        with args.main_process_first(local=False):
            if first:
                _prepare(recipe, source, tasks, part, seed, identity, resume)
        _train(recipe, args, part, seed, identity)
        if first:
            replace_folder(part / "model", out)
            shutil.rmtree(part)
    return out


def training(model: Path) -> dict[str, Any]:
    """What a finished model was trained on, as its training.json has it."""
    content: dict[str, Any] = json.loads((model / "training.json").read_text(encoding="utf-8"))
    return {"model": model, **content}


def training_text(model: Path) -> str:
    """A finished model as a line."""
    found = training(model)
    held_out = found["held_out"].get("held_out_loss")
    loss = f", held-out loss {held_out:.3f}" if held_out is not None else ""
    what = f"{found['recipe']['name']}, seed {found['seed']}, {found['steps']:,} steps"
    return f"{model}: {what}, {found['parameters']:,} parameters{loss}"


def _finished(out: Path, identity: dict[str, Any]) -> bool:
    """Whether the folder holds this model already. Raises OtherModel, HoldsOther."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    try:
        found = json.loads((out / "training.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise OtherModel(f"{out} exists and is no model of cbc", "give an empty or new folder")
    refuse_other(out, "model", {key: found.get(key) for key in identity}, identity)
    return True


def _prepare(
    recipe: Recipe,
    source: QuestionSource,
    tasks: list[str],
    part: Path,
    seed: int,
    identity: dict[str, Any],
    resume: bool,
) -> None:
    """Bring the working folder to where training can begin: its tokenizer and tokens, and only whole checkpoints.

    Raises HoldsOther when it is another training's.
    """
    from baselines.lcbm.loop import drop_unfinished

    mark = part / "identity.json"
    there = json.loads(mark.read_text(encoding="utf-8")) if mark.is_file() else None
    if resume and there is not None and any(part.glob("checkpoint-*/complete")):
        mend = f"finish that one first, begin anew with --no-resume, or remove {part}"
        refuse_other(part, "unfinished training", there, identity, mend)
    elif not resume or there != identity:
        for path in part.iterdir():
            if path.name != ".lock":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        write_json(mark, identity)
    drop_unfinished(part)
    if not (part / "tokenizer").is_dir():
        _write_tokenizer(recipe, source, tasks, part)
    tokenizer = load_tokenizer(part / "tokenizer")
    if not (part / "train").is_dir():
        frames = ((task, source.questions(task, "train", recipe.variant, seed)) for task in tasks)
        write_examples(part / "train", frames, tokenizer, recipe.context_tokens)
    if not (part / "held_out").is_dir():
        validation = ((task, source.questions(task, "validation", "behavior", 0)) for task in tasks)
        samples = ((task, thin_evenly(frame, HELD_OUT_EXAMPLES)) for task, frame in validation)
        write_examples(part / "held_out", samples, tokenizer, recipe.context_tokens)


def thin_evenly(frame: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Select at most `rows` rows at equal distances."""
    return frame.gather_every(max(1, -(-frame.height // max(1, rows))))


def _write_tokenizer(recipe: Recipe, source: QuestionSource, tasks: list[str], part: Path) -> None:
    """Write the base's tokenizer, or train it on text with true behavior, so that all variants share it."""
    if recipe.scratch is None:
        tokenizer = load_tokenizer(str(recipe.base))
    else:
        sample = []
        for task in tasks:
            text = texts(source.questions(task, "train", "behavior", 0))["text"]
            characters = int(text.str.len_chars().sum())
            sample += text.gather_every(max(1, -(-characters * len(tasks) // TOKENIZER_CHARACTERS))).to_list()
        tokenizer = train_tokenizer(sample, recipe.scratch.vocab_size, frames())
        tokenizer.model_max_length = recipe.context_tokens
    staged = part / "tokenizer.part"
    tokenizer.save_pretrained(staged)
    replace_folder(staged, part / "tokenizer")


def _train(recipe: Recipe, args: Any, part: Path, seed: int, identity: dict[str, Any]) -> None:
    """Train in the working folder and write the finished model to part/model."""
    from torch.utils.data import ConcatDataset
    from transformers.utils.logging import disable_progress_bar

    from baselines.lcbm.loop import Log, last_checkpoint, run_loop
    from baselines.lcbm.model import save_model, start_model

    disable_progress_bar()  # bars of single files would break ours
    tokenizer = load_tokenizer(part / "tokenizer")
    examples, held_out = Examples.open(part / "train"), Examples.open(part / "held_out")
    rows_per_step = recipe.micro_batch * recipe.accumulation * args.world_size
    shape = (recipe.context_tokens, tokenizer.pad_token_id, recipe.loss_on == "all")
    repetition_rows = round(recipe.repetition * recipe.steps) * rows_per_step
    question_rows = recipe.steps * rows_per_step - repetition_rows
    rows = PackedRows.of(examples, training_order(examples, recipe.weights, seed), question_rows, *shape)
    repetition = make_repetition(repetition_rows, held_out, tokenizer, recipe.context_tokens, seed)
    # All rows of the sample: the first packed rows would be those that a single long example fills.
    order = sample_examples(held_out.lengths, recipe.eval_rows * recipe.context_tokens)
    held_out_rows = PackedRows.of(held_out, order, len(order), *shape)
    model = start_model(recipe, tokenizer, seed)
    parameters = model.num_parameters()
    log = Log(part / "log.jsonl", rows_per_step * recipe.context_tokens, f"training {recipe.name}")
    parts: list[Any] = [repetition, rows] if repetition else [rows]
    checkpoint = last_checkpoint(part)
    score = run_loop(model, args, ConcatDataset(parts), held_out_rows, log, checkpoint, recipe.muon_learning_rate)
    if args.process_index == 0:
        _warn_truncated(examples)
        about = {
            "format": FORMAT,
            "version": VERSION,
            **identity,
            "steps": recipe.steps,
            **rows.counts(),
            "repeated_tokens": repetition_rows * recipe.context_tokens,
            "truncated": sum(counts["truncated"] for counts in examples.tasks.values()),
            "tasks": examples.tasks,
            "held_out": score,
            "parameters": parameters,
            "processes": args.world_size,
            "tokenizer": hashlib.sha256((part / "tokenizer" / "tokenizer.json").read_bytes()).hexdigest(),
            "adds_bos": begins_with_bos(tokenizer),
            "libraries": {name: version(name) for name in LIBRARIES},
        }
        folder = part / "model"
        shutil.rmtree(folder, ignore_errors=True)
        save_model(model, folder)
        tokenizer.save_pretrained(folder)
        shutil.copyfile(log.path, folder / "log.jsonl")
        write_json(folder / "training.json", about)


def make_repetition(rows: int, examples: Examples, tokenizer: Any, context: int, seed: int) -> Repetition | None:
    """Make rows of repetition from words of examples that all variants share. Raises NothingToTrain."""
    if not rows:
        return None
    words = frequent_words(examples, tokenizer)
    if len(words) < 2:
        raise NothingToTrain("the answers hold too few words for rows of repetition", "set repetition to 0")
    return Repetition(words, rows, context, seed)


def _warn_truncated(examples: Examples) -> None:
    """Say how many examples did not fit."""
    for task, found in examples.tasks.items():
        if found["truncated"]:
            cut = f"{found['truncated']} of {found['examples']} examples of {task} were longer than the context"
            note(f"{cut} and lost their beginning")
