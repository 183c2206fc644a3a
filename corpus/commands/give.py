"""Commands that give a corpus away, as files, releases or text, and take a release up again."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from corpus.commands.waiting import crawling
from corpus.console import next_command, say, say_json
from corpus.options import Corpus, Json

app = typer.Typer()


class Content(StrEnum):
    """How much of a corpus a release holds."""

    ids = "ids"
    full = "full"


class Format(StrEnum):
    """Shapes a corpus can be exported in."""

    published = "published"


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
    from corpus.crawl.recipe import Ytdlp
    from corpus.release.rehydrate import rehydrate as run
    from corpus.release.rehydrate import rehydrated_text

    with crawling() as tell:
        rehydrated = run(release, corpus, wait, tell, Ytdlp() if ytdlp else None)
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
