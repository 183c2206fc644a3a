"""`make real`: the main job on real files, written up in RESULTS.md.

    python -m studies.real DATA --out real

DATA holds the files that ../shared/data/SOURCES.md of a checkout describes; nothing of them is copied into the project.
Ingests each with its shipped mapping, builds the bench, trains the nano models on it, runs every predictor that needs
no hub, scores them and makes tables and page: OUT/corpus bench models runs tables site.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from corpus.errors import CbcError
from studies.demo import RECIPES

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch loads: threads that wait do not spin
FILES = (
    ("youtube_trending", "youtube_trending/videos_latest.csv.gz"),
    ("youtube_trending", "youtube_trending/daily_en5.tar.gz"),
    ("superbowl_ads", "superbowl_ads"),
    ("tweets", "tweets"),
    ("headlines", "headlines/upworthy_clean.parquet"),
    ("lvu", "lvu"),
    ("heatmaps", "youtube_heatmaps/heatmaps.jsonl"),
)
TRIVIAL = ("random", "mean", "median", "majority", "mean_curve", "interpolate", "overlap")
SIZES = {"train": 12_000, "validation": 300, "test": 600}
REAL = {"context_tokens": 1024, "micro_batch": 2}  # real curves have 100 scenes


def ingest_all(data: Path, corpus: Path) -> list[str]:
    """Ingest every real file; gives a table of all ingests of the corpus for RESULTS.md, also of those done before."""
    from corpus.ingest.run import ingest
    from corpus.sources.registry import source_named
    from corpus.store import Corpus

    for mapping, path in FILES:
        print(f"ingesting {path}", flush=True)
        ingest(source_named(mapping), [data / path], corpus)
    outcomes = ("kept", "repeated", "enriched", "contradicting")
    lines = [f"| source | files | rows read | {' | '.join(outcomes)} | rejected |", "|---|---|---:|---:|---:|---:|---:|---|"]
    for found in Corpus.open(corpus).ingests():
        names = ", ".join(file["name"] for file in found["files"])
        rejected = ", ".join(f"{count:,} {reason}" for reason, count in found["rejected"].items()) or "0"
        counts = " | ".join(f"{found[f'rows_{name}']:,}" for name in ("read", *outcomes))
        lines.append(f"| {found['source']} | {names} | {counts} | {rejected} |")
    print("\n".join(lines), flush=True)
    return lines


def run_real(data: Path, out: Path, results: Path, models: bool = True) -> None:
    """The whole of it; raises what its steps raise."""
    from baselines.base import PredictorError, Settings
    from baselines.lcbm.train import train
    from baselines.predict import predict_run
    from benchmark.build import build_bench
    from benchmark.score import write_scores
    from benchmark.tables import make_tables
    from leaderboard.site import build_site
    from studies.results import write_section

    lines = ingest_all(data, out / "corpus")
    bench = build_bench(out / "corpus", out / "bench", sizes=SIZES)
    recipes = RECIPES if models else ()
    for recipe in recipes:
        train(recipe, bench.root, out / "models" / recipe, overrides=REAL)
    runs = []
    for name in (*TRIVIAL, "boosted", *(str(out / "models" / recipe) for recipe in recipes)):
        run = out / "runs" / Path(name).name
        try:
            print(predict_run(name, bench.root, run, Settings()), flush=True)
        except PredictorError as error:
            print(f"{name}: left out ({error})", flush=True)
            continue
        write_scores(run, bench.root)
        runs.append(run)
    make_tables(runs, bench.root, out / "tables")
    build_site(runs, out / "site", bench.root)
    left_out = [f"Not built: {name} ({why})." for name, why in bench.manifest["left_out"].items()]
    command = "make real" if models else "python -m studies.real DATA --no-models"
    write_section(results, "real", command, "\n".join([*lines, "", *left_out]), out / "tables")


def main(
    data: Annotated[Path, typer.Argument(help="folder of the real files")],
    out: Annotated[Path, typer.Option(help="folder for corpus, bench, models, runs, tables and site")] = Path("real"),
    results: Annotated[Path, typer.Option(help="the report to write into")] = Path("RESULTS.md"),
    models: Annotated[bool, typer.Option(help="train and ask the nano models too")] = True,
) -> None:
    """Run the main job on the real files."""
    try:
        run_real(data, out, results, models)
    except CbcError as error:
        print(f"error: {error}")
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
