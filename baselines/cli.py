"""`cbc baselines`: list what predicts, run it on a bench, train a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from benchmark.options import BenchOption
from corpus.console import next_command, say, say_json
from corpus.options import Json

# Threads that wait actively take the cores from other processes: on a busy machine a small model is then ten times as
# slow. It has to be said before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

app = typer.Typer(no_args_is_help=True, help="Predict with anything from chance to LCBM; train models.")


@app.command("list")
def list_(json: Json = False) -> None:
    """Print every predictor: name, kind, what it is and the tasks it applies to."""
    from baselines.registry import listed, listing

    say_json(listed()) if json else say(listing())


@app.command()
def predict(
    name: Annotated[str, typer.Argument(help="a predictor of `list`, or a Hugging Face causal LM by path or hub name")],
    bench: BenchOption,
    out: Annotated[Path, typer.Option(help="folder of the run to write")],
    tasks: Annotated[str | None, typer.Option(help="comma-separated tasks; all it applies to, if left out")] = None,
    shots: Annotated[int, typer.Option(min=0, help="examples before each question (language models)")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="only the first N instances of each task")] = None,
    split: Annotated[str, typer.Option(help="which instances to predict: test or validation")] = "test",
    batch_size: Annotated[int, typer.Option(min=1, help="prompts at once (language models)")] = 64,
    decode: Annotated[str, typer.Option(help="greedy, or expected: the mean over the 0..100 tokens")] = "greedy",
    seed: Annotated[int, typer.Option(help="seed of predictors that draw or train")] = 0,
    json: Json = False,
) -> None:
    """Predict a bench's instances with NAME and write a run; a killed run goes on where it stopped."""
    from baselines.base import Settings
    from baselines.predict import predict_run, read_json

    chosen = tuple(part.strip() for part in tasks.split(",") if part.strip()) if tasks is not None else None
    settings = Settings(chosen, shots, limit, split, batch_size, decode, seed)
    line = predict_run(name, bench, out, settings)
    if json:
        say_json(read_json(out / "manifest.json"))
        return
    say(line)
    if split == "test":
        next_command("cbc", "benchmark", "score", out, "--bench", bench)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="a recipe of baselines/recipes, or a path to a YAML file")],
    bench: BenchOption,
    out: Annotated[Path, typer.Option(help="folder of the model to write")],
    seed: Annotated[int, typer.Option(help="seed of initialisation and order")] = 0,
    resume: Annotated[bool, typer.Option(help="go on from the last checkpoint in OUT")] = True,
    json: Json = False,
) -> None:
    """Train a model by a recipe on a bench's training instances."""
    from baselines.lcbm.train import train as run_training
    from baselines.lcbm.train import training, training_text

    model = run_training(recipe, bench, out, seed=seed, resume=resume)
    if int(os.environ.get("RANK", "0")):  # another process of the same training speaks
        return
    if json:
        say_json(training(model))
        return
    say(training_text(model))
    next_command("cbc", "baselines", "predict", model, "--bench", bench, "--out", "run")
