"""`cbc corpus ...`: build a corpus, look at it, check it, give it away. Only arguments are read here.

cbc corpus ingest ytdlp videos/ --corpus CORPUS
cbc corpus ingest table posts.csv --mapping posts.yaml --corpus CORPUS
cbc corpus status --corpus CORPUS
cbc corpus sql "SELECT kind, count(*) FROM message GROUP BY kind" --corpus CORPUS
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

QUOTA_ENDED = 75  # EX_TEMPFAIL of sysexits.h: a scheduler tries again later

app = typer.Typer(no_args_is_help=True, help="Build the corpus, look at it, check it, export it.")

Corpus = Annotated[Path, typer.Option("--corpus", help="the corpus folder")]


class Content(StrEnum):
    """How much of a corpus a release holds."""

    ids = "ids"
    full = "full"


class Format(StrEnum):
    """Shapes a corpus can be exported in."""

    published = "published"


@app.command()
def ingest(
    source: Annotated[
        str, typer.Argument(help="ytdlp, published, x_api, mbox, wikidata, table, ... or a shipped mapping")
    ],
    paths: Annotated[list[Path], typer.Argument(help="files or folders to read")],
    corpus: Corpus,
    mapping: Annotated[str | None, typer.Option(help="for `table`: a YAML file or the name of a shipped one")] = None,
    comments: Annotated[str | None, typer.Option(help="`text` keeps their words, scrubbed; else `aggregate`")] = None,
) -> None:
    """Turn payloads into rows; bad ones go to the rejects table with file, line and reason."""
    from corpus.ingest.run import ingest as run
    from corpus.inspect.status import report_text
    from corpus.sources.registry import source_named

    typer.echo(report_text(run(source_named(source, mapping), paths, corpus, comments)))


@app.command()
def simulate(
    corpus: Corpus,
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 0,
    brands: Annotated[int, typer.Option(help="companies, each with a channel, an account and a sender")] = 72,
    videos: Annotated[int, typer.Option(help="a brand")] = 40,
    posts: Annotated[int, typer.Option(help="a brand")] = 100,
    emails: Annotated[int, typer.Option(help="a brand")] = 8,
) -> None:
    """Write a simulated world: brands, videos, posts and emails whose behavior follows a stated law."""
    from corpus.inspect.status import report_text
    from corpus.simulate.world import simulate as run

    typer.echo(report_text(run(corpus, seed=seed, brands=brands, videos=videos, posts=posts, emails=emails)))


@app.command()
def crawl(
    recipe: Annotated[Path, typer.Argument(help="YAML: channels, depth, quota, what yt-dlp adds")],
    corpus: Corpus,
    plan: Annotated[bool, typer.Option("--plan", help="only say what it will cost")] = False,
    again: Annotated[bool, typer.Option("--again", help="observe everything once more, when all is done")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="wait for the next day's quota instead of ending")] = False,
) -> None:
    """Fetch what a recipe names into the corpus; exit code 75 when the rest must wait, as for a day's quota."""
    from corpus.crawl.crawl import crawl as run
    from corpus.crawl.plan import plan_text
    from corpus.crawl.progress import bar, crawled_text
    from corpus.crawl.recipe import load_crawl_recipe
    from corpus.crawl.scheduler import Later

    wanted = load_crawl_recipe(recipe)
    if plan:
        typer.echo(plan_text(wanted))
        return
    try:
        with bar() as tell:
            typer.echo(crawled_text(run(wanted, corpus, again, wait, tell)))
    except Later as ended:
        typer.echo(f"error: {ended}", err=True)
        raise typer.Exit(QUOTA_ENDED) from None


@app.command()
def retry(
    corpus: Corpus,
    cause: Annotated[str, typer.Option(help="what it was given up for, as `cbc corpus status` names it")],
) -> None:
    """Let what a crawl gave up for a cause be fetched again by the next crawl."""
    from corpus.crawl.crawl import retry as run

    typer.echo(f"{run(corpus, cause):,} tasks wait again")


@app.command()
def status(corpus: Corpus) -> None:
    """Say what the corpus holds and how its crawl stands: rows, sources, dates, metrics, rejects, sizes on disk."""
    from corpus.crawl.progress import progress_text
    from corpus.inspect.status import status_text

    typer.echo("\n\n".join(filter(None, [status_text(corpus), progress_text(corpus)])))


@app.command()
def validate(
    corpus: Corpus,
    json: Annotated[Path | None, typer.Option(help="write every finding to this file")] = None,
    limit: Annotated[int, typer.Option(min=0, help="how many findings to show")] = 50,
) -> None:
    """Check schema, ranges, dangling ids and duplicates; exit code 1 when there are findings."""
    from corpus.inspect.validate import findings_text, write_findings
    from corpus.inspect.validate import validate as run

    findings = run(corpus)
    if json:
        write_findings(findings, json)
    typer.echo(findings_text(findings, limit))
    if findings:
        raise typer.Exit(1)


