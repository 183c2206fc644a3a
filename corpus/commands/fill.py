"""Commands that bring messages into a corpus: from files, from a simulated world, from a crawl."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpus.commands.waiting import crawling
from corpus.console import command_text, failed, next_command, say, say_json
from corpus.options import Corpus, Json
from corpus.printing import number_of

SHOW_REJECTS = ("cbc", "corpus", "sql", "FROM rejects")
app = typer.Typer()


@app.command()
def ingest(
    source: Annotated[
        str, typer.Argument(help="ytdlp, published, x_api, mbox, wikidata, table, ... or a shipped mapping")
    ],
    paths: Annotated[list[Path], typer.Argument(help="files or folders to read")],
    corpus: Corpus,
    mapping: Annotated[str | None, typer.Option(help="for `table`: a YAML file or the name of a shipped one")] = None,
    comments: Annotated[str | None, typer.Option(help="`text` keeps their words, scrubbed; else `aggregate`")] = None,
    json: Json = False,
) -> None:
    """Turn payloads into rows; bad ones go to the rejects table with file, line and reason.

    Exit code 1 where nothing of the files is kept or known already.
    """
    from corpus.ingest.report import nothing_kept, report_text
    from corpus.ingest.run import ingest as run
    from corpus.sources.registry import source_named

    report = run(source_named(source, mapping), paths, corpus, comments)
    say_json(report) if json else say(report_text(report))
    if why := nothing_kept(report):
        rows = f"; see the rows: {command_text(*SHOW_REJECTS, '--corpus', corpus)}" if report.rejected else ""
        failed(f"nothing was kept: {why}{rows}")
        raise typer.Exit(1)
    if not json:
        next_command("cbc", "corpus", "status", "--corpus", corpus)


@app.command()
def ingests(corpus: Corpus, json: Json = False) -> None:
    """List what was brought in: each ingest's name, source, files, time and counts."""
    from corpus.inspect.ingests import ingests as run
    from corpus.inspect.ingests import ingests_text

    say_json(run(corpus)) if json else say(ingests_text(corpus))


@app.command()
def forget(
    ingest: Annotated[str, typer.Argument(help="its name, as `cbc corpus ingests` lists it")],
    corpus: Corpus,
    json: Json = False,
) -> None:
    """Take an ingest back, rows and raw files, so that its mapping can be mended and the files ingested again."""
    from corpus.takedown.forget import forget as run
    from corpus.takedown.forget import forgotten_text

    forgotten = run(corpus, ingest)
    say_json(forgotten) if json else say(forgotten_text(forgotten))


@app.command()
def mapping_help(
    markdown: Annotated[bool, typer.Option("--markdown", help="as docs/mappings.md holds it")] = False,
    json: Json = False,
) -> None:
    """Print every key of a mapping with its type, meaning and an example."""
    from corpus.sources.mapping_help import mapping_help as run
    from corpus.sources.mapping_help import mapping_help_markdown, mapping_keys

    if json:
        say_json([key._asdict() for key in mapping_keys()])
    else:
        say(mapping_help_markdown().rstrip() if markdown else run())


@app.command()
def rebuild(
    old: Annotated[Path, typer.Argument(help="a corpus, of any version of the format")],
    corpus: Corpus,
    json: Json = False,
) -> None:
    """Make a corpus anew from another one's raw files, with the sources and mappings that its ingests had."""
    from corpus.ingest.rebuild import rebuild as run
    from corpus.ingest.rebuild import rebuilt_text

    rebuilt = run(old, corpus)
    say_json(rebuilt) if json else say(rebuilt_text(rebuilt, corpus))


def show_compared(world: Path, other: Path, json: bool) -> None:
    """Print the facts of two corpora side by side."""
    from corpus.simulate.compare import compare, compared_text

    rows = compare(world, other)
    if json:
        say_json([{"fact": name, "world": mine, "other": theirs} for name, mine, theirs in rows])
    else:
        say(compared_text(rows, world, other))


