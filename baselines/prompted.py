"""Prompt any Hugging Face causal LM through lm-eval, zero-shot or with examples, by path or by hub name.

Prompts, examples and parsers are those of benchmark/lm_eval, so plain lm-eval gives the same figures. The answers of
the predicted split are never read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from baselines.base import Predictor, PredictorError, Settings, WrongSettings, questions
from baselines.lcbm.answer_numbers import has_number_tokens, read_numbers
from benchmark.bench import Bench
from benchmark.lm_eval.task_files import lm_eval_name, task_folder
from corpus.console import note
from corpus.errors import first_line
from corpus.files.hashes import model_sha256

if TYPE_CHECKING:
    from baselines.reader import Reader
    from corpus.seen_store import Store

os.environ.setdefault("TQDM_DISABLE", "1")  # hides lm-eval's progress bars; read when tqdm is loaded
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json")
SEEING = "lcbm-vision"
"""Type of the models that see (baselines/lcbm/vision/configuration.py)."""
SAVED = "give a folder written by save_pretrained (or by `cbc baselines train`), or a hub name"


class NoModel(PredictorError):
    """A name is no predictor, no complete model folder and no model of a reachable hub."""


def check_folder(path: Path) -> None:
    """Refuse a folder without config, tokenizer or safetensors weights. Raises NoModel."""
    if not (path / "config.json").is_file():
        raise NoModel(f"{path} holds no config.json", SAVED)
    if not any((path / name).is_file() for name in TOKENIZER_FILES):
        raise NoModel(f"{path} holds no tokenizer", "save the model's tokenizer beside it")
    if not any(path.glob("*.safetensors")):
        raise NoModel(f"{path} holds no safetensors weights", "save the model again; pickled weights are not loaded")


def read_training(path: Path) -> dict[str, Any]:
    """Recipe, training seed, bench, tokens and seconds of a model of `cbc baselines train`; empty for other models."""
    try:
        training = json.loads((path / "training.json").read_text(encoding="utf-8"))
        recipe = training["recipe"]
        about = {
            "recipe": recipe["name"],
            "variant": recipe["variant"],
            "trained_alike": digest_of_training(recipe, training.get("seen")),
        }
        about |= {"seed": training["seed"], "trained_on": training["bench"]}
        return {**about, **training_cost(training, path / "log.jsonl")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def is_choice(task: str) -> bool:
    """Whether a task's answers are chosen from options."""
    from benchmark.answers.values import Values
    from benchmark.tasks.registry import task_named

    return not isinstance(task_named(task).answer, Values)


