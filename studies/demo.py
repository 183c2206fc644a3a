"""`cbc demo`: the main job end to end on the simulated world, one line a step, each step usable by itself.

DIR/corpus bench models runs tables site findings.md. A demo that was stopped goes on where it stopped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch loads: threads that wait do not spin
RECIPES = ("nano-base", "nano-control", "nano-lcbm")
PREDICTORS = ("random", "mean", "median", "majority", "mean_curve", "interpolate", "boosted", "oracle")
SIZES = {"train": 20_000, "validation": 120, "test": 240}


def run_demo(out: Path, seeds: int = 1) -> None:
    """Simulate, build, train, predict, score, tabulate and show. Raises whatever a step raises."""
    from corpus.files.atomic import write_text
    from studies.findings import findings

    out.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    steps = demo_steps(out, seeds)
    for number, (name, step) in enumerate(steps, 1):
        print(f"[{number}/{len(steps)}] {name}", flush=True)
        step()
    minutes = (time.monotonic() - start) / 60
    said = findings(out / "tables")
    write_text(out / "findings.md", said + "\n")
    print(
        f"\n{said}\n\nDone in {minutes:.1f} minutes. The page: {out / 'site' / 'index.html'}\n"
        f"The tables: {out / 'tables'}/*.md, the runs: {out / 'runs'}, the models: {out / 'models'}\n"
        f"Look into the corpus: cbc corpus status --corpus {out / 'corpus'}"
    )


def demo_steps(
    out: Path, seeds: int, world: Mapping[str, int] | None = None, overrides: Mapping[str, object] | None = None
) -> list[tuple[str, Callable[[], object]]]:
    """The steps by name, in order; `world` gives other sizes per brand, `overrides` other settings of the recipes."""
    from baselines.base import Settings
    from baselines.lcbm.train import train
    from baselines.predict import predict_run
    from benchmark.build import build_bench
    from benchmark.score import write_scores
    from benchmark.tables import make_tables
    from corpus.simulate.world import simulate
    from leaderboard.site import build_site

    bench = out / "bench"
    trained = [(recipe, seed) for seed in range(seeds) for recipe in RECIPES]
    runs = [out / "runs" / name for name in PREDICTORS] + [
        out / "runs" / model_name(recipe, seed, seeds) for recipe, seed in trained
    ]

    def model(recipe: str, seed: int) -> Path:
        return out / "models" / model_name(recipe, seed, seeds)

    steps: list[tuple[str, Callable[[], object]]] = [
        ("simulate a world", lambda: simulate(out / "corpus", **(world or {}))),
        ("build the bench", lambda: build_bench(out / "corpus", bench, sizes=SIZES)),
    ]
    for name in PREDICTORS:
        steps.append((f"predict {name}", partial(predict_run, name, bench, out / "runs" / name, Settings())))
    for recipe, seed in trained:
        path = model(recipe, seed)
        run = out / "runs" / path.name
        steps.append((f"train {path.name}", partial(train, recipe, bench, path, seed=seed, overrides=overrides)))
        steps.append((f"predict {path.name}", partial(predict_run, str(path), bench, run, Settings())))
    steps += [
        ("score", lambda: [write_scores(run, bench) for run in runs]),
        ("tables", lambda: make_tables(runs, bench, out / "tables")),
        ("page", lambda: build_site(runs, out / "site", bench)),
    ]
    return steps


def model_name(recipe: str, seed: int, seeds: int) -> str:
    """The recipe's name, with its seed where there are several."""
    return recipe if seeds == 1 else f"{recipe}-seed{seed}"