@app.command()
def simulate(
    corpus: Corpus,
    world: Annotated[
        str,
        typer.Option(
            help="lifelike; clear: nearly all behavior follows from content; null: none does; clips: it follows from "
            "what rendered videos show"
        ),
    ] = "lifelike",
    seed: Annotated[int | None, typer.Option(help="same seed, same bytes (default: 0)")] = None,
    secret_seed: Annotated[
        bool, typer.Option("--secret-seed", help="draw a seed of 128 bits, so that nobody can make the world again")
    ] = False,
    brands: Annotated[int | None, typer.Option(help="companies, each with a channel, an account and a sender")] = None,
    videos: Annotated[int | None, typer.Option(help="a brand, on average")] = None,
    posts: Annotated[int | None, typer.Option(help="a brand")] = None,
    emails: Annotated[int | None, typer.Option(help="a brand")] = None,
    media: Annotated[bool, typer.Option(help="render the videos of the world clips, which takes minutes")] = True,
    compare: Annotated[
        Path | None, typer.Option(help="a corpus of real files: print what decides the tasks in both")
    ] = None,
    json: Json = False,
) -> None:
    """Write a simulated world: brands, videos, posts and emails whose behavior follows a stated law."""
    from corpus.ingest.report import report_text
    from corpus.simulate.clips.world import render_media
    from corpus.simulate.law import WORLDS
    from corpus.simulate.world import secret_seed as seed_of
    from corpus.simulate.world import simulate as run

    if secret_seed and seed is not None:
        raise typer.BadParameter("give one of --seed and --secret-seed")
    drawn_seed = seed_of(corpus) if secret_seed else seed or 0
    report = run(corpus, drawn_seed, world, brands=brands, videos=videos, posts=posts, emails=emails)
    if media and WORLDS[world].rendered:
        render_media(corpus)
    if compare:
        show_compared(corpus, compare, json)
        return
    if json:
        say_json(report)
        return
    say(report_text(report) if report.ingest else f"{corpus}: this world is already there, nothing to do")
    next_command("cbc", "benchmark", "build", "--corpus", corpus, "--out", "bench")


@app.command()
def crawl(
    recipe: Annotated[Path, typer.Argument(help="YAML: channels, depth, quota, what yt-dlp adds")],
    corpus: Corpus,
    plan: Annotated[bool, typer.Option("--plan", help="only say what it will cost")] = False,
    again: Annotated[bool, typer.Option("--again", help="observe everything once more, when all is done")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="wait for the next day's quota instead of ending")] = False,
    json: Json = False,
) -> None:
    """Fetch what a recipe names into the corpus; exit code 75 when the rest must wait, as for a day's quota."""
    from corpus.crawl.crawl import crawl as run
    from corpus.crawl.plan import plan_rows, plan_text
    from corpus.crawl.progress import crawled_text
    from corpus.crawl.recipe import load_crawl_recipe

    wanted = load_crawl_recipe(recipe)
    if plan:
        say_json(plan_rows(wanted)) if json else say(plan_text(wanted))
        return
    with crawling() as tell:
        crawled = run(wanted, corpus, again, wait, tell)
    say_json(crawled) if json else say(crawled_text(crawled, corpus))
    if not json:
        next_command("cbc", "corpus", "status", "--corpus", corpus)


@app.command()
def retry(
    corpus: Corpus,
    cause: Annotated[str, typer.Option(help="what it was given up for, as `cbc corpus status` names it")],
    json: Json = False,
) -> None:
    """Let what a crawl gave up for a cause be fetched again by the next crawl."""
    from corpus.crawl.crawl import retry as run

    tasks = run(corpus, cause)
    if json:
        say_json({"cause": cause, "waiting": tasks})
        return
    say(f"{number_of(tasks, 'task')} {'waits' if tasks == 1 else 'wait'} again")
    next_command("cbc", "corpus", "crawl", corpus / "recipe.yaml", "--corpus", corpus)
