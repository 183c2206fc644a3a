"""`cbc benchmark`: build a bench from a corpus, score runs, print tables. It only parses arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.options import BenchOption, comma_separated
from corpus.console import next_command, note, say, say_json
from corpus.options import Corpus, Json

app = typer.Typer(no_args_is_help=True, help="Build the benchmark, score predictions, print the paper's tables.")


@app.command()
def build(
    corpus: Corpus,
    out: Annotated[Path, typer.Option(help="folder of the bench to write")],
    seed: Annotated[int, typer.Option(help="seed of splits and masks")] = 0,
    panel: Annotated[int, typer.Option(min=1, help="questions of each task that expensive models answer")] = 600,
    panel_scenes: Annotated[
        int | None, typer.Option(min=1, help="the most scenes of a video that they are asked about")
    ] = None,
    hidden: Annotated[
        bool, typer.Option("--hidden", help="each test message in one task, keyed ids, a secret instead of the seed")
    ] = False,
    secret: Annotated[
        Path | None, typer.Option(metavar="FILE", help="private/secret.json of a hidden bench, to build it again")
    ] = None,
    mask_draws: Annotated[
        int, typer.Option(min=1, help="most draws of masks of a video, where test videos with replay are few")
    ] = 20,
    fold: Annotated[
        str | None, typer.Option(metavar="k/K", help="test fold k, from 0, of K (default: a fifth of the groups)")
    ] = None,
    tasks: Annotated[str | None, typer.Option(help="comma-separated tasks (default: all)")] = None,
    json: Json = False,
) -> None:
    """Build the questions of every task, split by channel, with the test answers in a private part."""
    from benchmark.build import NothingToAsk, build_bench
    from benchmark.folds import Fold
    from benchmark.report import build_rows, build_text
    from benchmark.sizes import PanelSize
    from corpus.filters.outcome import newer_note
    from corpus.store import Corpus as Opened

    try:
        sizes = PanelSize(panel, panel_scenes)
        bench = build_bench(
            corpus,
            out,
            seed,
            panel=sizes,
            hidden=hidden or secret is not None,
            secret_file=secret,
            fold=Fold.parse(fold) if fold is not None else None,
            tasks=comma_separated(tasks),
            mask_draws=mask_draws,
        )
    except NothingToAsk as error:
        for task, reason in error.left_out.items():
            note(f"left out: {task} ({reason})")
        raise
    if newer := newer_note(Opened.open(corpus)):
        note(newer.removeprefix("note: "))
    say_json(build_rows(bench)) if json else say(build_text(bench))
    if not json:
        next_command("cbc", "baselines", "predict", "boosted", "--bench", out, "--out", "run")


@app.command()
def audit(bench: BenchOption, json: Json = False) -> None:
    """Look for test messages, groups, prompts and titles in the training part of any task.

    Exit code 1 where there are leaks.
    """
    from benchmark.audit import audit_rows, audit_text
    from benchmark.bench import Bench

    rows = audit_rows(Bench.open(bench))
    say_json(rows) if json else say(audit_text(rows))
    if rows["leaks"]:
        raise typer.Exit(1)


@app.command()
def attack(
    bench: Annotated[Path, typer.Argument(readable=False, help="the bench's folder, with or without its private part")],
    corpus_seeds: Annotated[int, typer.Option(min=0, help="try so many seeds, from 0 on")] = 8,
    json: Json = False,
) -> None:
    """Try to find test answers in the public part of a bench. Exit code 1 where something was found."""
    from benchmark.attack import attack as run
    from benchmark.attack import attack_text

    rows = run(bench, corpus_seeds)
    say_json(rows) if json else say(attack_text(rows))
    if rows["found"]:
        raise typer.Exit(1)


@app.command()
def submit(
    answers: Annotated[Path, typer.Argument(help=".csv, .parquet or .jsonl: instance_id and answer, values or scores")],
    name: Annotated[str, typer.Option(help="the run's name in tables")],
    bench: BenchOption,
    out: Annotated[Path | None, typer.Option(metavar="RUN", help="folder of the run (default: its name)")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="score only the answered questions; no rank")] = False,
    json: Json = False,
) -> None:
    """Make a run from your own file of answers, so that it can be scored and compared."""
    from benchmark.run import read_run_manifest
    from benchmark.submit import submit as run

    line = run(answers, name, bench, out, partial)
    if json:
        say_json(read_run_manifest(out or Path(name)).model_dump(mode="json"))
        return
    say(line)
    next_command("cbc", "benchmark", "score", out or name, "--bench", bench)


@app.command()
def score(
    run: Annotated[Path, typer.Argument(readable=False, help="the run's folder")],
    bench: BenchOption,
    json: Json = False,
) -> None:
    """Score a run and write RUN/scores.json: every metric with its 95 % interval."""
    from benchmark.score import scores_text, write_scores

    rows = write_scores(run, bench)
    say_json(rows) if json else say(scores_text(rows))
    if not json:
        next_command("cbc", "leaderboard", "build", run, "--bench", bench, "--out", "site")


@app.command()
def tables(
    runs: Annotated[list[Path], typer.Argument(readable=False, help="the runs' folders")],
    bench: BenchOption,
    out: Annotated[Path, typer.Option(help="folder for TABLE.md, TABLE.csv and TABLE.json")],
    json: Annotated[bool, typer.Option("--json", help="print the rows of all tables as JSON")] = False,
) -> None:
    """Print each table of the paper that the bench covers, with the references and the paper's own figures."""
    from benchmark.tables import make_tables

    rows = make_tables(runs, bench, out)
    if json:
        say_json(rows)
        return
    for name in dict.fromkeys(row["table"] for row in rows):
        say((out / f"{name}.md").read_text(encoding="utf-8"))
    say(f"tables in {out}")
    next_command("cbc", "leaderboard", "build", *runs, "--bench", bench, "--out", "site", "--tables", out)


@app.command()
def effects(
    runs: Annotated[list[Path], typer.Argument(readable=False, help="the runs' folders")],
    bench: BenchOption,
    out: Annotated[Path | None, typer.Option(help="folder for effects.md and effects.json")] = None,
    json: Json = False,
) -> None:
    """Print which planted effects (tone, occasion, shots, audience) each run recovers, with size, signs and order."""
    from benchmark.effects.make import make_effects
    from benchmark.effects.markdown import markdown

    content = make_effects(bench, runs, out)
    say_json(content) if json else say(markdown(content))
    if out and not json:
        say(f"effects in {out}")


@app.command()
def lm_eval_tasks(
    out: Annotated[Path, typer.Option(help="folder to write the task files into")],
) -> None:
    """Write a task file of lm-eval for every task, also those of other packages."""
    from benchmark.lm_eval.task_files import write_task_files

    say("\n".join(write_task_files(out)))


@app.command()
def lm_eval_path() -> None:
    """Print the folder of lm-eval's task files, for `lm_eval --include_path`."""
    from benchmark.lm_eval.task_files import task_folder

    say(str(task_folder()))
