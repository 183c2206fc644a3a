"""Run the demo: the whole pipeline on the simulated world, a line for each step.

    cbc demo --out demo [--seeds 3]
    python -m studies.demo demo [--seeds 3]      # the same, then docs/results/demo.md, or seeds.md with several seeds

Writes DIR/corpus bench models runs tables effects site findings.md. After an interrupt the same command continues.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmark.sizes import PanelSize

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch loads: threads that wait do not spin
RECIPES = ("nano-base", "nano-control", "nano-lcbm")
PREDICTORS = ("linear", "boosted")
"""Beside the references and the oracle, which the bench itself adds to every table."""
WORLD = {"world": "clear"}
"""Videos of 5 to 12 scenes: answers restate each scene, which a thousand steps do not teach for the lifelike 50."""
PANEL = PanelSize(questions=240)


def run_demo(out: Path, seeds: int = 1) -> None:
    """Simulate, build, train, predict, score, and make tables and page. Raises the errors of the steps."""
    from corpus.files.atomic import write_text
    from studies.findings import findings_text

    out.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    steps = demo_steps(out, seeds)
    for number, (name, step) in enumerate(steps, 1):
        print(f"[{number}/{len(steps)}] {name}", flush=True)
        step()
    minutes = (time.monotonic() - start) / 60
    text = findings_text(out / "tables")
    write_text(out / "findings.md", text + "\n")
    print(
        f"\n{text}\n\nDone in {minutes:.1f} minutes. Page: {out / 'site' / 'index.html'}\n"
        f"Tables: {out / 'tables'}/*.md, planted effects: {out / 'effects' / 'effects.md'}\n"
        f"Runs: {out / 'runs'}, models: {out / 'models'}\n"
        f"Inspect the corpus: cbc corpus status --corpus {out / 'corpus'}"
    )


def demo_steps(
    out: Path, seeds: int, world: Mapping[str, Any] | None = None, overrides: Mapping[str, object] | None = None
) -> list[tuple[str, Callable[[], object]]]:
    """Name and function of each step, in order; `world` changes the world and its sizes, `overrides` the recipes."""
    from baselines.base import Settings
    from baselines.lcbm.train import train
    from baselines.predict import predict_run
    from benchmark.build import build_bench
    from benchmark.effects.make import make_effects
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
        ("simulate a world", lambda: simulate(out / "corpus", **(world or WORLD))),
        ("build the bench", lambda: build_bench(out / "corpus", bench, panel=PANEL)),
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
        ("planted effects", lambda: make_effects(bench, runs, out / "effects")),
        ("page", lambda: build_site(runs, out / "site", bench)),
    ]
    return steps


def model_name(recipe: str, seed: int, seeds: int) -> str:
    """Name of a trained model: the recipe, with its seed if there are several."""
    return recipe if seeds == 1 else f"{recipe}-seed{seed}"


def write_demo_result(out: Path, seeds: int) -> Path:
    """Write docs/results/demo.md; with several seeds docs/results/seeds.md, without tables."""
    from studies.findings import findings, oracle_text
    from studies.planted import planted_sizes
    from studies.results import write_result

    tables = out / "tables"
    parts = [findings(tables), planted_sizes(out / "effects")]
    if seeds > 1:
        title = f"The simulated world under {seeds} training seeds"
        return write_result("seeds", title, "make seeds", parts, notes=oracle_text(tables))
    return write_result("demo", "The simulated world", "make demo", parts, tables, oracle_text(tables))


def main(
    out: Annotated[Path, typer.Argument(help="folder for corpus, bench, models, runs, tables and site")],
    seeds: Annotated[int, typer.Option(min=1, help="number of training seeds")] = 1,
) -> None:
    """Run the demo and write its result."""
    run_demo(out, seeds)
    print(f"Result: {write_demo_result(out, seeds)}")


if __name__ == "__main__":
    typer.run(main)
