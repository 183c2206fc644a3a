"""Write a bench and runs that are small enough to compute by hand, in the real formats."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from benchmark.answers.choice import Choice
from benchmark.bench import VERSION, Bench
from benchmark.build import write_references
from benchmark.run import write_run
from benchmark.sizes import PanelSize
from benchmark.tasks.registry import task_named

LISTS = {"target": pl.List(pl.Float64), "chance": pl.List(pl.Float64), "replay": pl.List(pl.Float64)}
NUMBERS = [
    {
        "text": "word " * (1 + i % 7),
        "audience": 10.0 ** (i % 5) if i % 4 else None,
        "age_days": float(i),
        "views": 1e3 * i,
    }
    for i in range(23)
]
SCHEMA = {**LISTS, "audience": pl.Float64, "asked": pl.List(pl.Int64), "options": pl.List(pl.String)}


MESSAGE = {
    "title": pl.String,
    "text": pl.String,
    "audience": pl.Float64,
    "age_days": pl.Float64,
    "duration_s": pl.Float64,
    "published_at": pl.Datetime("us", "UTC"),
    "tag_count": pl.Int64,
}
"""Columns that every frame of a bench has."""


def make_frame(rows):
    """Make a frame with the columns' types, also where all values are null."""
    dtypes = {name: dtype for name, dtype in SCHEMA.items() if name in rows[0]}
    frame = pl.DataFrame(rows, schema_overrides=dtypes, strict=False)
    return with_message_columns(frame)


def with_message_columns(frame):
    """Add what is known of no message as null."""
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in MESSAGE.items() if name not in frame.columns]
    return frame.with_columns(missing)


def replay_rows(count, groups, rng, condition="past"):
    rows = []
    for i in range(count):
        curve = np.clip(50 + np.cumsum(rng.normal(0, 6, 20)), 0, 100).round().tolist()
        asked = list(range(20)) if condition == "all_masked" else [0, 1, 2]
        chance = [float(v) for v in rng.integers(0, 101, len(asked))]
        rows.append({"replay": [None if s in asked else v for s, v in enumerate(curve)], "asked": asked,
                     "target": [curve[s] for s in asked], "chance": chance,
                     "options": None, **common(i, groups)})  # fmt: skip
    return rows


def value_rows(count, groups, rng):
    return [
        {"target": [float(v)], "chance": [float(c)], "options": None, **common(i, groups)}
        for i, (v, c) in enumerate(zip(rng.gamma(2, 2, count).round(2), rng.gamma(2, 2, count).round(2), strict=True))
    ]


def tweet_rows(count, groups, rng):
    return [
        {"target": [float(v)], "chance": [float(c)], "options": ["low", "high"], **common(i, groups)}
        for i, (v, c) in enumerate(zip(rng.random(count) < 0.6, rng.random(count) < 0.5, strict=True))
    ]


def speech_rows(count, groups, rng):
    rows = []
    for i in range(count):
        options = [f"sentence {chr(97 + k)}{i} spoken" for k in range(25)]
        right = int(rng.integers(25))
        answer = {"target": [float(right)], "chance": [float(rng.integers(25))], "asked": list(range(5))}
        rows.append(
            {**answer, "option_texts": options, "options": [str(k + 1) for k in range(25)], **common(i, groups)}
        )
        rows[-1]["prompt"] = "\n".join(["talk", *(f"{k + 1}) {text}" for k, text in enumerate(options))])
    return rows


def common(i, groups):
    return {
        "instance_id": f"i{i:04}",
        "message_id": f"m{i}",
        "group": f"c{i % groups:03}",
        "prompt": "?",
        "answer": "x",
        **NUMBERS[i % len(NUMBERS)],
    }


ROWS = {"replay_values": replay_rows, "twitter_likes": tweet_rows, "content_simulation": speech_rows}


def write_bench(
    root: Path, tasks, count=40, groups=12, seed=0, answers=True, fingerprint="f00d", rows=None, panel=None
) -> Bench:
    """Write a bench of the named tasks; `rows` gives the test rows by hand, the first `panel` (all) are the panel."""
    task_entries = {}
    root.mkdir(parents=True, exist_ok=True)
    for task in tasks:
        definition = task_named(task)
        make_rows = ROWS.get(definition.table.name, value_rows)
        condition = {"condition": definition.condition} if definition.asks_curve else {}
        for split in ("train", "validation", "test"):
            rng = np.random.default_rng([seed, sum(map(ord, task + split))])
            frame = make_frame(
                (rows or {}).get(task) if split == "test" and rows else make_rows(count, groups, rng, **condition)
            )
            if split != "test":
                frame = frame.with_columns(instance_id=pl.lit(f"{split}:") + pl.col("instance_id"))
            folder = root / "public" / task
            folder.mkdir(parents=True, exist_ok=True)
            if split == "test":
                private = root / "private" / task
                private.mkdir(parents=True, exist_ok=True)
                if answers:
                    frame.select("instance_id", "answer", "target", "chance").write_parquet(private / "test.parquet")
                hidden = pl.lit(None, pl.List(pl.Float64)).alias("target"), pl.lit(None, pl.String).alias("answer")
                frame = frame.with_columns(*hidden)
            rank = pl.int_range(pl.len())
            frame = frame.with_columns(panel_rank=pl.when(rank < (panel or count)).then(rank))
            frame.drop("chance").write_parquet(folder / f"{split}.parquet")
        best = write_references(definition, root / "public" / task, PanelSize())
        task_entries[task] = {
            "best_reference": best,
            **{"table": definition.table.name, "condition": definition.condition, "kind": definition.answer.name},
            "metrics": [metric.name for metric in definition.metrics],
            **dict.fromkeys(("train", "validation", "test"), count),
        }
    content = {"format": "cbc-bench", "version": VERSION, "fingerprint": fingerprint, "seed": seed, "simulated": True}
    (root / "manifest.json").write_text(json.dumps({**content, "tasks": task_entries}))
    return Bench.open(root)


def truth_of(bench: Bench, task: str) -> list[list[float]]:
    return bench.answers(task)["target"].to_list()


def write_values(out: Path, bench: Bench, name: str, values, kind="lm", about=None) -> Path:
    """Write a run from {task: values in the bench's order}."""
    frames = {
        task: bench.public(task, "test")
        .select("instance_id")
        .with_columns(pl.Series("values", task_values, dtype=pl.List(pl.Float64)))
        for task, task_values in values.items()
    }
    return write_run(out, bench, name, kind, frames, about or {})


def noisy(bench: Bench, task: str, sd: float, seed: int = 0) -> list[list[float]]:
    """The truth with noise, clipped to the legal range; choices become option 0 with probability sd."""
    rng, answer = np.random.default_rng(seed), task_named(task).answer
    if isinstance(answer, Choice):
        return [value if rng.random() > sd else [0.0] for value in truth_of(bench, task)]
    return [np.clip(np.array(v) + rng.normal(0, sd, len(v)), *answer.legal).tolist() for v in truth_of(bench, task)]
