"""Write a small bench with runs: two replay tasks, likes per view and posts of ten channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from benchmark.bench import FORMAT, VERSION, Bench
from benchmark.build import write_references
from benchmark.run import write_run
from benchmark.sizes import PanelSize
from benchmark.tasks.registry import task_named
from corpus.files.atomic import write_json
from tests.benchmark.tiny_bench import with_message_columns

HOSTILE = "<svg onload=document.title='owned'>"
HOSTILE_TITLE = "<img src=x onerror=\"document.title='owned'\"> $\\frac{1}$ 10 % off"
SCENES, CHANNELS, A_CHANNEL = 20, 10, 6
REPLAY = {
    "replay_past": range(4),
    "replay_future": range(16, 20),
    "replay_random_5": range(5, 10),
    "replay_random_7": range(5, 12),
    "replay_all_masked": range(SCENES),
}
TASKS = {
    "replay_future": ("replay_values", "future", "values", ["rmse", "accuracy_abs5"]),
    "replay_all_masked": ("replay_values", "all_masked", "values", ["rmse", "accuracy_abs5"]),
    "like_view_ratio": ("like_view_ratio", "test", "values", ["rmse", "r2", "accuracy_rel10"]),
    "tweet_likes_brand": ("twitter_likes", "brand_separated", "choice", ["accuracy"]),
}
# Every way to mask replay values: the widest table.
WIDE = {
    f"replay_{condition}": ("replay_values", condition, "values", ["rmse", "accuracy_abs5"])
    for condition in ("past", "future", "random_5", "random_7", "all_masked")
}


def curve(rng: np.random.Generator) -> list[float]:
    """A smooth replay curve that peaks first."""
    steps = np.cumsum(rng.normal(0, 4, SCENES))
    return np.clip(100 * np.exp(-np.arange(SCENES) / 6) + 20 + steps, 0, 100).round().tolist()


def row(task: str, split: str, number: int, rng: np.random.Generator) -> dict[str, object]:
    """A question with its answer."""
    question: dict[str, object] = {
        "instance_id": f"{task}-{split}-{number}",
        "message_id": f"{split}-{number}",
        "group": f"{split} channel {number // A_CHANNEL}",
        "company": f"Company {number // A_CHANNEL}",
        "title": HOSTILE_TITLE if number % 2 else f"Video {number}: $5 & more",
        "prompt": "?",
        "text": "word " * (number % 9),
        "audience": 1e4 if number % 3 else None,
        "age_days": float(number),
        "views": 1000.0 * number,
        "options": ["high", "low"] if task == "tweet_likes_brand" else None,
    }
    if task in REPLAY:
        truth, asked = curve(rng), list(REPLAY[task])
        visible = [None if scene in asked else value for scene, value in enumerate(truth)]
        return question | {"replay": visible, "asked": asked, "target": [truth[scene] for scene in asked]}
    if task == "tweet_likes_brand":
        return question | {"target": [float(rng.integers(2))]}
    return question | {"target": [float(rng.gamma(2, 1.5))]}


def frame(task: str, split: str, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng([seed, *task.encode(), *split.encode()])
    rows = [row(task, split, number, rng) for number in range(CHANNELS * A_CHANNEL)]
    typed = {"options": pl.List(pl.String), "target": pl.List(pl.Float64)}
    made = pl.DataFrame(rows, schema_overrides=typed, infer_schema_length=None)
    return with_message_columns(made).with_columns(answer=pl.lit(""))


def write_bench(
    root: Path, simulated: bool = True, seed: int = 0, asked: dict[str, tuple] = TASKS, oracle: bool = True
) -> Bench:
    """Write the bench; a simulated one has the oracle's answers, unless `oracle` is false."""
    for task in asked:
        for split in ("train", "validation", "test"):
            rows = frame(task, split, seed)
            path = root / "public" / task / f"{split}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            hidden = [pl.lit(None, pl.List(pl.Float64)).alias("target")] if split == "test" else []
            rows.with_columns(*hidden, panel_rank=pl.int_range(pl.len())).write_parquet(path)
        (root / "private" / task).mkdir(parents=True)
        answers = rows.select("instance_id", "answer", "target", pl.col("target").list.reverse().alias("chance"))
        answers.write_parquet(root / "private" / task / "test.parquet")
    size = CHANNELS * A_CHANNEL
    tasks = {
        name: dict(zip(("table", "condition", "kind", "metrics"), entry, strict=True))
        | {"train": size, "validation": size, "test": size, "options": {}}
        | {"best_reference": write_references(task_named(name), root / "public" / name, PanelSize())}
        for name, entry in asked.items()
    }
    write_json(
        root / "manifest.json",
        {
            "format": FORMAT,
            "version": VERSION,
            "fingerprint": f"{seed:064x}",
            "seed": seed,
            "simulated": simulated,
            "tasks": tasks,
        },
    )
    bench = Bench.open(root)
    for task in asked if simulated and oracle else ():
        guesses(bench, task, 0.05, 0.0, 0).write_parquet(root / "private" / task / "oracle.parquet")
    return bench


def guesses(bench: Bench, task: str, error: float, unread: float, seed: int) -> pl.DataFrame:
    """Answers with an error, in shares of the scale; the share `unread` cannot be read."""
    rng = np.random.default_rng([seed, *task.encode()])
    values: list[list[float] | None] = []
    for target in bench.answers(task)["target"]:
        truth = target.to_numpy()
        if rng.random() < unread:
            values.append(None)
        elif bench.tasks[task]["kind"] == "choice":
            values.append([float(1 - truth[0] if rng.random() < error else truth[0])])
        else:
            scale, high = (100, 100) if task in REPLAY else (6, 100)
            values.append(np.clip(truth + rng.normal(0, error * scale, len(truth)), 0, high).tolist())
    return (
        bench.answers(task).select("instance_id").with_columns(pl.Series("values", values, dtype=pl.List(pl.Float64)))
    )


LONG = "a-model-of-nearly-a-name-a-line-" + "x" * 28  # 60 characters without a space
RUNS = {
    "nano-lcbm": ("lm", 0.10, 0.02),
    "nano-control": ("lm", 0.28, 0.0),
    "boosted": ("boosted", 0.11, 0.0),
    HOSTILE: ("lm", 0.30, 0.25),
    LONG: ("lm", 0.20, 0.0),
}
TRAINED = {
    "says": "nano-lcbm, zero-shot through lm-eval",
    "training": "small Llama from scratch",
    "recipe": "nano-lcbm",
    "seed": 3,
    "parameters": 1_050_000,
    "training_tokens": 2_048_000,
    "training_s": 612.4,
    "cbc": "0.1.0",
    "weights": "ab" * 32,
    "key": "cd" * 16,
}
# What each run states about itself; the hostile one has values that no predictor of cbc writes.
ABOUT = {
    "nano-lcbm": TRAINED,
    HOSTILE: {"says": HOSTILE, "recipe": ["a"], "parameters": "all", "training_tokens": -1, "training_s": True},
}


def write_runs(folder: Path, bench: Bench, without: str = "") -> list[Path]:
    """Write the runs except the one named `without`."""
    return [
        write_run(
            folder / f"run{place}",
            bench,
            name,
            kind,
            {task: guesses(bench, task, error, unread, place) for task in bench.tasks},
            ABOUT.get(name, {"says": "by hand", "trained": {"steps": 10 * place}}),
        )
        for place, (name, (kind, error, unread)) in enumerate(RUNS.items(), 1)
        if name != without
    ]
