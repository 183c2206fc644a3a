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

from corpus.console import command_text, failed, next_command, note, say, say_json, say_json_rows
from corpus.options import Corpus, Json
from corpus.printing import number_of

SHOW_REJECTS = ("cbc", "corpus", "sql", "FROM rejects")
QUOTA_ENDED = 75  # EX_TEMPFAIL of sysexits.h: a scheduler tries again later

app = typer.Typer(no_args_is_help=True, help="Build the corpus, look at it, check it, export it.")


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


@app.command()
def simulate(
    corpus: Corpus,
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 0,
    brands: Annotated[int, typer.Option(help="companies, each with a channel, an account and a sender")] = 72,
    videos: Annotated[int, typer.Option(help="a brand")] = 40,
    posts: Annotated[int, typer.Option(help="a brand")] = 100,
    emails: Annotated[int, typer.Option(help="a brand")] = 8,
    json: Json = False,
) -> None:
    """Write a simulated world: brands, videos, posts and emails whose behavior follows a stated law."""
    from corpus.ingest.report import report_text
    from corpus.simulate.world import simulate as run

    report = run(corpus, seed=seed, brands=brands, videos=videos, posts=posts, emails=emails)
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
    from corpus.crawl.progress import crawl_progress, crawled_text
    from corpus.crawl.recipe import load_crawl_recipe
    from corpus.crawl.scheduler import Later

    wanted = load_crawl_recipe(recipe)
    if plan:
        say_json(plan_rows(wanted)) if json else say(plan_text(wanted))
        return
    try:
        with crawl_progress() as tell:
            crawled = run(wanted, corpus, again, wait, tell)
    except Later as ended:
        failed(str(ended))
        raise typer.Exit(QUOTA_ENDED) from None
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


@app.command()
def status(corpus: Corpus, json: Json = False) -> None:
    """Say what the corpus holds and how its crawl stands: rows, sources, dates, metrics, rejects, sizes on disk."""
    from corpus.crawl.progress import crawl_state, progress_text
    from corpus.inspect.status import status as run
    from corpus.inspect.status import status_rows, status_text

    if json:
        say_json({**status_rows(run(corpus)), "crawl": crawl_state(corpus)})
    else:
        say("\n\n".join(filter(None, [status_text(corpus), progress_text(corpus)])))


@app.command()
def validate(
    corpus: Corpus,
    limit: Annotated[int, typer.Option(min=0, help="how many findings to show")] = 50,
    json: Annotated[bool, typer.Option("--json", help="print every finding as JSON")] = False,
) -> None:
    """Check schema, ranges, dangling ids and duplicates; exit code 1 when there are findings."""
    from corpus.inspect.validate import findings_rows, findings_text
    from corpus.inspect.validate import validate as run

    findings = run(corpus)
    say_json(findings_rows(findings)) if json else say(findings_text(findings, limit))
    if findings:
        raise typer.Exit(1)


@app.command()
def explain(
    row_id: Annotated[str, typer.Argument(metavar="ID", help="a message, communicator or comment")],
    corpus: Corpus,
    json: Json = False,
) -> None:
    """Say where an id's cells came from: raw payload and field, when, by which call and tool, what was done to it."""
    from corpus.inspect.explain import explain as run
    from corpus.inspect.explain import explain_id, explained_rows

    say_json(explained_rows(explain_id(corpus, row_id))) if json else say(run(corpus, row_id))


@app.command()
def takedown(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="videos, posts, channels, comments")],
    corpus: Corpus,
    also: Annotated[
        list[Path] | None, typer.Option(help="a bench, run or release made of it elsewhere or by an earlier version")
    ] = None,
    json: Json = False,
) -> None:
    """Remove ids from everything, keep them from being fetched again, and prove by search that their text is gone."""
    from corpus.takedown.takedown import takedown as run
    from corpus.takedown.takedown import taken_text

    taken = run(corpus, ids, also or [])
    say_json(taken) if json else say(taken_text(taken))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="one SELECT over the views of the corpus")],
    corpus: Corpus,
    limit: Annotated[int, typer.Option(min=1, help="rows shown")] = 40,
    csv: Annotated[bool, typer.Option("--csv", help="print every row as CSV")] = False,
    json: Annotated[bool, typer.Option("--json", help="print every row as JSON")] = False,
) -> None:
    """Ask the corpus in SQL (DuckDB's); nothing can be written."""
    from corpus.inspect.status import sql_csv, sql_rows, sql_table

    if json:
        say_json_rows(sql_rows(corpus, query))
    elif csv:
        sql_csv(corpus, query)
    else:
        say(sql_table(corpus, query, limit))


@app.command(name="filter")
def filter_(
    recipe: Annotated[str, typer.Argument(help="YAML: filters in their order; or a shipped one's name: default")],
    corpus: Corpus,
    language: Annotated[
        str | None, typer.Option(help="keep these languages alone, as en,de (without it: all languages)")
    ] = None,
    json: Json = False,
) -> None:
    """Find duplicates and noise; nothing is deleted, but benches and texts are made of what is kept."""
    from corpus.filters.kinds import emptied_text
    from corpus.filters.recipe import load_filter_recipe
    from corpus.filters.run import filtered_text, run_filters

    loaded = load_filter_recipe(recipe)
    if language is not None:
        loaded = loaded.in_languages([name.strip() for name in language.split(",")])
    manifest = run_filters(loaded, corpus)
    say_json(manifest) if json else say(filtered_text(manifest, corpus))
    if warning := emptied_text(manifest["kinds"]):
        note(warning.removeprefix("note: "))


