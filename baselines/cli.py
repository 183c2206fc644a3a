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
    json: Json = False,
) -> None:
    """Predict a bench's questions with NAME and write a run; the same command continues a stopped run."""
    from baselines.base import Settings
    from baselines.predict import predict_run, read_json

    settings = Settings(comma_separated(tasks), shots, limit, split, batch_size, decode, seed, panel)
    line = predict_run(name, bench, out, settings)
    if json:
        say_json(read_json(out / "manifest.json"))
        return
    say(line)
    if split == "test":
        next_command("cbc", "benchmark", "score", out, "--bench", bench)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="name of a recipe in baselines/recipes, or path of a YAML file")],
    bench: BenchOption,
    out: Annotated[Path, typer.Option(help="folder of the model to write")],
    seed: Annotated[int, typer.Option(help="seed of initial weights and order")] = 0,
    resume: Annotated[bool, typer.Option(help="continue from the last checkpoint")] = True,
    json: Json = False,
) -> None:
    """Train a model by a recipe on a bench's training instances."""
    from baselines.lcbm.train import model_facts, model_line
    from baselines.lcbm.train import train as run_training

    model = run_training(recipe, bench, out, seed=seed, resume=resume)
    if int(os.environ.get("RANK", "0")):  # only the main process of a training prints
        return
    if json:
        say_json(model_facts(model))
        return
    say(model_line(model))
    next_command("cbc", "baselines", "predict", model, "--bench", bench, "--out", "run")