def read_model_type(path: Path) -> str | None:
    """The type of a model folder; None if its configuration cannot be read."""
    try:
        return str(json.loads((path / "config.json").read_text(encoding="utf-8"))["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_tuned_tasks(path: Path) -> set[str]:
    """The tasks that a model of `cbc baselines train` was tuned for; empty for other models."""
    try:
        return set(json.loads((path / "training.json").read_text(encoding="utf-8"))["tasks"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def digest_of_training(recipe: dict[str, Any], seen: str | None = None) -> str:
    """Hash of a recipe but for its name, description and variant, and of what is seen: a control has the same."""
    alike = {key: value for key, value in recipe.items() if key not in ("name", "says", "variant")}
    alike |= {"seen": seen} if seen else {}
    return hashlib.sha256(json.dumps(alike, sort_keys=True).encode()).hexdigest()[:16]


def training_cost(training: dict[str, Any], log: Path) -> dict[str, Any]:
    """A recipe's description, the tokens trained on (repetitions included), and the seconds of training."""
    about = {"training": training["recipe"].get("says")}
    if "tokens" in training:
        about["training_tokens"] = training["tokens"] + training.get("repeated_tokens", 0)
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    if lines:
        about["training_s"] = json.loads(lines[-1]).get("seconds")
    return {name: value for name, value in about.items() if value is not None}


def count_parameters(path: Path) -> dict[str, int]:
    """Count the parameters of a model folder from the headers of its files; empty if they are damaged."""
    from safetensors import SafetensorError, safe_open

    total = 0
    try:
        for file in path.glob("*.safetensors"):
            with safe_open(file, framework="np") as weights:
                total += sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118
    except (OSError, SafetensorError):
        return {}
    return {"parameters": total}


def looks_like_path(name: str) -> bool:
    """Whether a name cannot be a hub name, so that it must be a path."""
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or name.endswith("/") or not name


class Prompted(Predictor):
    """A causal LM that gets a task's prompt and, with --shots, solved training questions before it."""

    kind = "lm"
    answers = "every task, or those that it was tuned for"
    uses_settings = ("shots", "decode", "batch_size")
    answers_panel = True

    def __init__(self, model: str, settings: Settings, similar: str | None = None) -> None:
        """Check the name; `similar` is a predictor that may be meant if there is no such model. Raises NoModel."""
        self.path = Path(model)
        self.similar = similar
        self.model = model
        self.local = self.path.is_dir()
        if self.local:
            check_folder(self.path)
        elif looks_like_path(model) or self.path.exists():
            raise NoModel(f"{model} is no predictor and no model folder", SAVED)
        suffix = f"-{settings.shots}shot" if settings.shots else ""
        self.default_decode = "distribution" if self.local and has_number_tokens(self.path) else "greedy"
        decoding = f"-{settings.decode}" if settings.decode not in (None, self.default_decode) else ""
        self.name = self.path.resolve().name + suffix + decoding
        self.description = (
            f"{self.path.resolve().name if self.local else model}, {settings.shots or 'zero'}-shot through lm-eval"
        )
        self.settings = self.defaults(settings)
        self.tuned_for = read_tuned_tasks(self.path) if self.local else set()
        self.sees = self.local and read_model_type(self.path) == SEEING
        if self.sees and settings.seen is None:
            raise WrongSettings(f"{self.name} sees, and was given nothing to see", "give --seen frames or features")
        if settings.seen is not None and not self.sees:
            raise WrongSettings(f"{self.name} does not see", "leave --seen out")

    def defaults(self, settings: Settings) -> Settings:
        return super().defaults(replace(settings, decode=settings.decode or self.default_decode))

    def applies(self, bench: Bench, task: str) -> bool:
        """Whether it was tuned for the task, as far as its folder says, or is asked for it by name.

        One that sees is asked for no choices, whose options are scored without what is seen.
        """
        if self.sees and is_choice(task):
            return False
        return not self.tuned_for or task in self.tuned_for or task in (self.settings.tasks or ())

    def about(self) -> dict[str, Any]:
        if not self.local:
            return {"says": self.description, "hub": self.model}
        about = {"says": self.description, "weights": model_sha256(self.path)}
        if self.sees:
            about["seen"] = self.store.fingerprint
        return {**about, **count_parameters(self.path), **read_training(self.path)}

    @cached_property
    def reader(self) -> Reader:
        """Load the model on first use. Raises NoModel, SplitNumbers."""
        if not self.local:
            check_hub(self.model, self.similar)
        return load_reader(self.model, self.local, self.settings, self.store if self.sees else None)

    @cached_property
    def store(self) -> Store:
        """What the model is shown. Raises NothingSeen."""
        from corpus.seen_store import open_seen

        return open_seen(self.settings.seen, self.name)

    def prepare(self) -> None:
        """Load the model before the first task. Raises NoModel, SplitNumbers."""
        _ = self.reader

    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        """Prompt every question; adds `truncated` (whether the beginning of the prompt was cut to fit the context)."""
        from lm_eval import evaluate  # simple_evaluate also inspects the machine, which takes seconds a task

        reader = self.reader
        reader.forget()
        if reader.numbers is not None:
            reader.numbers.expect(task)
        if self.sees:
            asked = questions(bench, task, settings)["message_id"]
            if unseen := sum(message_id not in self.store for message_id in asked):
                note(f"{unseen} of {len(asked)} questions of {task} are asked blind: there is nothing to see")
        reader.on_answer = self.make_answer_counter(bench, task, settings)
        lm_eval_task = load_task(bench, task, settings, self.model)
        lm_eval_task.set_config("num_fewshot", settings.shots)
        name = lm_eval_name(task)
        task_dict = {"tasks": {name: lm_eval_task}}
        results = evaluate(reader, task_dict, limit=settings.limit, bootstrap_iters=0, log_samples=True)
        samples = sorted(results["samples"][name], key=lambda sample: sample["doc_id"])
        return pl.DataFrame([prediction_row(sample, reader) for sample in samples], schema=SCHEMA)

    def make_answer_counter(self, bench: Bench, task: str, settings: Settings) -> Callable[[], None]:
        """Make the callback for each scored text; each option of a choice counts as a share of an answer."""
        options = questions(bench, task, settings)["options"]
        share = len(options) / max(1, int(options.list.len().fill_null(1).sum()))
        return lambda: self.advance(share)


SCHEMA = {
    "instance_id": pl.String(),
    "raw": pl.String(),
    "values": pl.List(pl.Float64),
    "scores": pl.List(pl.Float64),
    "quantiles": pl.List(pl.Float64),
    "truncated": pl.Boolean(),
}


def prediction_row(sample: dict[str, Any], reader: Reader) -> dict[str, Any]:
    """Convert a sample of lm-eval's log to a row of predictions."""
    doc, values, responses = sample["doc"], sample["unparsed"]["values"], sample["filtered_resps"]
    is_choice, prompt = bool(doc["options"]), sample["arguments"][0][0]
    distributions = reader.distributions.get(prompt, [])[: len(values or ())]
    is_known = bool(distributions) and [place.written for place in distributions] == values
    return {
        "instance_id": doc["instance_id"],
        "raw": doc["options"][int(values[0])] if is_choice else responses[0],
        "values": [place.mean for place in distributions] if is_known else values,
        "scores": [score for score, _ in responses] if is_choice else None,
        "quantiles": [value for place in distributions for value in place.quantiles] if is_known else None,
        "truncated": prompt in reader.truncated,
    }


def load_task(bench: Bench, task: str, settings: Settings, model: str) -> Any:
    """Load a bench's task as an lm-eval task, without the answers of the predicted split. Raises WrongSettings."""
    from lm_eval.tasks import TaskManager

    metadata = {
        "bench": str(bench.root),
        "split": settings.split,
        "panel": settings.panel,
        "answers": False,
        "pretrained": model,
    }
    manager = TaskManager(include_path=str(task_folder()), include_defaults=False, metadata=metadata)
    name = lm_eval_name(task)
    loaded = manager.load([name])["tasks"][name]
    available = len(loaded.dataset["train"])
    if settings.shots > available:
        raise WrongSettings(f"{task} has {available} training questions, fewer than {settings.shots}", "lower --shots")
    return loaded


def check_hub(name: str, similar: str | None = None) -> None:
    """Check once that the hub has a model that is not cached here; loading would retry for minutes.

    Raises NoModel, which names the `similar` predictor that may be meant.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    try:
        if not isinstance(try_to_load_from_cache(name, "config.json"), str):
            HfApi().model_info(name, timeout=10)
    except (HFValidationError, RepositoryNotFoundError):
        why, mend = "and no model at the hub", "check the name, or give a model folder"
    except Exception as error:  # networks fail with exceptions of several libraries
        why, mend = f"and the hub cannot be reached ({type(error).__name__})", "give a model folder"
    else:
        return
    meant = f"did you mean {similar}? else " if similar else ""
    raise NoModel(f"{name} is no predictor of `cbc baselines list` {why}", f"{meant}{mend}")


def silence_transformers() -> None:
    """Hide transformers' warnings and progress bars; there is a progress display already."""
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    set_verbosity_error()
    disable_progress_bar()


def load_reader(model: str, local: bool, settings: Settings, store: Store | None = None) -> Reader:
    """Load model and tokenizer, from safetensors only and without remote code. Raises NoModel, SplitNumbers."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from baselines.number_tokens import NumberTokens
    from baselines.reader import Reader

    if store is not None:
        from baselines.lcbm.vision import model as _  # noqa: F401  registers its class

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    silence_transformers()
    placement = {"device_map": "auto"} if torch.cuda.is_available() else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=local, trust_remote_code=False)
        loaded = AutoModelForCausalLM.from_pretrained(
            model, use_safetensors=True, local_files_only=local, trust_remote_code=False, dtype="auto", **placement
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = first_line(error)[:160]
        raise NoModel(f"{model} cannot be loaded as a causal language model ({reason})", SAVED) from None
    numbers = None
    if settings.decode == "distribution":
        try:
            own = read_numbers(Path(model)) if local else {}
        except (ValueError, AttributeError, TypeError):
            raise NoModel(f"the numbers of {model} are damaged", SAVED) from None
        numbers = NumberTokens(own, tokenizer, loaded.get_output_embeddings().out_features, loaded.device)
    if store is None:
        return Reader(loaded, tokenizer, settings.batch_size, numbers)
    from baselines.lcbm.vision.eyes import StoreEyes
    from baselines.lcbm.vision.seeing import Sight
    from baselines.seeing_reader import SeeingReader

    eyes = StoreEyes(Sight.of(loaded.config), store)
    return SeeingReader(loaded, tokenizer, settings.batch_size, numbers, eyes)