@app.command()
def explain(
    row_id: Annotated[str, typer.Argument(metavar="ID", help="a message, communicator or comment")],
    corpus: Corpus,
) -> None:
    """Say where an id's cells came from: raw payload and field, when, by which call and tool, what was done to it."""
    from corpus.inspect.explain import explain as run

    typer.echo(run(corpus, row_id))


@app.command()
def takedown(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="videos, posts, channels, comments")],
    corpus: Corpus,
    also: Annotated[
        list[Path] | None, typer.Option(help="a bench, run or release made of it elsewhere or by an earlier version")
    ] = None,
) -> None:
    """Remove ids from everything, keep them from being fetched again, and prove by search that their text is gone."""
    from corpus.takedown.takedown import takedown as run
    from corpus.takedown.takedown import taken_text

    typer.echo(taken_text(run(corpus, ids, also or [])))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="one SELECT over the views of the corpus")],
    corpus: Corpus,
    limit: Annotated[int, typer.Option(min=1, help="rows shown")] = 40,
    csv: Annotated[bool, typer.Option("--csv", help="print every row as CSV")] = False,
) -> None:
    """Ask the corpus in SQL (DuckDB's); nothing can be written."""
    from corpus.inspect.status import sql_csv, sql_table

    if csv:
        sql_csv(corpus, query)
    else:
        typer.echo(sql_table(corpus, query, limit))


@app.command(name="filter")
def filter_(
    recipe: Annotated[str, typer.Argument(help="YAML: filters in their order; or a shipped one's name: default")],
    corpus: Corpus,
) -> None:
    """Find duplicates and noise; nothing is deleted, but benches and texts are made of what is kept."""
    from corpus.filters.recipe import load_filter_recipe
    from corpus.filters.run import filtered_text, run_filters

    typer.echo(filtered_text(run_filters(load_filter_recipe(recipe), corpus)))


@app.command()
def export(
    corpus: Corpus,
    out: Annotated[Path, typer.Option(help="file to write")],
    format: Annotated[Format, typer.Option(help="shape of the file")] = Format.published,
) -> None:
    """Write the corpus' videos as one parquet file in the columns of the public release."""
    from corpus.release.export import export_published

    typer.echo(f"{export_published(corpus, out)} videos in {out}")


@app.command()
def release(
    corpus: Corpus,
    out: Annotated[Path, typer.Option(help="folder to write")],
    content: Annotated[Content, typer.Option(help="ids alone, or everything")] = Content.ids,
    version: Annotated[str, typer.Option(help="of this release")] = "1.0.0",
    name: Annotated[str, typer.Option(help="of the dataset")] = "content-behavior-corpus",
    licence: Annotated[str, typer.Option(help="SPDX id of what you give it away under")] = "other",
    seed: Annotated[int, typer.Option(help="of the splits")] = 0,
) -> None:
    """Write what may be given away: parquet by split, card, datasheet, Croissant, checksums."""
    from corpus.release.write import release as run
    from corpus.release.write import released_text

    typer.echo(released_text(run(corpus, out, content.value, version, name, licence, seed), out))


@app.command()
def rehydrate(
    release: Annotated[Path, typer.Argument(help="a release of ids")],
    corpus: Corpus,
    wait: Annotated[bool, typer.Option("--wait", help="wait for the next day's quota instead of ending")] = False,
) -> None:
    """Fetch the content of a release of ids again, and say what is gone; exit code 75 when the quota is spent."""
    from corpus.crawl.progress import bar
    from corpus.crawl.scheduler import Later
    from corpus.release.rehydrate import rehydrate as run
    from corpus.release.rehydrate import rehydrated_text

    try:
        with bar() as tell:
            typer.echo(rehydrated_text(run(release, corpus, wait, tell)))
    except Later as later:
        typer.echo(f"error: {later}", err=True)
        raise typer.Exit(QUOTA_ENDED) from None


@app.command()
def diff(
    a: Annotated[Path, typer.Argument(help="a release")],
    b: Annotated[Path, typer.Argument(help="another")],
) -> None:
    """Say what differs between two releases: rows gone, new, changed, moved to another split."""
    from corpus.release.diff import diff as run
    from corpus.release.diff import diff_text

    typer.echo(diff_text(run(a, b), a, b))


@app.command()
def verbalize(
    corpus: Corpus,
    out: Annotated[Path, typer.Option(help="parquet file to write: message_id, comment_id, template, text")],
) -> None:
    """Write every message and comment as text, behavior beside content; say what could not be written."""
    from corpus.verbalize.verbalize import verbalize as run
    from corpus.verbalize.verbalize import verbalized_text

    typer.echo(verbalized_text(run(corpus, out), out))


@app.command()
def datasheet(
    corpus: Corpus,
    out: Annotated[Path | None, typer.Option(help="file to write; without it the text is printed")] = None,
) -> None:
    """Write the corpus' datasheet, its figures filled in."""
    from corpus.inspect.datasheet import datasheet_text, write_datasheet

    if out is None:
        typer.echo(datasheet_text(corpus))
        return
    write_datasheet(corpus, out)
    typer.echo(f"datasheet in {out}")
