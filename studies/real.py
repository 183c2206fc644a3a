"""Run the whole pipeline on real files, from ingest to page; the result is docs/results/real.md.

    python -m studies.real DATA --out real [--seeds 3]

DATA holds the files of FILES; none of them is copied into the project. Ingests each file with its shipped mapping,
builds the bench, trains the small models on it, runs every predictor that needs no hub on all questions (an answer of
these models is one token, so that some ten thousand take a minute or two), scores the runs and makes tables and page in
OUT/corpus bench models runs tables site.
"""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from corpus.errors import CbcError
from studies.demo import PREDICTORS, model_name
from studies.results import Part, write_result

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
COUNTS = ("rows_read", "rows_kept", "rows_repeated", "rows_enriched", "rows_contradicting")
RECIPES = ("real-base", "real-control", "real-lcbm")
BASE = "real-base"
"""It never sees a behavior, and is trained under one seed alone."""


def ingest_all(data: Path, corpus: Path) -> Part:
    """Ingest every real file; gives a table of all ingests of the corpus, also earlier ones."""
    from corpus.ingest.run import ingest
    from corpus.sources.registry import source_named
    from corpus.store import Corpus

    for mapping, path in FILES:
        print(f"ingesting {path}", flush=True)
        ingest(source_named(mapping), [data / path], corpus)
    rows = []
    for manifest in Corpus.open(corpus).ingests():
        names = ", ".join(file["name"] for file in manifest["files"])
        rejected = ", ".join(f"{count:,} {reason}" for reason, count in manifest["rejected"].items()) or "0"
        rows.append([manifest["source"], names, *(manifest[count] for count in COUNTS), rejected])
    return Part("Ingests", ["source", "files", *COUNTS, "rejected"], rows)


def run_real(data: Path, out: Path, models: bool = True, seeds: int = 1) -> None:
    """Run every step and write the result. Raises the errors of the steps."""
    from baselines.base import PredictorError, Settings
    from baselines.lcbm.train import train
    from baselines.predict import predict_run
    from benchmark.build import build_bench
    from benchmark.score import write_scores
    from benchmark.tables import make_tables
    from leaderboard.site import build_site

    ingests = ingest_all(data, out / "corpus")
    bench = build_bench(out / "corpus", out / "bench")
    trained = []
    for seed, recipe in product(range(seeds if models else 0), RECIPES):
        if seed and recipe == BASE:
            continue
        model = out / "models" / model_name(recipe, seed, seeds)
        trained.append(str(train(recipe, bench.root, model, seed=seed)))
    runs = []
    for name in (*PREDICTORS, *trained):
        run = out / "runs" / Path(name).name
        try:
            print(predict_run(name, bench.root, run, Settings(panel=False)), flush=True)
        except PredictorError as error:
            print(f"{name}: left out ({error})", flush=True)
            continue
        write_scores(run, bench.root)
        runs.append(run)
    make_tables(runs, bench.root, out / "tables")
    build_site(runs, out / "site", bench.root)
    left_out = Part("Not built", ["task", "why"], list(bench.manifest["left_out"].items()))
    command = f"python -m studies.real DATA --seeds {seeds}" if models else "python -m studies.real DATA --no-models"
    write_result("real", "Real files", command, [ingests, left_out], out / "tables")


def main(
    data: Annotated[Path, typer.Argument(help="folder of the real files")],
    out: Annotated[Path, typer.Option(help="folder for corpus, bench, models, runs, tables and site")] = Path("real"),
    models: Annotated[bool, typer.Option(help="also train and evaluate the small models")] = True,
    seeds: Annotated[int, typer.Option(min=1, help="number of training seeds")] = 1,
) -> None:
    """Run the whole pipeline on the real files."""
    try:
        run_real(data, out, models, seeds)
    except CbcError as error:
        print(f"error: {error}")
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
