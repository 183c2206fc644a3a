"""What a recipe's parts are worth: train it without each of them, and answer with each way of decoding.

    python -m studies.ablations demo/bench                                  # nano-lcbm: docs/results/ablations.md
    python -m studies.ablations real/bench --recipe real-lcbm --steps 600   # docs/results/ablations_real.md

Every variant is trained for equally many steps, by default the recipe's, and asked the questions of the panel. For
replay the percentage of scenes that an answer restates correctly stands beside the error: a value can only be right for
a scene that is named.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

from baselines.base import Settings
from baselines.lcbm.train import train
from baselines.predict import predict_run
from benchmark.bench import Bench
from benchmark.run import Run
from benchmark.score import score
from benchmark.tasks.registry import task_named
from corpus.errors import CbcError
from studies.results import Part, write_result

SETTINGS = Settings(panel=True)
LINE = re.compile(r"scene (\d+): (.*?) =")


@dataclass(frozen=True)
class Variant:
    """A change of a recipe, or of how its model answers."""

    overrides: Mapping[str, object] = field(default_factory=dict)
    decode: str | None = None


@dataclass(frozen=True)
class Study:
    """The variants of a recipe, and what is measured: metrics of tasks."""

    result: str
    measures: tuple[tuple[str, str], ...]
    variants: dict[str, Variant]


SHIPPED = {"as shipped": Variant(), "as shipped, greedy": Variant(decode="greedy")}
STUDIES = {
    "nano-lcbm": Study(
        "ablations",
        (("replay_all_masked", "rmse"), ("replay_past", "rmse"), ("like_view_ratio", "r2")),
        {
            **SHIPPED,
            "numbers of prompts in digits": Variant({"numbers.prompts": False}),
            "labels of one value alone": Variant({"numbers.spread": 0.0, "numbers.scene_spread": 0.0}),
            "all numbers in digits": Variant({"numbers": None}, decode="distribution"),
            "messages not restated": Variant({"numbers.restate": False}),
            "tasks weighted equally": Variant({"weights": {}}),
            "without repetition": Variant({"repetition": 0}),
            "without Muon": Variant({"muon_learning_rate": None}),
        },
    ),
    "real-lcbm": Study(
        "ablations_real",
        (("like_view_ratio", "r2"), ("like_view_ratio", "rmse"), ("views", "rmse_log10")),
        {
            **SHIPPED,
            "numbers of prompts in digits": Variant({"numbers.prompts": False}),
            "labels of one number alone": Variant({"numbers.spread": 0.0}),
            "all numbers in digits, message restated": Variant({"numbers": None}),
            "message restated": Variant({"numbers.restate": True}),
            "tasks weighted equally": Variant({"weights": {}}),
            "a tenth of the videos": Variant({"most_questions": 15_000}),
        },
    ),
}


def restated_percent(bench: Bench, run: Run, task: str) -> float:
    """Percent of the asked scenes that the answers restate correctly."""
    answers = dict(bench.answers(task).select("instance_id", "answer").iter_rows())
    asked = restated = 0
    for instance, raw in run.predictions(task).select("instance_id", "raw").iter_rows():
        scenes = set(LINE.findall(answers[instance]))
        asked += len(scenes)
        restated += len(scenes & set(LINE.findall(raw or "")))
    return 100 * restated / asked


def measure(recipe: str, bench: Path, steps: int | None) -> Part:
    """Train and score each variant; gives a table with a row for each. Raises what training and predicting raise."""
    study, opened = STUDIES[recipe], Bench.open(bench)
    tasks = tuple(dict.fromkeys(task for task, _ in study.measures if task in opened.tasks))
    curves = [task for task in tasks if task_named(task).asks_curve]
    rows: list[tuple[str | float, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        models: dict[str, Path] = {}
        for number, (name, variant) in enumerate(study.variants.items()):
            overrides = {**variant.overrides, **({"steps": steps} if steps else {})}
            trained = models.get(str(overrides)) or train(recipe, bench, Path(folder, f"{number}"), overrides=overrides)
            models[str(overrides)] = trained
            out = Path(folder, f"run{number}")
            predict_run(str(trained), bench, out, replace(SETTINGS, tasks=tasks, decode=variant.decode))
            value = {(row["task"], row["metric"]): row["value"] for row in score(out, bench)}
            run = Run.open(out, opened)
            figures = [value[measured] for measured in study.measures if measured[0] in tasks]
            rows.append((name, *figures, *(restated_percent(opened, run, task) for task in curves)))
            print(*rows[-1], flush=True)
    heads = [f"{task} {metric}" for task, metric in study.measures if task in tasks]
    return Part(recipe, ["variant", *heads, *(f"{task}: scenes restated (%)" for task in curves)], rows)


def main(
    bench: Annotated[Path, typer.Argument(help="folder of the bench")],
    recipe: Annotated[str, typer.Option(help=f"one of {', '.join(STUDIES)}")] = "nano-lcbm",
    steps: Annotated[int | None, typer.Option(min=1, help="steps of each variant; by default the recipe's")] = None,
) -> None:
    """Train each variant and write the table."""
    if recipe not in STUDIES:
        print(f"error: no ablations of {recipe}: choose one of {', '.join(STUDIES)}")
        raise typer.Exit(2)
    try:
        part = measure(recipe, bench, steps)
    except CbcError as error:
        print(f"error: {error}")
        raise typer.Exit(2) from None
    changed = [f" --recipe {recipe}" if recipe != "nano-lcbm" else "", f" --steps {steps}" if steps else ""]
    command = f"python -m studies.ablations {bench}{''.join(changed)}"
    notes = "One training seed each, on the questions of the panel."
    print(write_result(STUDIES[recipe].result, f"Ablations of {recipe}", command, [part], notes=notes))


if __name__ == "__main__":
    typer.run(main)