@app.command()
def annotate(
    corpus: Corpus,
    name: Annotated[str, typer.Option("--with", help="an annotator: language")],
    json: Json = False,
) -> None:
    """Say of messages what their sources do not, as an annotation; goes on where it was stopped."""
    from corpus.annotate.registry import ANNOTATORS
    from corpus.annotate.run import annotate as run
    from corpus.annotate.run import annotated_text

    annotated = run(corpus, ANNOTATORS[name]())
    say_json(annotated) if json else say(annotated_text(annotated))


@app.command()
def export(
    corpus: Corpus,
    out: Annotated[Path | None, typer.Option(help="parquet file to write, of the videos")] = None,
    format: Annotated[Format, typer.Option(help="shape of that file")] = Format.published,
    duckdb: Annotated[Path | None, typer.Option(help="DuckDB file to write, with all tables")] = None,
    json: Json = False,
) -> None:
    """Write the videos in the columns of the public release, or every table as one DuckDB file (1.0 and later)."""
    from corpus.release.database import export_database
    from corpus.release.export import Exported, export_published, exported_text

    if out is None and duckdb is None:
        raise typer.BadParameter("give --out FILE or --duckdb FILE")
    videos = export_published(corpus, out) if out else None
    exported = Exported(out, videos, duckdb, export_database(corpus, duckdb) if duckdb else {})
    say_json(exported) if json else say(exported_text(exported))


@app.command()
def release(
    corpus: Corpus,
    out: Annotated[Path, typer.Option(help="folder to write")],
    content: Annotated[Content, typer.Option(help="ids alone, or everything")] = Content.ids,
    version: Annotated[str, typer.Option(help="of this release")] = "1.0.0",
    name: Annotated[str, typer.Option(help="of the dataset")] = "content-behavior-corpus",
    licence: Annotated[str, typer.Option(help="SPDX id of what you give it away under")] = "other",
    seed: Annotated[int, typer.Option(help="of the splits")] = 0,
    json: Json = False,
) -> None:
    """Write what may be given away: parquet by split, card, datasheet, Croissant, checksums."""
    from corpus.release.write import release as run
    from corpus.release.write import released_text

    released = run(corpus, out, content.value, version, name, licence, seed)
    say_json(released) if json else say(released_text(released))


@app.command()
def rehydrate(
    release: Annotated[Path, typer.Argument(help="a release of ids")],
    corpus: Corpus,
    wait: Annotated[bool, typer.Option("--wait", help="wait for the next day's quota instead of ending")] = False,
    ytdlp: Annotated[
        bool,
        typer.Option("--ytdlp", help="read pages instead of the API: no key, replay and captions too"),
    ] = False,
    json: Json = False,
) -> None:
    """Fetch the content of a release of ids again, and say what is gone; exit code 75 when the quota is spent."""
    from corpus.crawl.progress import crawl_progress
    from corpus.crawl.recipe import Ytdlp
    from corpus.crawl.scheduler import Later
    from corpus.release.rehydrate import rehydrate as run
    from corpus.release.rehydrate import rehydrated_text

    try:
        with crawl_progress() as tell:
            rehydrated = run(release, corpus, wait, tell, Ytdlp() if ytdlp else None)
    except Later as later:
        failed(str(later))
        raise typer.Exit(QUOTA_ENDED) from None
    say_json(rehydrated) if json else say(rehydrated_text(rehydrated))
    if not json:
        next_command("cbc", "corpus", "status", "--corpus", corpus)


@app.command()
def diff(
    a: Annotated[Path, typer.Argument(help="a release")],
    b: Annotated[Path, typer.Argument(help="another")],
    json: Json = False,
) -> None:
    """Say what differs between two releases: rows gone, new, changed, moved to another split."""
    from corpus.release.diff import diff as run
    from corpus.release.diff import diff_text

    differences = run(a, b)
    say_json(differences) if json else say(diff_text(differences, a, b))


@app.command()
def verbalize(
    corpus: Corpus,
    out: Annotated[Path, typer.Option(help="parquet file to write: message_id, comment_id, template, text")],
    json: Json = False,
) -> None:
    """Write every message and comment as text, behavior beside content; say what could not be written."""
    from corpus.verbalize.verbalize import verbalize as run
    from corpus.verbalize.verbalize import verbalized_rows, verbalized_text

    verbalized = run(corpus, out)
    say_json(verbalized_rows(verbalized, out)) if json else say(verbalized_text(verbalized, out))


@app.command()
def datasheet(
    corpus: Corpus,
    out: Annotated[Path | None, typer.Option(help="file to write; without it the text is printed")] = None,
    json: Json = False,
) -> None:
    """Write the corpus' datasheet, its figures filled in."""
    from corpus.inspect.datasheet import datasheet_text, write_datasheet

    if out is None:
        text = datasheet_text(corpus)
        say_json({"datasheet": text}) if json else say(text)
        return
    write_datasheet(corpus, out)
    say_json({"out": out}) if json else say(f"datasheet in {out}")
