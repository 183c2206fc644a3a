"""`cbc baselines`: list predictors, run one on a bench, train a model. It only parses arguments."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from benchmark.options import BenchOption, comma_separated
from corpus.console import next_command, say, say_json
from corpus.options import Json

# Threads that spin while they wait take the cores from other processes: on a busy machine a small model is then ten
# times slower. Torch reads this when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

app = typer.Typer(no_args_is_help=True, help="List predictors, run them on a bench, and train models.")


@app.command("list")
def list_(json: Json = False) -> None:
    """Print every predictor: its name, kind, what it predicts with, and the tasks it answers."""
    from baselines.registry import predictor_rows, predictor_table

    say_json(predictor_rows()) if json else say(predictor_table())


@app.command()
def predict(
    name: Annotated[str, typer.Argument(help="a predictor of `list`, or a Hugging Face causal LM (path or hub name)")],
    bench: BenchOption,
    out: Annotated[Path, typer.Option(help="folder of the run to write")],
    tasks: Annotated[str | None, typer.Option(help="comma-separated tasks (default: all that it can answer)")] = None,
    shots: Annotated[int, typer.Option(min=0, help="examples before each question (language models)")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="only the first N instances of each task")] = None,
    split: Annotated[str, typer.Option(help="which instances to predict: test or validation")] = "test",
    batch_size: Annotated[int, typer.Option(min=1, help="prompts in a batch (language models)")] = 64,
    decode: Annotated[
        str | None,
        typer.Option(
            help="how language models answer with numbers: greedy, or distribution (mean and quantiles over number "
            "tokens), the default of models that have their own"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="seed of predictors that draw or train")] = 0,
    panel: Annotated[
        bool | None,
        typer.Option(
            "--panel/--all-questions", help="the panel alone, as language models do by default, or everything"
        ),
    ] = None,
    seen: Annotated[
        Path | None,
        typer.Option(
            help="what models that see are shown: a folder of `frames` or `features`; for boosting, of numbers"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Predict a bench's questions with NAME and write a run; the same command continues a stopped run."""
    from baselines.base import Settings
    from baselines.predict import predict_run, read_json

    settings = Settings(comma_separated(tasks), shots, limit, split, batch_size, decode, seed, panel, seen)
    line = predict_run(name, bench, out, settings)
    if json:
        say_json(read_json(out / "manifest.json"))
        return
    say(line)
    if split == "test":
        next_command("cbc", "benchmark", "score", out, "--bench", bench)


Seed = Annotated[int, typer.Option(help="seed of initial weights and order")]
Resume = Annotated[bool, typer.Option(help="continue from the last checkpoint")]
Base = Annotated[str | None, typer.Option(help="a model to start from, in place of the recipe's")]


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="name of a recipe in baselines/recipes, or path of a YAML file")],
    bench: BenchOption,
    out: Annotated[Path, typer.Option(help="folder of the model to write")],
    seed: Seed = 0,
    resume: Resume = True,
    base: Base = None,
    seen: Annotated[
        Path | None, typer.Option(help="what a recipe with a stage sees: a folder of `frames` or `features`")
    ] = None,
    json: Json = False,
) -> None:
    """Train a model by a recipe on a bench's training instances."""
    from baselines.lcbm.train import train as run_training

    model = run_training(recipe, bench, out, seed, {"base": base} if base else None, resume, seen)
    if show_model(model, json):
        also = ("--seen", seen) if seen else ()
        next_command("cbc", "baselines", "predict", model, "--bench", bench, "--out", "run", *also)


@app.command()
def align(
    recipe: Annotated[str, typer.Argument(help="name of a recipe with the stage whole or alignment, or a YAML file")],
    shards: Annotated[list[Path], typer.Option(help="tar files of WebDataset with KEY.mp4 (or .jpg) and KEY.txt")],
    out: Annotated[Path, typer.Option(help="folder of the model to write; OUT.captions keeps frames and captions")],
    seed: Seed = 0,
    resume: Resume = True,
    base: Base = None,
    json: Json = False,
) -> None:
    """Train a model that sees on captions of images and videos."""
    from baselines.lcbm.loop import trainer_arguments
    from baselines.lcbm.recipe import BadRecipe, load_recipe
    from baselines.lcbm.train import fit
    from baselines.lcbm.vision.caption_shards import CaptionSource, prepare_shards
    from baselines.lcbm.vision.start import image_size_of

    loaded = load_recipe(recipe, {"base": base} if base else None)
    if loaded.stage not in ("whole", "alignment"):
        raise BadRecipe(f"{loaded.name} does not learn from captions", "name a recipe of the stage whole or alignment")
    with trainer_arguments(loaded, out, seed).main_process_first(local=False):
        captions = prepare_shards(shards, out.with_name(f"{out.name}.captions"), image_size_of(loaded))
    model = fit(loaded, CaptionSource(captions), out, seed, resume, captions / "frames")
    show_model(model, json)


@app.command()
def frames(
    corpus: Annotated[Path, typer.Option(help="folder of the corpus")],
    out: Annotated[Path, typer.Option(help="folder to write")],
    label: Annotated[str | None, typer.Option(help="which annotation of frames, where there are several")] = None,
    json: Json = False,
) -> None:
    """Store the frames of a corpus (cbc corpus annotate --with frames) for models that see."""
    from baselines.lcbm.vision.frames import store_frames

    show_store(store_frames(corpus, out, label), "frames", json)


@app.command()
def features(
    model: Annotated[Path, typer.Argument(help="folder of a model that sees")],
    frames: Annotated[Path, typer.Option(help="a folder of `frames`")],
    out: Annotated[Path, typer.Option(help="folder to write")],
    json: Json = False,
) -> None:
    """Store what a model's frozen encoder makes of frames: what behavior fine-tuning and prediction read."""
    from baselines.lcbm.vision.features import store_features

    show_store(store_features(model, frames, out), "sets of features", json)


def show_store(root: Path, what: str, json: bool) -> None:
    """Print what a store holds."""
    from corpus.seen_store import Store

    stored = Store.open(root)
    if json:
        say_json({"out": root, "rows": len(stored.rows), "messages": len(stored.index), **stored.about})
    else:
        say(f"{root}: {len(stored.rows):,} {what} of {len(stored.index):,} messages")


def show_model(model: Path, json: bool) -> bool:
    """Print a finished model, in the main process of a training alone; gives whether a next command may follow."""
    from baselines.lcbm.train import model_facts, model_line

    if int(os.environ.get("RANK", "0")):
        return False
    if json:
        say_json(model_facts(model))
        return False
    say(model_line(model))
    return True
